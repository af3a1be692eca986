package lease

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

func TestTrouble(t *testing.T) {
	bubble(t, "AClockThatJumpsFences", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		clock := &jumpy{Clock: SystemClock()}
		a := f.start("a", func(c *Config) { c.Clock = clock })
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		f.pass(20 * time.Second)
		h := a.held("shardId-000000000000")
		clock.ahead.Store(int64(time.Hour)) // the machine was suspended for an hour
		took := f.within(lease10/fenceParts+20*time.Millisecond, "a fenced itself", func() bool {
			select {
			case <-h.Lost():
				return true
			default:
				return false
			}
		})
		if err := h.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("confirm: %v", err)
		}
		// Nobody was there to take them, so they are had again at once.
		f.within(time.Second, "a has them again", func() bool { return len(a.open()) == 2 })
		t.Log("fenced after", took)
		f.stop(a)
	})
	bubble(t, "ThrottlingIsNoLoss", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		a := f.start("a", nil)
		b := f.start("b", nil)
		f.within(2*time.Second, "all are held", func() bool { return len(a.open())+len(b.open()) == 2 })
		f.pass(30 * time.Second)
		before, rows := append(a.open(), b.open()...), f.rows()
		f.server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" {
				return standin.Throttle()
			}
			return nil
		}})
		f.pass(lease10 / 2) // longer than the interval of renewals
		f.server.SetHooks(standin.Hooks{})
		f.pass(30 * time.Second)
		if after := append(a.open(), b.open()...); !slices.Equal(before, after) {
			t.Errorf("held before %v, after %v", before, after)
		}
		for key, l := range f.rows() {
			if l.OwnerSwitches != rows[key].OwnerSwitches {
				t.Errorf("%s changed hands", key)
			}
		}
		f.stop(a)
		f.stop(b)
	})
	bubble(t, "LostAnswersAreNoLoss", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		var every atomic.Int64
		f.server.SetHooks(standin.Hooks{After: func(_ context.Context, c standin.Call) *standin.Fault {
			if n := every.Load(); c.Op == "UpdateItem" && n > 0 && int64(c.N)%n != 0 {
				return standin.Cut()
			}
			return nil
		}})
		a := f.start("a", nil)
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		every.Store(3) // two of three answers are lost
		h := a.held("shardId-000000000000")
		for i := range 60 {
			h.Checkpoint(row.Position{Sequence: fmt.Sprint(i + 1)})
			f.pass(time.Second)
		}
		if err := h.MarkOffsets(t.Context()); err != nil {
			t.Error(err)
		}
		select {
		case <-h.Lost():
			t.Error("lost")
		default:
		}
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "60" || !l.Offsets {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "ALostTakeIsNoForeignLease", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		f.server.SetHooks(standin.Hooks{After: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" && c.N == 1 {
				return standin.Cut()
			}
			return nil
		}})
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		f.stop(a)
	})
	bubble(t, "AMissingGrantEndsTheRun", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		f.server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "Scan" {
				return standin.Deny("Scan", "table/"+table)
			}
			return nil
		}})
		a := f.start("a", nil)
		if err := <-a.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "grant dynamodb:Scan") {
			t.Error(err)
		}
	})
	bubble(t, "AnotherStreamEndsTheRun", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", func(c *Config) { c.StreamCreated = 1 })
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		f.stop(a)
		b := f.start("b", func(c *Config) { c.StreamCreated = 2 })
		if err := <-b.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "leases reset --to TRIM_HORIZON") {
			t.Error(err)
		}
		c := f.start("c", nil)
		f.stream.set(Shard{ID: "shardId-000000000000", StartHash: "0", EndHash: "7"})
		if err := <-c.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "choose another") {
			t.Error(err)
		}
	})
}

// A stop of a worker that has no lease does not wait for a table that is out of reach.
func TestStopWithoutATable(t *testing.T) {
	away := standin.Hooks{Before: func(ctx context.Context, _ standin.Call) *standin.Fault {
		<-ctx.Done() // a network that swallows every packet
		return standin.Cut()
	}}
	const soon = lease10/stopParts + 100*time.Millisecond
	bubble(t, "BeforeItWasEverSeen", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		f.server.SetHooks(away)
		a := f.start("a", nil)
		f.pass(lease10)
		begun := time.Now()
		f.stop(a)
		if took := time.Since(begun); took > soon {
			t.Errorf("it took %v", took)
		}
	})
	bubble(t, "AfterItsLeasesRanOut", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		a := f.start("a", nil)
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		f.server.SetHooks(away)
		f.pass(2 * lease10) // and it tries to take them again
		if n := len(a.open()); n != 0 {
			t.Fatalf("%d leases outlived their table", n)
		}
		begun := time.Now()
		f.stop(a)
		if took := time.Since(begun); took > soon {
			t.Errorf("it took %v", took)
		}
	})
}
