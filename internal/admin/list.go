package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// DefaultWatch is half a lease duration: a worker renews every third of it.
func (a *Admin) DefaultWatch() time.Duration { return a.cfg.Source.LeaseDuration / 2 }

// List says what is known of the leases. It writes nothing.
func (a *Admin) List(ctx context.Context, o ListOptions) (*Listing, error) {
	s := a.cfg.Source
	out := &Listing{Pipeline: a.cfg.File, Stream: s.Stream, Region: s.Region, Application: s.Application, Table: a.table().String(), Shards: []Shard{}, Workers: []Worker{}}
	var err error
	if out.Exists, err = a.leases.Exists(ctx); err != nil {
		return nil, err
	}
	w := &watched{}
	if out.Exists {
		if o.Watch <= 0 {
			o.Watch = a.DefaultWatch()
		}
		if w, err = a.watch(ctx, o.Watch, everyoneSeen); err != nil {
			return nil, err
		}
		out.WatchedMS = w.ended.Sub(w.began).Milliseconds()
	}
	a.leasesOf(out, w)
	listing, err := a.tools.Shards(ctx)
	switch {
	case reader.Classify(err) == reader.ClassNotFound:
		return nil, fmt.Errorf("stream %s does not exist in %s: %w", s.Stream, s.Region, err)
	case err != nil:
		out.Notes = append(out.Notes, "the stream's shards could not be listed: "+err.Error())
	default:
		out.without(listing, w)
	}
	if o.Offsets {
		if err := a.offsetsOf(ctx, out); err != nil {
			return nil, err
		}
	}
	if o.Lag {
		if err := a.lags(ctx, out); err != nil {
			return nil, err
		}
	}
	out.workers(w, a.Patience())
	return out, nil
}

// everyoneSeen reports whether watching on would tell nothing new about who is alive.
func everyoneSeen(w *watched) bool {
	for _, l := range w.leases() {
		if h := Holder(l); h != "" && (w.alive[h] == "" || !l.Finished() && w.changed[l.Key].IsZero()) {
			return false
		}
	}
	return true
}

func (a *Admin) leasesOf(out *Listing, w *watched) {
	for _, key := range slices.Sorted(maps.Keys(w.rows)) {
		r := w.rows[key]
		if r.Kind != lease.LeaseRow {
			out.Others = append(out.Others, Other{Key: r.Key, What: r.What, Broken: r.Kind != lease.OtherRow})
			continue
		}
		l := r.Lease
		s := Shard{
			ID: l.Key, Owner: Holder(l), Checkpoint: Place(l.Checkpoint), Prepared: Place(r.Prepared), Parents: l.Parents, Children: l.Children,
			Counter: l.Counter, Switches: l.OwnerSwitches, StartTime: startTime(l, a.cfg.Source.Start.Time),
			RenewedMS: ago(w, w.changed[key]), CheckpointedMS: ago(w, w.moved[key]),
		}
		if l.CheckpointOwner != "" {
			s.NextOwner = l.Owner
		}
		if s.Owner != "" {
			s.Life = w.life(s.Owner, a.Patience())
		}
		s.State = w.state(l, s.Life)
		out.Shards = append(out.Shards, s)
	}
}

func ago(w *watched, t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := w.ended.Sub(t).Milliseconds()
	return &ms
}

// startTime is the time that a sentinel stands for; zero when none, or when only a KCL application's configuration has it.
func startTime(l lease.Lease, configured time.Time) time.Time {
	switch {
	case l.Checkpoint.Sequence != row.Latest && l.Checkpoint.Sequence != row.AtTimestamp:
		return time.Time{}
	case l.StartMillis != 0:
		return time.UnixMilli(l.StartMillis).UTC()
	case l.Checkpoint.Sequence == row.AtTimestamp:
		return configured
	default:
		return time.Time{}
	}
}

func (w *watched) state(l lease.Lease, life Life) State {
	blocked := slices.ContainsFunc(l.Parents, func(p string) bool {
		r, known := w.rows[p]
		return known && (r.Kind == lease.BrokenRow || r.Kind == lease.LeaseRow && !r.Lease.Finished())
	})
	switch {
	case l.Finished():
		return Finished
	case l.CheckpointOwner != "":
		return Handover
	case blocked:
		return Blocked
	case life == Alive:
		return Reading
	case l.Checkpoint.IsNumber():
		return Waiting
	default:
		return Unread
	}
}

// without adds the shards that have no lease.
func (l *Listing) without(listing lease.Listing, w *watched) {
	leased := map[string]lease.Lease{}
	for _, s := range l.Shards {
		leased[s.ID] = lease.Lease{}
	}
	g := newLineage(listing.Shards, nil)
	for _, s := range listing.Shards {
		if _, ok := leased[s.ID]; ok {
			continue
		}
		without := Shard{ID: s.ID, State: NoLease, Parents: s.Parents}
		switch {
		case w.rows[s.ID].Kind == lease.BrokenRow:
			without.State = Broken
		case s.Closed && g.succeeded(s.ID, leased):
			without.State = Cleaned
		}
		l.Shards = append(l.Shards, without)
	}
	slices.SortFunc(l.Shards, func(a, b Shard) int { return cmp.Compare(a.ID, b.ID) })
}

func (a *Admin) offsetsOf(ctx context.Context, out *Listing) error {
	info, err := a.tools.Describe(ctx)
	if err != nil {
		return err
	}
	ledger, err := a.ledger(ctx, info)
	if err != nil {
		return err
	}
	found, err := ledger.Positions(ctx)
	if err != nil {
		return err
	}
	for i := range out.Shards {
		if o, ok := found[out.Shards[i].ID]; ok {
			at := Place(o.At)
			out.Shards[i].Offset = &at
		}
	}
	return nil
}

// workers sums up the shards.
func (l *Listing) workers(w *watched, patience time.Duration) {
	byName := map[string]*Worker{}
	of := func(name string) *Worker {
		if byName[name] == nil {
			byName[name] = &Worker{Name: name}
			if name != "" {
				byName[name].Life = w.life(name, patience)
			}
		}
		return byName[name]
	}
	for _, s := range l.Shards {
		if s.State.Unleased() {
			continue
		}
		k := of(s.Owner)
		k.Leases++
		switch s.State {
		case Finished:
			k.Finished++
		case Reading:
			k.Reading++
		}
		if s.LagError != "" {
			k.LagsUnknown++
		}
		if s.LagMS != nil && (k.MaxLagMS == nil || *s.LagMS > *k.MaxLagMS) {
			k.MaxLagMS = s.LagMS
		}
	}
	for name := range w.alive {
		of(name) // it gave its last lease up while it was watched, or waits for one
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		l.Workers = append(l.Workers, *byName[name])
	}
}
