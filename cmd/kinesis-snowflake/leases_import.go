package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/admin"
)

func (p *program) leasesImportCommand() *cobra.Command {
	var file string
	var r admin.ImportRequest
	var dryRun bool
	c := &cobra.Command{
		Use:   "import -c FILE --from TABLE [--region REGION]",
		Short: "Make leases out of the checkpoints of Openflow's second generation",
		Long: `Make leases out of the checkpoints of Openflow's second generation, or of another Apache NiFi 2.9 or later. (The tables of the
Kinesis Client Library, Openflow's first generation among them, need no import: name them in source.application.)

Stop that connector first, and let its queues drain into Snowflake: its checkpoints say what it has read, not what is loaded.
The import refuses while a lease of the table is fresh. Its table is only read. The leases go to a new table, named as
source.application; what an import that was cut short has made already stays.

A shard begins after its checkpoint. One without begins where its parent ends, or else at source.start. A closed shard without a
checkpoint, while shards that came out of it have one, is yours to decide: --unread-closed start or end.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if r.UnreadClosed != "" && r.UnreadClosed != admin.UnreadStart && r.UnreadClosed != admin.UnreadEnd {
				return fmt.Errorf("--unread-closed is %q; it must be start or end", r.UnreadClosed)
			}
			return p.eachPipeline(c.Context(), []string{file}, func(ctx context.Context, _ *config.Pipeline, a *admin.Admin) error {
				plan, err := a.PlanImport(ctx, r)
				if err != nil {
					return err
				}
				if err := printImport(p.stdout, plan); err != nil {
					return err
				}
				if dryRun {
					p.told(dryRunDone)
					return nil
				}
				if plan.Complete() {
					p.told("nothing is left to do: every lease is there")
					return nil
				}
				if err := a.Import(ctx, plan, p.told); err != nil {
					return err
				}
				p.told("done: start the pipeline")
				return nil
			})
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "", "pipeline `FILE`")
	c.Flags().StringVar(&r.From, "from", "", "the `TABLE` to import: that connector's AWS Kinesis Application Name")
	c.Flags().StringVar(&r.Region, "region", "", "the `REGION` of that table (default the pipeline's)")
	c.Flags().StringVar(&r.UnreadClosed, "unread-closed", "", "`start` or end: read closed shards without a checkpoint, or take them for read")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	for _, name := range []string{"config", "from"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // only for a flag that is not there
		}
	}
	return c
}

// printImport writes what an import would do.
func printImport(out io.Writer, p *admin.ImportPlan) error {
	fmt.Fprintf(out, "from table %s into lease table %s\n", p.From, p.To)
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\nSHARD\tBEGINS\tWHY")
	for _, s := range p.Steps {
		why := s.Why
		if s.There {
			why += " (there already)"
		}
		fmt.Fprintln(t, strings.Join([]string{s.Shard, cmp.Or(s.Checkpoint.String(), "later"), why}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, note := range p.Notes {
		fmt.Fprintln(out, "\nnote:", note)
	}
	fmt.Fprintln(out)
	return nil
}
