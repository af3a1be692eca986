package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Life is what watching has shown of a worker.
type Life string

// What can be known of a worker.
const (
	Alive  Life = "alive"  // it wrote while it was watched
	Silent Life = "silent" // it did not, but was not watched long enough to call it dead
	Dead   Life = "dead"   // it wrote nothing for a lease duration and a margin
)

// looks is how often the table is read in a lease duration.
const looks = 10

// margin is added to the lease duration before a worker is called dead: a renewal may be late by a retry.
func margin(duration time.Duration) time.Duration { return max(duration/5, 500*time.Millisecond) }

// Patience is how long a worker must be still to be dead, and so how long the operations that need that take at least.
func (a *Admin) Patience() time.Duration {
	return a.cfg.Source.LeaseDuration + margin(a.cfg.Source.LeaseDuration)
}

// watched is what looking at the table for a while has shown.
type watched struct {
	rows    map[string]lease.Row
	changed map[string]time.Time // when a lease's counter or owners were seen to change
	moved   map[string]time.Time // the same of its checkpoint
	alive   map[string]string    // worker -> the lease by which it was seen alive
	began   time.Time
	ended   time.Time
}

// watch looks at the table for d, or until done says that enough is seen.
func (a *Admin) watch(ctx context.Context, d time.Duration, done func(*watched) bool) (*watched, error) {
	w := &watched{changed: map[string]time.Time{}, moved: map[string]time.Time{}, alive: map[string]string{}, began: time.Now()}
	for {
		at := time.Now()
		rows, err := a.leases.Rows(ctx)
		if err != nil {
			return nil, err
		}
		w.see(at, rows)
		// What ended before the time is over would not have been seen.
		if left := d - at.Sub(w.began); left <= 0 || done(w) {
			return w, nil
		} else if err := reader.Pause(ctx, min(left, max(d, a.cfg.Source.LeaseDuration)/looks)); err != nil {
			return nil, err
		}
	}
}

func (w *watched) see(at time.Time, rows []lease.Row) {
	before := w.rows
	w.rows, w.ended = make(map[string]lease.Row, len(rows)), at
	for _, r := range rows {
		w.rows[r.Key] = r
		if r.Kind != lease.LeaseRow || before == nil {
			continue
		}
		was, known := before[r.Key]
		if known && was.Kind != lease.LeaseRow {
			continue
		}
		l, old := r.Lease, was.Lease
		if known && l.Counter == old.Counter && l.Owner == old.Owner && l.CheckpointOwner == old.CheckpointOwner {
			continue
		}
		w.changed[r.Key] = at
		if known && l.Checkpoint != old.Checkpoint {
			w.moved[r.Key] = at
		}
		// Whoever holds it now has written. A request to hand it over is written by its next owner; a lease that was
		// given up, by the one that had it.
		if l.Counter == old.Counter {
			w.lives(l.Owner, r.Key)
		} else {
			w.lives(cmp.Or(Holder(l), Holder(old)), r.Key)
		}
	}
	w.gone(at, before)
}

// A row that is gone was cleaned up by a worker.
func (w *watched) gone(at time.Time, before map[string]lease.Row) {
	for key, r := range before {
		if _, still := w.rows[key]; !still && r.Kind == lease.LeaseRow {
			w.changed[key] = at
		}
	}
}

func (w *watched) lives(worker, key string) {
	if worker != "" {
		w.alive[worker] = key
	}
}

// Holder is who may renew and checkpoint a lease: during a hand-over the one that still has it.
func Holder(l lease.Lease) string { return cmp.Or(l.CheckpointOwner, l.Owner) }

// leases returns the rows that are leases, by key.
func (w *watched) leases() []lease.Lease {
	var all []lease.Lease
	for _, key := range slices.Sorted(maps.Keys(w.rows)) {
		if r := w.rows[key]; r.Kind == lease.LeaseRow {
			all = append(all, r.Lease)
		}
	}
	return all
}

// broken names the first row that looks like a lease and cannot be read.
func (w *watched) broken() error {
	for _, key := range slices.Sorted(maps.Keys(w.rows)) {
		if r := w.rows[key]; r.Kind == lease.BrokenRow || r.Kind == lease.UnnamedRow {
			return refuse("row %q of the lease table cannot be read: %s; mend it or delete it first", key, r.What)
		}
	}
	return nil
}

// life says what is known of a worker.
func (w *watched) life(worker string, patience time.Duration) Life {
	switch {
	case w.alive[worker] != "":
		return Alive
	case w.ended.Sub(w.began) >= patience:
		return Dead
	default:
		return Silent
	}
}

// still watches until every worker is known to be dead, and refuses at the first sign of life.
func (a *Admin) still(ctx context.Context) (*watched, error) {
	w, err := a.watch(ctx, a.Patience(), func(w *watched) bool { return len(w.changed) > 0 })
	if err != nil {
		return nil, err
	}
	return w, w.anyLife()
}

func (w *watched) anyLife() error {
	for _, worker := range slices.Sorted(maps.Keys(w.alive)) {
		return refuse("worker %q is alive, it wrote to lease %s just now: stop every worker of this application first (and those of KCL, if they share the table)", worker, w.alive[worker])
	}
	for _, key := range slices.Sorted(maps.Keys(w.changed)) {
		return refuse("lease %s changed while it was watched: stop every worker of this application first", key)
	}
	return nil
}

// unchanged reads the table again and refuses if anything moved since.
func (a *Admin) unchanged(ctx context.Context, w *watched) error {
	rows, err := a.leases.Rows(ctx)
	if err != nil {
		return err
	}
	w.see(time.Now(), rows)
	if err := w.anyLife(); err != nil {
		return fmt.Errorf("look again before writing: %w", err)
	}
	return nil
}
