package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/data"
	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

func produceCommand() *cobra.Command {
	var o producing
	c := &cobra.Command{
		Use:   "produce",
		Short: "Put records into a stream of a running Kinesis, making the stream if there is none",
		Args:  cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			return errors.Join(checkAggregate(o.aggregate), checkUnit(o.unit))
		},
		RunE: running(func(c *cobra.Command, _ []string) error {
			return o.run(c.Context(), c.OutOrStdout())
		}),
	}
	f := c.Flags()
	f.StringVar(&o.address, "kinesis", "", "`ADDR` of Kinesis")
	f.StringVar(&o.stream, "stream", "", "`NAME` of the stream")
	f.Int32Var(&o.shards, "shards", 4, "shards of a stream that is made")
	f.StringVar(&o.input, "input", "", "records to send, those of `FILE`, one a line if --records-of says nothing else; - is the standard input (default: the embedded earthquakes)")
	f.IntVar(&o.records, "records", 0, "send `N` records, repeating the input; 0 sends each once")
	f.StringVar(&o.unit, "records-of", "line", "`WHAT` of the input is a record: line, each as it stands; base64, what each line spells; file, all of it, such as a block of lines")
	f.BoolVar(&o.gzip, "gzip", false, "compress each record by gzip, as CloudWatch Logs does")
	aggregateFlag(c, &o.aggregate)
	required(c, "kinesis", "stream")
	return c
}

// producing are the options of produce.
type producing struct {
	address, stream, input, unit string
	shards                       int32
	records, aggregate           int
	gzip                         bool
}

func checkUnit(unit string) error {
	if !slices.Contains(produce.Units(), unit) {
		return fmt.Errorf("--records-of is one of %s, not %q", strings.Join(produce.Units(), ", "), unit)
	}
	return nil
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

func (o *producing) run(ctx context.Context, out io.Writer) error {
	var in io.Reader = strings.NewReader(data.Earthquakes)
	switch o.input {
	case "":
	case "-":
		in = os.Stdin
	default:
		file, err := os.Open(o.input)
		if err != nil {
			return fmt.Errorf("open input: %w", err)
		}
		defer file.Close()
		in = file
	}
	lines, err := produce.Read(in, o.unit, o.gzip)
	if err != nil {
		return err
	}
	remote := produce.Dial(o.address, stack.Region, stack.AccessKey, stack.SecretKey)
	if err := remote.Ensure(ctx, o.stream, o.shards); err != nil {
		return err
	}
	var putter produce.Putter = remote
	if o.aggregate > 0 {
		known, err := remote.Shards(ctx, o.stream)
		if err != nil {
			return err
		}
		putter = &produce.Aggregating{Putter: remote, Percent: o.aggregate, Shards: known}
	}
	sent := 0
	for batch := range produce.Batches(lines, o.records) {
		if err := putter.Put(ctx, o.stream, batch); err != nil {
			return fmt.Errorf("%w (%d records were sent)", err, sent)
		}
		sent += len(batch)
	}
	fmt.Fprintf(out, "sent %d records to %s\n", sent, o.stream)
	return nil
}
