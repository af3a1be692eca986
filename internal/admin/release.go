package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/source/lease"
)

// ReleaseRequest says whose leases, or which, are to be freed.
type ReleaseRequest struct {
	Worker string   // any when empty
	Shards []string // any when empty
}

// ReleasePlan is what a release would do.
type ReleasePlan struct {
	Free  []lease.Lease // of dead workers
	Alive []string      // workers that are alive, whose leases are left alone
	Leave int           // leases of those
}

// PlanRelease watches the leases for a lease duration and a margin and finds those of dead workers. It writes nothing. A
// worker or a shard that was asked for by name and is alive is [ErrRefused].
func (a *Admin) PlanRelease(ctx context.Context, r ReleaseRequest) (*ReleasePlan, error) {
	exists, err := a.leases.Exists(ctx)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, refuse("there is no lease table %s", a.cfg.Source.Application)
	}
	named := func(l lease.Lease) bool {
		return (r.Worker == "" || Holder(l) == r.Worker) && (len(r.Shards) == 0 || slices.Contains(r.Shards, l.Key))
	}
	w, err := a.watch(ctx, a.Patience(), func(w *watched) bool {
		return slices.ContainsFunc(w.leases(), func(l lease.Lease) bool {
			return (r.Worker != "" || len(r.Shards) > 0) && named(l) && w.alive[Holder(l)] != ""
		})
	})
	if err != nil {
		return nil, err
	}
	p := &ReleasePlan{}
	for _, id := range r.Shards {
		if row, ok := w.rows[id]; !ok || row.Kind != lease.LeaseRow {
			return nil, refuse("lease table %s has no lease of shard %s", a.cfg.Source.Application, id)
		}
	}
	for _, l := range w.leases() {
		h := Holder(l)
		if h == "" || l.Finished() || !named(l) {
			continue
		}
		if w.life(h, a.Patience()) == Alive {
			if r.Worker != "" || len(r.Shards) > 0 {
				return nil, refuse("worker %q is alive, it wrote to lease %s just now: stop it, and it gives its leases up by itself", h, w.alive[h])
			}
			p.Leave++
			if !slices.Contains(p.Alive, h) {
				p.Alive = append(p.Alive, h)
			}
			continue
		}
		p.Free = append(p.Free, l)
	}
	if len(p.Free) == 0 && r.Worker != "" && !slices.ContainsFunc(w.leases(), func(l lease.Lease) bool { return Holder(l) == r.Worker }) {
		return nil, refuse("no lease belongs to worker %q; lease owners are %s", r.Worker, owners(w))
	}
	return p, nil
}

func owners(w *watched) string {
	var names []string
	for _, l := range w.leases() {
		if h := Holder(l); h != "" && !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Release frees the plan's leases, each if nobody has written to it since. done hears of each; one that was taken
// meanwhile is passed over, and that is said too.
func (a *Admin) Release(ctx context.Context, p *ReleasePlan, done func(string)) error {
	nobody := ""
	for i, l := range p.Free {
		u := lease.Update{
			Key: l.Key, Nonce: "release-" + pipeline.NewID(), If: lease.Condition{Counter: l.Counter, Owner: l.Owner, CheckpointOwner: l.CheckpointOwner},
			Set: lease.Changes{Owner: &nobody, EndHandover: l.CheckpointOwner != ""},
		}
		err := again(ctx, func(ctx context.Context) error { _, err := a.leases.Update(ctx, u); return err })
		switch {
		case errors.Is(err, lease.ErrLost):
			done(fmt.Sprintf("%s: taken by somebody meanwhile, left alone", l.Key))
		case err != nil:
			return fmt.Errorf("%w; %d of %d leases are free, run the same command again", err, i, len(p.Free))
		default:
			done(fmt.Sprintf("%s: freed from %s", l.Key, Holder(l)))
		}
	}
	return nil
}
