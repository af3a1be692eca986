package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/admin"
)

func (p *program) leasesReleaseCommand() *cobra.Command {
	var files []string
	var r admin.ReleaseRequest
	var dryRun bool
	c := &cobra.Command{
		Use:   "release -c FILE [--worker ID] [--shard ID...]",
		Short: "Free the leases of dead workers",
		Long: `Free the leases of dead workers, so that others take them at once.

A worker is dead when none of its leases changed for a lease duration and a margin. A living worker takes the leases of a dead
one by itself after the same time, so this is for workers that are still to be started, and for a table that is handed to
another program. Leases of workers that are alive are left alone, and that is no failure; one that is named with --worker or --shard is
refused, with exit code 1: stop the worker, and it gives them up.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.eachPipeline(c.Context(), files, func(ctx context.Context, cfg *config.Pipeline, a *admin.Admin) error {
				fmt.Fprintf(p.stdout, "stream %s, lease table %s: looking for live workers for %s\n", cfg.Source.Stream, cfg.Source.Application, short(a.Patience()))
				plan, err := a.PlanRelease(ctx, r)
				if err != nil {
					return err
				}
				if len(plan.Alive) > 0 {
					fmt.Fprintf(p.stdout, "left with workers that are alive: %s of %s\n", plural(plan.Leave, "lease"), strings.Join(plan.Alive, ", "))
				}
				if len(plan.Free) == 0 {
					p.told("no lease belongs to a dead worker")
				}
				if dryRun {
					for _, l := range plan.Free {
						p.told(fmt.Sprintf("%s would be freed from %s", l.Key, admin.Holder(l)))
					}
					p.told(dryRunDone)
					return nil
				}
				return a.Release(ctx, plan, p.told)
			})
		},
	}
	filesFlag(c, &files)
	c.Flags().StringVar(&r.Worker, "worker", "", "`ID` of a worker (default every dead one)")
	c.Flags().StringArrayVar(&r.Shards, "shard", nil, "`ID` of a shard; may be given several times (default all)")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only print what would be done")
	return c
}
