package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

func serveCommand() *cobra.Command {
	var o stack.Options
	var p stack.Pipeline
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep the stand-ins up, for the real program or any other client",
		Long: `Keep the stand-ins up until a signal comes, for the real program or any other client.

A pipeline file for them is written to --dir and printed: start the program with "kinesis-snowflake run -c FILE". The stream must
be made first, by "sandbox produce" or any client. The service's limits hold.`,
		Args: cobra.NoArgs,
		RunE: running(func(c *cobra.Command, _ []string) error { return serve(c.Context(), o, p, c.OutOrStdout()) }),
	}
	f := c.Flags()
	f.StringVar(&o.Kinesis, "kinesis", "127.0.0.1:4567", "`ADDR` of Kinesis")
	f.StringVar(&o.DynamoDB, "dynamodb", "127.0.0.1:4568", "`ADDR` of DynamoDB")
	f.StringVar(&o.Snowflake, "snowflake", "127.0.0.1:4569", "`ADDR` of Snowflake")
	f.StringVar(&o.Database, "db", "", "keep the tables in this new DuckDB `FILE`")
	f.StringVar(&o.Dir, "dir", "", "`DIR` for the key and the pipeline file (default: a temporary one)")
	f.StringVar(&p.Stream, "stream", "records", "`NAME` of the stream in the pipeline file")
	f.DurationVar(&p.Interval, "interval", time.Second, "batch interval in the pipeline file")
	return c
}

func serve(ctx context.Context, o stack.Options, p stack.Pipeline, out io.Writer) (err error) {
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "sandbox-"); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	} else if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	s, err := stack.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	p.Listen, p.LogLevel = "127.0.0.1:9090", "info"
	p.PollInterval = time.Second // the default: others may read beside it
	file, err := s.WritePipeline(p)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the pipeline file: %w", err)
	}
	fmt.Fprintf(out, "# kinesis %s, dynamodb %s, snowflake %s\n# %s\n%s", s.KinesisURL, s.DynamoDBURL, s.SnowflakeURL, file, text)
	<-ctx.Done()
	return nil
}
