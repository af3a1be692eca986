package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/replay"
	"kinesis-snowflake/internal/row"
)

func (p *program) replayCommand() *cobra.Command {
	var files, logs []string
	var since string
	var dryRun, asJSON bool
	c := &cobra.Command{
		Use:   "replay -c FILE --log FILE",
		Short: "Load messages again that failed, once the pipeline file is mended",
		Long: `Load messages again that failed, once the pipeline file is mended.

The log is what the connector wrote, in whichever of its formats, with all its other lines; a file may be packed by gzip or
zstd, and - is standard input. The records that its failed messages name are read from the stream once more, go through the transform
as the file has it now, and the rows that the table does not hold are loaded: each once, also when this is run again, was
killed, or runs beside the connector. The stream keeps records for its retention period only.

Messages that lie after what the connector has loaded are left to it. What is not in the table at the end is listed, and
makes the exit code 1.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			from, err := parseSince(since, time.Now())
			if err != nil {
				return err
			}
			pipelines, err := load(files)
			if err != nil {
				return err
			}
			return p.stoppable(c.Context(), func(ctx context.Context) error {
				log, err := p.readLogs(ctx, logs, from)
				switch {
				case ctx.Err() != nil:
					return failure{err: context.Cause(ctx)}
				case err != nil:
					return err
				}
				return p.replayAll(ctx, pipelines, log, replay.Options{DryRun: dryRun}, asJSON)
			})
		},
	}
	filesFlag(c, &files)
	c.Flags().StringArrayVar(&logs, "log", nil, "`FILE` that the connector's log was written to, or -; may be given several times")
	c.Flags().StringVar(&since, "since", "", "only lines written at or after this `TIME` (RFC 3339), or so long ago: 90m, 24h, 7d")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be loaded; nothing is written")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a pipeline, a line each")
	if err := c.MarkFlagRequired("log"); err != nil {
		panic(err) // only for a flag that is not there
	}
	return c
}

// parseSince reads a time, or how long ago it was.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("--since is %q; it must be a time with its zone, like 2026-11-22T09:00:00Z or 2026-11-22T09:00:00+01:00, or how long ago: 90m, 24h, 7d", text)
}

func (p *program) readLogs(ctx context.Context, names []string, since time.Time) (*replay.Log, error) {
	log := &replay.Log{}
	for _, name := range names {
		if err := p.readLog(ctx, log, name, since); err != nil {
			return nil, err
		}
	}
	return log, nil
}

func (p *program) readLog(ctx context.Context, log *replay.Log, name string, since time.Time) error {
	if name == "-" {
		if err := log.Read(asLong(ctx, p.stdin), since); err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open --log: %w", err)
	}
	defer func() { _ = f.Close() }() // it was read only
	if err := log.Read(asLong(ctx, f), since); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// errLeft is the exit code's reason where the report says the rest.
var (
	errLeft     = errors.New("not all failed messages are in the table")
	errWouldNot = errors.New("not all failed messages would be in the table after a replay")
)

// replayAll replays one pipeline after the other. One that fails does not keep it from the others.
func (p *program) replayAll(ctx context.Context, pipelines []*config.Pipeline, lines *replay.Log, o replay.Options, asJSON bool) error {
	o.Logger = slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := logLibraries(o.Logger); err != nil {
		return failure{err: err}
	}
	o.KinesisTransport, o.DynamoDBTransport, o.SnowflakeTransport = p.transports.kinesis, p.transports.dynamodb, p.transports.snowflake
	o.Told = func(line string) { fmt.Fprintln(p.stderr, line) }
	var failed []error
	for _, cfg := range pipelines {
		report, err := replay.Run(ctx, cfg, lines, o)
		if report != nil { // of one that could not begin there is nothing to say but why
			if perr := p.printReplay(report, asJSON); perr != nil {
				return failure{err: perr}
			}
		}
		switch {
		case err == nil && report.Good():
		case err == nil && o.DryRun:
			failed = append(failed, fmt.Errorf("%s: %w", cfg.File, errWouldNot))
		case err == nil:
			failed = append(failed, fmt.Errorf("%s: %w", cfg.File, errLeft))
		case ctx.Err() != nil:
			return failure{err: fmt.Errorf("%s: %w: %w", cfg.File, context.Cause(ctx), err)}
		default:
			failed = append(failed, fmt.Errorf("%s: %w", cfg.File, err))
		}
	}
	if len(failed) > 0 {
		return failure{err: errors.Join(failed...)}
	}
	return nil
}

func (p *program) printReplay(r *replay.Report, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(p.stdout).Encode(r); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	return printReplay(p.stdout, r)
}

const (
	shownLeft   = 5  // messages of one reason that are named; --json names all
	shownCauses = 20 // reasons that are named: some quote the message's own values
)

func printReplay(out io.Writer, r *replay.Report) error {
	fmt.Fprintf(out, "stream %s, table %s\n\n", r.Stream, r.Table)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "failed messages in the log\t%d\t%s\n", r.Messages, plural(r.Lines, "line"))
	for _, s := range replay.States() {
		n := r.Counts[s]
		if n == 0 && s != replay.Loaded {
			continue
		}
		more := ""
		if s == replay.Loaded {
			more = "\t" + plural(int(r.Rows), "row")
		}
		fmt.Fprintf(t, "%s\t%d%s\n", stateText(s, r.DryRun), n, more)
	}
	if r.Unknown > 0 {
		fmt.Fprintf(t, "not looked at\t%d\n", r.Unknown)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, n := range []struct {
		lines int
		what  string
	}{
		{r.Others, "of other pipelines' failed messages left out"}, {r.Older, "from before --since left out"}, {r.Unreadable, "of failed messages passed over, for not saying which record it was: cut, perhaps"},
	} {
		if n.lines > 0 {
			fmt.Fprintf(out, "note: %s %s\n", plural(n.lines, "line"), n.what)
		}
	}
	if r.Messages+r.Others+r.Older+r.Unreadable == 0 {
		fmt.Fprintf(out, "note: no line of the log is a failed message's; it has %s\n", plural(r.PassedOver, "line"))
	}
	printRescued(out, r)
	printLeft(out, r.Left)
	return nil
}

// shownRescued bounds the columns that are named; --json names all.
const shownRescued = 20

// printRescued names the columns whose values have no place in them, those with the most values first.
func printRescued(out io.Writer, r *replay.Report) {
	all, total := slices.Clone(r.Rescued), 0
	for _, v := range all {
		total += v.Values
	}
	if total == 0 {
		return
	}
	went := "went"
	if r.DryRun {
		went = "would go"
	}
	fmt.Fprintf(out, "\n%s of these rows %s to _RESCUED, since they do not fit their columns:\n", plural(total, "value"), went)
	slices.SortStableFunc(all, func(a, b replay.Rescued) int { return cmp.Compare(b.Values, a.Values) })
	for i, v := range all {
		if i == shownRescued {
			fmt.Fprintf(out, "  and %d more; --json names all\n", len(all)-shownRescued)
			break
		}
		fmt.Fprintf(out, "  %d x %q: %s\n", v.Values, v.Name, v.Reason)
	}
}

// printLeft names messages that are not in the table, those together whose reasons differ in numbers and quoted values at most, with the
// first one's, the commonest first.
func printLeft(out io.Writer, left []replay.Left) {
	type cause struct {
		state replay.State
		alike string
	}
	of := map[cause][]replay.Left{}
	var causes []cause
	for _, l := range left {
		c := cause{l.State, row.Alike(l.Reason)}
		if of[c] == nil {
			causes = append(causes, c)
		}
		of[c] = append(of[c], l)
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return cmp.Compare(len(of[b]), len(of[a])) })
	for n, c := range causes {
		if n == shownCauses {
			fmt.Fprintf(out, "\nand %s more; --json names all\n", plural(len(causes)-n, "reason"))
			break
		}
		fmt.Fprintf(out, "\n%s: %s: %s\n", plural(len(of[c]), "message"), stateText(c.state, false), of[c][0].Reason)
		for i, l := range of[c] {
			if i == shownLeft {
				fmt.Fprintf(out, "  and %d more; --json names all\n", len(of[c])-shownLeft)
				break
			}
			of := ""
			if l.Row != nil {
				of = fmt.Sprintf(", row %d", *l.Row)
			}
			fmt.Fprintf(out, "  %s %s:%d%s\n", l.Shard, l.Sequence, l.Subsequence, of)
		}
	}
}

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func stateText(s replay.State, dry bool) string {
	if s == replay.Loaded && dry {
		return "would be loaded"
	}
	return map[replay.State]string{
		replay.Loaded: "loaded", replay.Present: "in the table already", replay.NoRow: "make no row now", replay.Failed: "fail still", replay.Renamed: "numbered otherwise",
		replay.Gone: "gone from the stream", replay.Pending: "not yet committed", replay.Elsewhere: "of a stream that is no more",
	}[s]
}
