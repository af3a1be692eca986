package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
)

// load reads pipeline files, and the files that they name: a schema that does not compile and a key that cannot be read are
// faults of the file, like any other.
func load(files []string) ([]*config.Pipeline, error) {
	pipelines, err := config.Load(files...)
	if err != nil {
		return nil, err
	}
	var faults config.Errors
	for _, cfg := range pipelines {
		if _, err := pipeline.TableConfig(cfg); err != nil {
			key := "transform.steps"
			if cfg.Transform.JSONSchema != "" {
				key = "transform.json_schema" // steps alone were compiled when the file was read
			}
			faults = append(faults, cfg.Fault(key, err.Error()))
		}
		if key := cfg.Sink.PrivateKey; !key.IsZero() {
			if _, err := snowflake.ParsePrivateKey(key.Reveal(), cfg.Sink.PrivateKeyPassphrase.Reveal()); err != nil {
				faults = append(faults, cfg.Fault("sink.private_key", err.Error()))
			}
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return pipelines, nil
}

func (p *program) checkCommand() *cobra.Command {
	var files []string
	c := &cobra.Command{
		Use:   "check -c FILE [-c FILE...]",
		Short: "Check pipeline files, without contacting AWS or Snowflake",
		Long: `Check pipeline files, without contacting AWS or Snowflake.

Every fault is reported with its line and column. The environment and the files of secrets must be those of the run. What would
end a run on this machine, but perhaps not on another, is told as a note: a spool folder that is not there, an AWS profile that
does not exist, a start in the future.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			pipelines, err := load(files)
			if err != nil {
				return err
			}
			for _, cfg := range pipelines {
				fmt.Fprintf(p.stdout, "%s: ok: stream %s in %s into table %s.%s.%s\n",
					cfg.File, cfg.Source.Stream, cfg.Source.Region, cfg.Sink.Database, cfg.Sink.Schema, cfg.Sink.Table)
				for _, note := range notes(cfg) {
					fmt.Fprintf(p.stdout, "%s: note: %s\n", cfg.File, note)
				}
			}
			return nil
		},
	}
	filesFlag(c, &files)
	return c
}

// notes say what would keep a run from starting on this machine. Nothing is contacted.
func notes(cfg *config.Pipeline) []string {
	var all []string
	switch dir, err := os.Stat(cfg.Sink.SpoolDir); {
	case err != nil:
		all = append(all, fmt.Sprintf("sink.spool_dir is not there: %v", err))
	case !dir.IsDir():
		all = append(all, fmt.Sprintf("sink.spool_dir is no folder: %s", cfg.Sink.SpoolDir))
	}
	if start := cfg.Source.Start; start.Position == config.AtTimestamp && start.Time.After(time.Now()) {
		all = append(all, "source.start lies in the future: Kinesis refuses to read from there")
	}
	if _, err := source.New(pipeline.SourceOptions(cfg, pipeline.RunOptions{Logger: slog.New(slog.DiscardHandler)})); err != nil {
		all = append(all, fmt.Sprintf("the source cannot be set up: %v", err))
	}
	return all
}
