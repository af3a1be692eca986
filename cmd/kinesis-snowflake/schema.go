package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the pipeline file, for editors",
		Long: `Print the JSON Schema of the pipeline file, for editors.

Save it beside the files, and let a file's first line name it:

  # yaml-language-server: $schema=pipeline.schema.json

The schema takes every file that check takes. What depends on the environment, check alone can say.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := config.WriteJSONSchema(p.stdout); err != nil {
				return failure{err: fmt.Errorf("print the schema: %w", err)}
			}
			return nil
		},
	}
}
