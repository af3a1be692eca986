package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
)

func (p *program) checkCommand() *cobra.Command {
	var files []string
	c := &cobra.Command{
		Use:   "check -c FILE [-c FILE...]",
		Short: "Check pipeline files, without contacting AWS or Snowflake",
		Long: `Check pipeline files, without contacting AWS or Snowflake.

Every fault is reported with its line and column. The environment and the files of secrets must be those of the run.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			pipelines, err := config.Load(files...)
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
