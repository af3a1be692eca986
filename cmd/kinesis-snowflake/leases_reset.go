package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/admin"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

func (p *program) leasesResetCommand() *cobra.Command {
	var files, shards []string
	var to string
	var yes, dryRun bool
	c := &cobra.Command{
		Use:   "reset -c FILE --to {TRIM_HORIZON|LATEST|TIME} [--shard ID...]",
		Short: "Put a stopped pipeline back to read from another place",
		Long: `Put a stopped pipeline back to read from another place: the oldest record that the stream still holds, what comes from now
on, or a time (RFC 3339, for example 2026-11-22T09:00:00Z).

All workers must be stopped: the leases are watched for a lease duration and a margin, and any sign of life ends the command.
What would be done is printed and asked for first. Then the offsets in Snowflake go back, and after them the leases. If that
is cut short, nothing is lost: run the same command again.

Rows that are in the table already stay. What is read a second time is loaded a second time; a DELETE that takes out those
rows is printed, to be run after the reset and before a worker starts.

--shard names shards to reset alone. Shards that came out of them by a split or merge, and were read already, must be named
too: records of a shard come before those of its children.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			start, err := parseStart(to)
			if err != nil {
				return err
			}
			request := admin.ResetRequest{To: start, Shards: shards}
			return p.eachPipeline(c.Context(), files, func(ctx context.Context, cfg *config.Pipeline, a *admin.Admin) error {
				fmt.Fprintf(p.stdout, "stream %s, lease table %s: looking for live workers for %s\n", cfg.Source.Stream, cfg.Source.Application, short(a.Patience()))
				plan, err := a.PlanReset(ctx, request)
				if err != nil {
					return err
				}
				if err := printReset(p.stdout, plan); err != nil {
					return err
				}
				if dryRun {
					p.told("\n" + dryRunDone)
					return nil
				}
				if plan.Empty() {
					return nil
				}
				if err := p.confirm(ctx, yes); err != nil {
					return err
				}
				if err := a.Reset(ctx, plan, p.told); err != nil {
					return err
				}
				p.told("done: the next worker begins there")
				return nil
			})
		},
	}
	filesFlag(c, &files)
	c.Flags().StringVar(&to, "to", "", "`where` to begin: TRIM_HORIZON, LATEST or a time (RFC 3339)")
	c.Flags().StringArrayVar(&shards, "shard", nil, "`ID` of a shard; may be given several times (default all)")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	if err := c.MarkFlagRequired("to"); err != nil {
		panic(err) // only for a flag that is not there
	}
	return c
}

func parseStart(to string) (lease.Start, error) {
	switch to {
	case row.TrimHorizon, row.Latest:
		return lease.Start{Position: to}, nil
	}
	t, err := time.Parse(time.RFC3339, to)
	if err != nil {
		return lease.Start{}, fmt.Errorf("--to is %q; it must be TRIM_HORIZON, LATEST or a time like 2026-11-22T09:00:00Z", to)
	}
	return lease.Start{Position: row.AtTimestamp, Time: t}, nil
}

// printReset writes what a reset would do.
func printReset(out io.Writer, p *admin.ResetPlan) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\nSHARD\tCHECKPOINT\tOFFSET IN SNOWFLAKE\tBECOMES")
	for _, s := range p.Steps {
		becomes := p.Request.To.Position
		if p.Request.To.Position == row.AtTimestamp {
			becomes += " " + p.Request.To.Time.UTC().Format(time.RFC3339Nano)
		}
		switch s.Action {
		case admin.Leave:
			becomes = "left as it is: " + s.Why
		case admin.Remove:
			becomes = "removed: " + s.Why
		}
		fmt.Fprintln(t, strings.Join([]string{s.Shard, cmp.Or(s.Was.String(), "no lease"), dash(s.Offset.String()), becomes}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, note := range p.Notes {
		fmt.Fprintln(out, "\nnote:", note)
	}
	switch {
	case p.Empty():
		fmt.Fprintln(out, "\nnothing is to be done")
	case p.Delete != "":
		fmt.Fprintf(out, "\nRows stay in %s, and these come a second time. To have them once, run this after the reset and before a worker starts\n"+
			"(what the stream drops between the two is then in neither):\n\n%s\n", p.Table, p.Delete)
	case p.Request.To.Position == row.Latest:
		fmt.Fprintln(out, "\nWhat lies between the checkpoints and now is not loaded.")
	default:
		fmt.Fprintf(out, "\nNo row of %s comes a second time.\n", p.Table)
	}
	return nil
}
