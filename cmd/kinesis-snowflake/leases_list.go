package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/admin"
	"kinesis-snowflake/internal/row"
)

func (p *program) leasesListCommand() *cobra.Command {
	var files []string
	var asJSON, noLag bool
	var o admin.ListOptions
	c := &cobra.Command{
		Use:   "list -c FILE [-c FILE...]",
		Short: "Show who owns which shard, how far it has come and how far behind that is",
		Long: `Show who owns which shard, how far it has come and how far behind that is. Nothing is written.

The leases are watched for a while (--watch, half a lease duration unless said otherwise, and no less), for only a row that changes shows
that its owner lives: "alive" wrote while it was watched, "silent" did not, "dead" wrote nothing for a lease duration and a
margin, which takes a --watch of that length. RENEWED and MOVED say how long ago the lease and its checkpoint changed, as far
as that was seen.

LAG is how old the first record after the checkpoint is; it is asked with a GetRecords of one record for each unfinished shard,
which counts among the 5 calls a second that a shard allows. --offsets shows beside the checkpoint how far the table has come,
and wakes the warehouse.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Lag = !noLag
			if o.Watch < 0 {
				return fmt.Errorf("--watch is %s; it must not be negative", o.Watch)
			}
			encoder := json.NewEncoder(p.stdout)
			encoder.SetEscapeHTML(false)
			first := true
			return p.eachPipeline(c.Context(), files, func(ctx context.Context, _ *config.Pipeline, a *admin.Admin) error {
				if least := a.DefaultWatch(); o.Watch > 0 && o.Watch < least {
					return fmt.Errorf("%w: --watch is %s; workers write every third of source.lease_duration, %s here, so one that lives may not be seen in less than %s",
						errUsage, o.Watch, 2*least, least)
				}
				listing, err := a.List(ctx, o)
				if err != nil {
					return err
				}
				if asJSON {
					return encoder.Encode(listing)
				}
				if !first {
					fmt.Fprintln(p.stdout)
				}
				first = false
				return printLeases(p.stdout, listing, o)
			})
		},
	}
	filesFlag(c, &files)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a pipeline, a line each, instead of tables")
	c.Flags().DurationVar(&o.Watch, "watch", 0, "how long the leases are watched (default and least half of source.lease_duration)")
	c.Flags().BoolVar(&noLag, "no-lag", false, "do not ask the stream how far behind each checkpoint is")
	c.Flags().BoolVar(&o.Offsets, "offsets", false, "also read the offsets in Snowflake, which wakes the warehouse")
	return c
}

// printLeases writes a pipeline's tables.
func printLeases(out io.Writer, l *admin.Listing, o admin.ListOptions) error {
	watched := time.Duration(l.WatchedMS) * time.Millisecond
	fmt.Fprintf(out, "stream %s in %s, lease table %s, into %s; watched for %s\n", l.Stream, l.Region, l.Application, l.Table, short(watched))
	if !l.Exists {
		fmt.Fprintf(out, "lease table %s does not exist: no worker has run yet\n", l.Application)
	}
	header := []string{"SHARD", "STATE", "OWNER", "CHECKPOINT", "LAG", "RENEWED", "MOVED", "PARENTS", "CHILDREN"}
	if o.Offsets {
		header = append(header, "OFFSET")
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\n"+strings.Join(header, "\t"))
	for _, s := range l.Shards {
		cells := []string{
			s.ID, string(s.State), ownerCell(s), checkpointCell(s), lagCell(s, o.Lag), seen(s, s.RenewedMS, watched), seen(s, s.CheckpointedMS, watched),
			dash(strings.Join(s.Parents, ",")), dash(strings.Join(s.Children, ",")),
		}
		if o.Offsets {
			offset := "-"
			if s.Offset != nil {
				offset = cmp.Or(row.Position(*s.Offset).String(), "none loaded")
			}
			cells = append(cells, offset)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	fmt.Fprintln(t, "\nWORKER\tIS\tLEASES\tREADING\tFINISHED\tMOST LAG")
	for _, w := range l.Workers {
		fmt.Fprintln(t, strings.Join([]string{
			cmp.Or(w.Name, "(no owner)"), dash(string(w.Life)), strconv.Itoa(w.Leases), strconv.Itoa(w.Reading), strconv.Itoa(w.Finished), mostLag(w),
		}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	printLagFaults(out, l.Shards)
	for i, other := range l.Others {
		if i == 0 {
			fmt.Fprintln(out, "\nOther rows of the table:")
		}
		if other.Broken {
			other.What = "BROKEN, and left alone by workers, as its shard's children are: " + other.What
		}
		fmt.Fprintf(out, "  %s: %s\n", other.Key, other.What)
	}
	for _, note := range l.Notes {
		fmt.Fprintln(out, "\nnote:", note)
	}
	return nil
}

func ownerCell(s admin.Shard) string {
	if s.Owner == "" {
		return "-"
	}
	cell := s.Owner + " (" + string(s.Life) + ")"
	if s.NextOwner != "" {
		cell += " -> " + s.NextOwner
	}
	return cell
}

func checkpointCell(s admin.Shard) string {
	cell := row.Position(s.Checkpoint).String()
	if !s.StartTime.IsZero() {
		cell += " " + s.StartTime.Format(time.RFC3339Nano)
	}
	if s.Prepared.Sequence != "" {
		cell += " (prepared " + row.Position(s.Prepared).String() + ")"
	}
	return dash(cell)
}

func lagCell(s admin.Shard, asked bool) string {
	switch {
	case s.LagMS != nil:
		return short(time.Duration(*s.LagMS) * time.Millisecond)
	case s.LagError != "":
		return "? " + s.LagFault
	case asked && (s.State == admin.NoLease || s.State == admin.Broken):
		return "?"
	default:
		return "-"
	}
}

// mostLag is a worker's largest lag; where some are not known, that is the least that it can be.
func mostLag(w admin.Worker) string {
	switch {
	case w.MaxLagMS == nil && w.LagsUnknown > 0:
		return "?"
	case w.MaxLagMS == nil:
		return "-"
	}
	lag := short(time.Duration(*w.MaxLagMS) * time.Millisecond)
	if w.LagsUnknown > 0 {
		return ">=" + lag
	}
	return lag
}

// printLagFaults says in full why lags are not known: each reason once, by the first shard that has it.
func printLagFaults(out io.Writer, shards []admin.Shard) {
	var order []string
	of := map[string][]admin.Shard{}
	for _, s := range shards {
		if s.LagError == "" {
			continue
		}
		if of[s.LagFault] == nil {
			order = append(order, s.LagFault)
		}
		of[s.LagFault] = append(of[s.LagFault], s)
	}
	for _, fault := range order {
		all := of[fault]
		fmt.Fprintf(out, "\n? %s: the lag of %s is not known: %s\n", fault, plural(len(all), "shard"), all[0].LagError)
	}
}

// seen says how long ago something changed: at most that long where it was seen, longer than the watching where not.
func seen(s admin.Shard, ago *int64, watched time.Duration) string {
	switch {
	case s.State.Unleased(), ago == nil && (s.State == admin.Finished || s.Owner == ""):
		return "-"
	case ago == nil:
		return ">" + short(watched)
	default:
		return short(time.Duration(*ago) * time.Millisecond)
	}
}

// short is a duration to two or three digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	default:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
}
