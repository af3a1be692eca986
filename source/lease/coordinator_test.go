package lease

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

// both has two workers of two leases each.
func both(f *fleet) (a, b *worker) {
	a = f.start("a", nil)
	f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 4 })
	b = f.start("b", nil)
	f.within(15*time.Second, "they share", func() bool { return len(a.open()) == 2 && len(b.open()) == 2 })
	return a, b
}

func TestWorkers(t *testing.T) {
	bubble(t, "AKilledOnesLeasesAreTakenOver", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a, b := both(f)
		f.pass(time.Minute)
		shard := a.open()[0]
		a.held(shard).Checkpoint(row.Position{Sequence: "77"})
		f.pass(2 * time.Second)
		a.kill()
		took := f.within(lease10+3*time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if took < lease10-lease10/renewals {
			t.Errorf("taken over after %v, while the leases were valid", took)
		}
		if got := b.held(shard).Start().Sequence; got != "77" {
			t.Errorf("b starts from %s", got)
		}
		f.stop(b)
	})
	bubble(t, "AStoppedOnesLeasesAreTakenAtOnce", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a, b := both(f)
		f.pass(time.Minute)
		h := a.held(a.open()[1])
		h.Checkpoint(row.Position{Sequence: "123"})
		f.stop(a)
		select {
		case <-h.Lost():
		default:
			t.Error("a lease was released and its user was not told")
		}
		for key, l := range f.rows() {
			if l.Owner == "a" {
				t.Errorf("%s still belongs to a", key)
			}
		}
		f.within(2*time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if got := b.held(h.Shard()).Start().Sequence; got != "123" {
			t.Errorf("b starts from %s", got)
		}
		f.stop(b)
	})
	bubble(t, "StartTogetherWithoutAFight", func(t *testing.T) {
		f := newFleet(t, tiles(20)...)
		var ws []*worker
		for i := range 4 {
			ws = append(ws, f.start(fmt.Sprint("w", i), nil))
		}
		f.within(lease10, "all are held", func() bool { return f.open(ws...) == 20 })
		f.within(lease10, "they have equal shares", func() bool { return f.even(ws...) })
		f.pass(time.Minute)
		if f.open(ws...) != 20 || !f.even(ws...) {
			t.Errorf("%d are held", f.open(ws...))
		}
		for key, l := range f.rows() {
			if l.OwnerSwitches > 2 {
				t.Errorf("%s changed hands %d times", key, l.OwnerSwitches)
			}
		}
		for _, w := range ws {
			f.stop(w)
		}
	})
}

// open counts what the workers have open.
func (f *fleet) open(ws ...*worker) (n int) {
	for _, w := range ws {
		n += len(w.open())
	}
	return n
}

// held returns the lease of a shard, whoever holds it.
func (f *fleet) held(shard string, ws ...*worker) *Held {
	f.t.Helper()
	for _, w := range ws {
		if h := w.held(shard); h != nil {
			return h
		}
	}
	f.t.Fatalf("nobody holds %s", shard)
	return nil
}

// even reports whether no worker has two leases more than another.
func (f *fleet) even(ws ...*worker) bool {
	var n []int
	for _, w := range ws {
		n = append(n, len(w.open()))
	}
	return slices.Max(n)-slices.Min(n) <= 1
}

// jumpy is a clock whose wall a test sets.
type jumpy struct {
	Clock
	ahead atomic.Int64
}

func (j *jumpy) Now() Instant {
	i := j.Clock.Now()
	i.Wall = i.Wall.Add(time.Duration(j.ahead.Load()))
	return i
}
