package lease

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

func TestWorkers(t *testing.T) {
	bubble(t, "AKilledOnesLeasesAreTakenOver", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a := f.start("a", nil)
		if took := f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 4 }); took > time.Second {
			t.Errorf("a fresh table took %v", took)
		}
		b := f.start("b", nil)
		f.pass(time.Minute)
		if len(b.open()) != 0 || len(a.open()) != 4 {
			t.Fatalf("a %v, b %v", a.open(), b.open())
		}
		a.held("shardId-000000000001").Checkpoint(row.Position{Sequence: "77"})
		f.pass(2 * time.Second)
		a.kill()
		// Half a duration until the scan that still sees the last renewal as new, and a duration from there.
		took := f.within(lease10*3/2+time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if took < lease10-lease10/renewals {
			t.Errorf("taken over after %v, while the leases were valid", took)
		}
		if got := b.held("shardId-000000000001").Start().Sequence; got != "77" {
			t.Errorf("b starts from %s", got)
		}
		f.stop(b)
	})
	bubble(t, "AStoppedOnesLeasesAreTakenAtOnce", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a := f.start("a", nil)
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 4 })
		b := f.start("b", nil)
		f.pass(time.Minute)
		h := a.held("shardId-000000000002")
		h.Checkpoint(row.Position{Sequence: "123"})
		f.stop(a)
		select {
		case <-h.Lost():
		default:
			t.Error("a lease was released and its user was not told")
		}
		for key, l := range f.rows() {
			if l.Owner != "" {
				t.Errorf("%s still belongs to %s", key, l.Owner)
			}
		}
		f.within(lease10/scanParts+time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if got := b.held("shardId-000000000002").Start().Sequence; got != "123" {
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
		open := func() (n int) {
			for _, w := range ws {
				n += len(w.open())
			}
			return n
		}
		f.within(lease10, "all are held", func() bool { return open() == 20 })
		f.pass(time.Minute)
		if open() != 20 {
			t.Errorf("%d are held", open())
		}
		for key, l := range f.rows() {
			if l.OwnerSwitches > 0 {
				t.Errorf("%s changed hands %d times", key, l.OwnerSwitches)
			}
		}
		for _, w := range ws {
			f.stop(w)
		}
	})
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
