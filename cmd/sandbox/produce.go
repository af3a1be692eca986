package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/data"
	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

func produceCommand() *cobra.Command {
	var address, stream, input string
	var shards int32
	var records, aggregate int
	c := &cobra.Command{
		Use:     "produce",
		Short:   "Put records into a stream of a running Kinesis, making the stream if there is none",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return checkAggregate(aggregate) },
		RunE: running(func(c *cobra.Command, _ []string) error {
			return produceTo(c.Context(), address, stream, shards, input, records, aggregate, c.OutOrStdout())
		}),
	}
	f := c.Flags()
	f.StringVar(&address, "kinesis", "", "`ADDR` of Kinesis")
	f.StringVar(&stream, "stream", "", "`NAME` of the stream")
	f.Int32Var(&shards, "shards", 4, "shards of a stream that is made")
	f.StringVar(&input, "input", "", "records to send, one a line of `FILE`; - is the standard input (default: the embedded earthquakes)")
	f.IntVar(&records, "records", 0, "send `N` records, repeating the input; 0 sends each once")
	aggregateFlag(c, &aggregate)
	required(c, "kinesis", "stream")
	return c
}

// aggregateFlag defines --aggregate.
func aggregateFlag(c *cobra.Command, percent *int) {
	c.Flags().IntVar(percent, "aggregate", 0, "pack `N` percent of the records into aggregates, as the Kinesis Producer Library does")
}

// checkAggregate refuses what is no share.
func checkAggregate(percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("--aggregate is 0 to 100 percent, not %d", percent)
	}
	return nil
}

func produceTo(ctx context.Context, address, stream string, shards int32, input string, records, aggregate int, out io.Writer) error {
	var in io.Reader = strings.NewReader(data.Earthquakes)
	switch input {
	case "":
	case "-":
		in = os.Stdin
	default:
		file, err := os.Open(input)
		if err != nil {
			return fmt.Errorf("open input: %w", err)
		}
		defer file.Close()
		in = file
	}
	lines, err := produce.Lines(in)
	if err != nil {
		return err
	}
	remote := produce.Dial(address, stack.Region, stack.AccessKey, stack.SecretKey)
	if err := remote.Ensure(ctx, stream, shards); err != nil {
		return err
	}
	var putter produce.Putter = remote
	if aggregate > 0 {
		known, err := remote.Shards(ctx, stream)
		if err != nil {
			return err
		}
		putter = &produce.Aggregating{Putter: remote, Percent: aggregate, Shards: known}
	}
	sent := 0
	for batch := range produce.Batches(lines, records) {
		if err := putter.Put(ctx, stream, batch); err != nil {
			return fmt.Errorf("%w (%d records were sent)", err, sent)
		}
		sent += len(batch)
	}
	fmt.Fprintf(out, "sent %d records to %s\n", sent, stream)
	return nil
}
