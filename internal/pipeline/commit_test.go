package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
)

func (r *rig) discarded() (kept int) {
	for _, b := range r.table.batches {
		if !b.discarded {
			kept++
		}
	}
	return len(r.table.batches) - kept
}

// blockedLog holds the handler of a failed message until it is let go.
type blockedLog struct{ free chan struct{} }

func (l blockedLog) Log(context.Context, *row.Record, string, uint32, *row.Failure) { <-l.free }

func TestBatchesAreDiscardedOnceDoneWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 2))
		advance(time.Minute)
		if n := r.discarded(); n != 1 {
			t.Errorf("%d batches are discarded after the commit, want 1", n)
		}

		// One without rows is done with when its last answer leaves it.
		log := blockedLog{make(chan struct{})}
		r.failures = log
		bad := answer("a", 3, 3)
		bad.Records[0].Data = []byte("bad")
		go func() {
			if err := s.Handle(t.Context(), bad); err != nil {
				t.Error(err)
			}
		}()
		advance(time.Minute)
		if n := r.discarded(); n != 1 {
			t.Errorf("%d batches are discarded while one is appended to, want 1", n)
		}
		close(log.free)
		synctest.Wait()
		if n := r.discarded(); n != 2 || len(r.core.batches) > 0 {
			t.Errorf("%d batches are discarded, %d remembered; want 2 and none", n, len(r.core.batches))
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBatchThatIsBeingLoadedAtTheEndIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		r := newRig(t, table, roomy)
		mustHandle(t, r.openShard(newLease("a")), answer("a", 1, 2))
		advance(time.Minute)
		r.cancel()
		if err := <-r.done; !errors.Is(err, context.Canceled) {
			t.Fatalf("committer ended with %v", err)
		}
		if n := r.discarded(); n != 1 {
			t.Errorf("%d batches are discarded, want 1", n)
		}
	})
}

// takenLease is lost, which shows when it is confirmed.
type takenLease struct{ *fakeLease }

func (l takenLease) Confirm(context.Context) error {
	close(l.lost)
	return source.ErrLost
}

func TestLeaseThatIsLostWhenItIsConfirmedHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		mustHandle(t, r.openShard(takenLease{newLease("a")}), answer("a", 1, 2))
		mustHandle(t, r.openShard(newLease("b")), answer("b", 1, 2))
		advance(time.Minute)
		wantRows(t, table, seqs("b", 1, 2)) // without a pause
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// Nothing but the answer tells that the lease is lost.
func TestAnswerOfALostShardEntersNoBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		synctest.Wait()
		close(lease.lost)
		ctx, stop := context.WithCancel(t.Context())
		handled := make(chan error, 1)
		go func() { handled <- s.Handle(ctx, answer("a", 1, 2)) }()
		synctest.Wait()
		stop()
		if err := <-handled; !errors.Is(err, context.Canceled) || len(table.batches) > 0 {
			t.Errorf("handle: %v, %d batches", err, len(table.batches))
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}
