package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
)

func queryCommand() *cobra.Command {
	var address string
	var json bool
	c := &cobra.Command{
		Use:   "query SQL...",
		Short: "Run SQL on a running Snowflake stand-in",
		Args:  cobra.MinimumNArgs(1),
		RunE: running(func(c *cobra.Command, args []string) error {
			return query(c.Context(), address, args, json, c.OutOrStdout())
		}),
	}
	c.Flags().StringVar(&address, "snowflake", "", "`ADDR` of Snowflake")
	c.Flags().BoolVar(&json, "json", false, "write rows as JSON objects, one a line")
	required(c, "snowflake")
	return c
}

func query(ctx context.Context, address string, statements []string, json bool, out io.Writer) (err error) {
	client, err := ask.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	for i, s := range statements {
		answer, err := client.Query(ctx, s)
		if err != nil {
			return err
		}
		if json {
			err = answer.WriteJSON(out)
		} else {
			if i > 0 {
				fmt.Fprintln(out)
			}
			err = answer.WriteTable(out, cellWidth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
