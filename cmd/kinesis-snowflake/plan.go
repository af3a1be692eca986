package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/plan"
)

// errConflicts is what --strict makes of a report that is not clean.
var errConflicts = errors.New("there are type conflicts, failed messages, values without a column, paths that lead to nothing, or worse: see the plan")

func (p *program) planCommand() *cobra.Command {
	var files []string
	var sample string
	var asJSON, strict bool
	var o plan.Options
	c := &cobra.Command{
		Use:   "plan -c FILE [--file sample.jsonl]",
		Short: "Show what would become of a sample of the records, without writing anything",
		Long: `Show what would become of a sample of the records: the table's columns and the DDL for them, rows as they would land, failed
messages, values that have no column to fit into, and type conflicts with a change of the file that settles them.

The sample comes from every shard, half of it from the start and half from near the tip. It is read with GetRecords, at half of
what a shard allows to all who read it. Nothing is written anywhere: no lease, no checkpoint, no table. Snowflake is asked for
the table's columns only (DESC TABLE), which wakes no warehouse; if it cannot be reached, a note says so.

With --file the records are the lines of a file, - for the standard input, and neither AWS nor Snowflake is contacted.

The exit code is 0 whatever the plan says, unless --strict asks for 1.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Records < 0 || o.Rows < 0 || o.Records == 0 && c.Flags().Changed("records") {
				return errors.New("--records must be at least 1, and --rows must not be negative")
			}
			pipelines, err := load(files)
			if err != nil {
				return err
			}
			if sample != "" && len(pipelines) > 1 {
				return errors.New("--file is for one pipeline")
			}
			return p.stoppable(c.Context(), func(ctx context.Context) error {
				clean := true
				for i, cfg := range pipelines {
					r, err := p.plan(ctx, cfg, o, sample)
					if err == nil {
						clean = clean && r.Clean()
						err = p.printPlan(r, asJSON, i > 0)
					}
					if err != nil {
						return failure{err: fmt.Errorf("%s: %w", cfg.File, err)}
					}
				}
				if strict && !clean {
					return failure{err: errConflicts}
				}
				return nil
			})
		},
	}
	filesFlag(c, &files)
	c.Flags().StringVar(&sample, "file", "", "take the records from a `FILE`, one a line, instead of the stream")
	c.Flags().IntVar(&o.Records, "records", 0, fmt.Sprintf("how many records are looked at, at most (default %d of a stream, all of a file)", plan.DefaultRecords))
	c.Flags().IntVar(&o.Rows, "rows", plan.DefaultRows, "how many rows are shown")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a pipeline, a line each")
	c.Flags().BoolVar(&strict, "strict", false, "exit with 1 unless every value of the sample has a column that it fits, whichever records come first, and every path of the steps is in some record")
	return c
}

func (p *program) plan(ctx context.Context, cfg *config.Pipeline, o plan.Options, sample string) (*plan.Report, error) {
	o.Logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := logLibraries(o.Logger); err != nil {
		return nil, err
	}
	o.KinesisTransport, o.SnowflakeTransport = p.transports.kinesis, p.transports.snowflake
	told, end := p.reading(cfg.Source.Stream)
	o.Progress = told
	defer end()
	switch sample {
	case "":
	case "-":
		o.File, o.FileName = asLong(ctx, p.stdin), "the standard input"
	default:
		f, err := os.Open(sample)
		if err != nil {
			return nil, fmt.Errorf("read the sample: %w", err)
		}
		defer f.Close()
		o.File, o.FileName = asLong(ctx, f), sample
	}
	return plan.Make(ctx, cfg, o)
}

// readingLine is how often it is said how far the reading has come where that cannot be kept in one place.
const readingLine = 10 * time.Second

// reading tells on standard error how far the reading of a stream has come: in one place of a terminal, and else in a line now
// and then, so that a short reading has none.
func (p *program) reading(stream string) (told func(plan.Progress), end func()) {
	if f, ok := p.stderr.(*os.File); ok && isTerminal(f) {
		return func(at plan.Progress) {
				fmt.Fprintf(p.stderr, "\r\x1b[Kreading stream %s: %s", stream, readingText(at))
			},
			func() { fmt.Fprint(p.stderr, "\r\x1b[K") }
	}
	last := time.Now()
	return func(at plan.Progress) {
		if now := time.Now(); now.Sub(last) >= readingLine {
			last = now
			fmt.Fprintf(p.stderr, "reading stream %s: %s\n", stream, readingText(at))
		}
	}, func() {}
}

func readingText(at plan.Progress) string {
	return fmt.Sprintf("%d of %s done, %s so far", at.Shards, plural(at.Of, "shard"), plural(at.Records, "record"))
}

func (p *program) printPlan(r *plan.Report, asJSON, apart bool) error {
	if asJSON {
		e := json.NewEncoder(p.stdout)
		e.SetEscapeHTML(false)
		return e.Encode(r)
	}
	if apart {
		fmt.Fprintln(p.stdout)
	}
	return r.Print(p.stdout)
}
