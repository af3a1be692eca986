package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

// load reads pipeline files, and the files that they name.
func load(files []string) ([]*config.Pipeline, error) {
	pipelines, err := config.Load(files...)
	if err != nil {
		return nil, err
	}
	var faults config.Errors
	for _, cfg := range pipelines {
		if _, err := pipeline.TableConfig(cfg); err != nil {
			faults = append(faults, &config.Error{File: cfg.File, Key: "transform", Problem: err.Error()})
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

Every fault is reported with its line and column. The environment and the files of secrets must be those of the run.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			pipelines, err := load(files)
			if err != nil {
				return err
			}
			for _, cfg := range pipelines {
				fmt.Fprintf(p.stdout, "%s: ok: stream %s in %s into table %s.%s.%s\n",
					cfg.File, cfg.Source.Stream, cfg.Source.Region, cfg.Sink.Database, cfg.Sink.Schema, cfg.Sink.Table)
			}
			return nil
		},
	}
	filesFlag(c, &files)
	return c
}
