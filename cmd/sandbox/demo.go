package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/data"
	"kinesis-snowflake/cmd/sandbox/internal/ask"
	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/show"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

type demoOptions struct {
	input, stream, database string
	records, shards         int
	aggregate               int
	queries                 []string
	json, reshard           bool
	interval                time.Duration
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the connector on this machine, against local stand-ins",
		Long: `Run the connector on this machine, against local stand-ins.

Without flags, GitHub webhook events and earthquakes go through two streams into two tables. Progress is shown, then the tables,
answers to a few queries, and the account of the records: sent = loaded + failed, nothing twice. The exit code is 1 if that does
not hold.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if err := demo(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr()); err != nil {
				return failure{err}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.input, "input", "", "records to send, one a line of `FILE`, as they stand, instead of the embedded ones")
	f.IntVar(&o.records, "records", 0, "send `N` records to each stream, repeating the input; 0 sends each once")
	f.IntVar(&o.shards, "shards", 4, "shards of each stream")
	f.StringVar(&o.stream, "stream", "", "`NAME` of the stream for --input; the table has it in upper case (default records)")
	f.StringArrayVar(&o.queries, "query", nil, "`SQL` to run at the end instead of the default queries; may be given several times")
	f.BoolVar(&o.json, "json", false, "write the queries' rows as JSON objects, one a line, and nothing else")
	f.StringVar(&o.database, "db", "", "keep the tables in this new DuckDB `FILE`")
	f.BoolVar(&o.reshard, "reshard", false, "split and merge shards while records flow")
	f.DurationVar(&o.interval, "interval", time.Second, "batch interval")
	aggregateFlag(c, &o.aggregate)
	return c
}

func (o *demoOptions) check() error {
	switch {
	case o.records < 0:
		return fmt.Errorf("--records %d is negative", o.records)
	case o.shards < 1 || o.shards > 200:
		return fmt.Errorf("--shards is 1 to 200, not %d", o.shards)
	case o.json && len(o.queries) == 0:
		return errors.New("--json needs a --query")
	case o.stream != "" && o.input == "":
		return errors.New("--stream needs --input")
	}
	return checkAggregate(o.aggregate)
}

// A feed is one stream with its records, and the table it goes into.
type feed struct {
	stream  string
	lines   [][]byte
	queries []string
}

func (f feed) table() string { return strings.ToUpper(f.stream) }

// feeds gives what is sent.
func (o *demoOptions) feeds() ([]feed, error) {
	if o.input != "" {
		file, err := os.Open(o.input)
		if err != nil {
			return nil, fmt.Errorf("open input: %w", err)
		}
		defer file.Close()
		lines, err := produce.Lines(file)
		if err != nil {
			return nil, err
		}
		if len(lines) == 0 {
			return nil, fmt.Errorf("%s holds no records", o.input)
		}
		name := o.stream
		if name == "" {
			name = "records"
		}
		return []feed{{stream: name, lines: lines}}, nil
	}
	events, err := produce.Lines(strings.NewReader(data.GitHubEvents))
	if err != nil {
		return nil, err
	}
	quakes, err := produce.Lines(strings.NewReader(data.Earthquakes))
	if err != nil {
		return nil, err
	}
	return []feed{
		{stream: "github_events", lines: events, queries: []string{
			`SELECT event, COUNT(*) AS n FROM github_events GROUP BY event ORDER BY n DESC, event LIMIT 5`,
			`SELECT repository:full_name::STRING AS repository, COUNT(DISTINCT sender:login::STRING) AS senders, COUNT(*) AS n FROM github_events GROUP BY 1 ORDER BY n DESC, 1 LIMIT 3`,
		}},
		{stream: "earthquakes", lines: quakes, queries: []string{
			`SELECT properties:place::STRING AS place, properties:mag::NUMBER(4,2) AS mag FROM earthquakes QUALIFY ROW_NUMBER() OVER (ORDER BY properties:mag::FLOAT DESC NULLS LAST, properties:time::NUMBER) <= 3`,
		}},
	}, nil
}

// demo does it all. With o.json, only rows go to stdout, and what goes wrong to stderr.
func demo(ctx context.Context, o demoOptions, stdout, stderr io.Writer) (err error) {
	feeds, err := o.feeds()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sandbox-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	servers, err := stack.Start(ctx, stack.Options{Database: o.database, Dir: dir, Fast: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Close()) }()

	say := stdout
	if o.json {
		say = io.Discard
	}
	names := make([]string, len(feeds))
	for i, f := range feeds {
		names[i] = f.stream
		if err := servers.Kinesis.CreateStream(f.stream, o.shards); err != nil {
			return fmt.Errorf("create stream %s: %w", f.stream, err)
		}
	}
	board := show.NewBoard(say, names...)
	log := &later{}
	accounts, err := flow(ctx, servers, feeds, o, board, log)
	board.Close()
	if lerr := log.writeTo(stderr); lerr != nil {
		err = errors.Join(err, lerr)
	}
	if err != nil {
		return err
	}
	client, err := ask.Dial(ctx, servers.SnowflakeURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return report{client: client, out: stdout, say: say, options: o}.write(ctx, feeds, accounts)
}
