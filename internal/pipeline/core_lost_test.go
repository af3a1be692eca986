package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

func TestFencedShardIsAcquiredAgainAndWhatTheTableHasIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		a, b := newLease("a"), newLease("b")
		sa, sb := r.openShard(a), r.openShard(b)
		mustHandle(t, sa, answer("a", 1, 2))
		mustHandle(t, sb, answer("b", 1, 2))
		advance(time.Minute)
		table.mu.Lock()
		table.rows = nil
		table.offsets["a"] = row.Claim{Epoch: 9, At: row.Position{Sequence: "4"}} // another worker loaded 3 and 4
		table.mu.Unlock()
		confirms := a.confirms
		mustHandle(t, sa, answer("a", 3, 6))
		mustHandle(t, sb, answer("b", 3, 4))
		advance(time.Minute)
		if diff := cmp.Diff(map[string]bool{"a/5": true, "a/6": true, "b/3": true, "b/4": true}, set(table.loaded())); diff != "" {
			t.Fatal(diff)
		}
		if a.confirms != confirms+1 {
			t.Fatalf("the lease was confirmed %d times before it was acquired again, want once", a.confirms-confirms)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

func set(items []string) map[string]bool {
	out := map[string]bool{}
	for _, i := range items {
		out[i] = true
	}
	return out
}

func TestLostShardIsDroppedFromAMixedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		a, b := newLease("a"), newLease("b")
		mustHandle(t, r.openShard(a), answer("a", 1, 2))
		mustHandle(t, r.openShard(b), answer("b", 1, 2))
		close(a.lost)
		a.refuse = errors.New("lost")
		advance(time.Minute)
		wantRows(t, table, seqs("b", 1, 2))
		if a.checkpoint() != "" || b.checkpoint() != "2" {
			t.Fatalf("checkpoints %q and %q, want none and 2", a.checkpoint(), b.checkpoint())
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOffsetThatWentBackIsReadAgainFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 4))
		advance(time.Minute)
		table.mu.Lock() // the commit of 3 and 4 was believed, but never was
		table.rows, table.offsets["a"] = seqs("a", 1, 2), row.Claim{Epoch: 1, At: row.Position{Sequence: "2"}}
		table.mu.Unlock()
		mustHandle(t, s, answer("a", 5, 6))
		advance(time.Minute)
		mustRewind(t, s, answer("a", 7, 7), "2")
		mustHandle(t, s, answer("a", 3, 7))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 7))
	})
}

func TestShardStaysOutOfABatchThatHoldsItsDroppedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate, table.loading = make(chan struct{}), make(chan struct{}, 9)
		r := newRig(t, table, roomy)
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 4))
		table.gate <- struct{}{}
		synctest.Wait()
		table.mu.Lock()
		table.rows, table.offsets["a"] = seqs("a", 1, 2), row.Claim{Epoch: 1, At: row.Position{Sequence: "2"}}
		table.mu.Unlock()
		mustHandle(t, s, answer("a", 5, 6))
		advance(time.Minute) // is loading
		mustHandle(t, s, answer("a", 7, 8))
		table.gate <- struct{}{} // turns out to be fenced; 7 and 8 lie in the open batch
		synctest.Wait()
		var rewind *row.Rewind
		if err := s.Handle(t.Context(), answer("a", 9, 9)); !errors.As(err, &rewind) {
			t.Fatalf("handle: %v, want a rewind", err)
		}
		close(table.gate)
		mustHandle(t, s, answer("a", 3, 9))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 9))
	})
}

func TestAnswerThatARewindOvertakesDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, answer("a", 1, 4))
		advance(time.Minute)
		table.mu.Lock()
		table.rows, table.offsets["a"] = seqs("a", 1, 2), row.Claim{Epoch: 1, At: row.Position{Sequence: "2"}}
		table.mu.Unlock()
		table.gate = make(chan struct{})
		mustHandle(t, s, answer("a", 5, 6))
		advance(time.Minute) // is loading
		appending := make(chan struct{})
		table.appends = func(sequence string) error {
			if sequence == "7" {
				<-appending
			}
			return nil
		}
		last := answer("a", 7, 8)
		last.End = true
		handled := make(chan error, 1)
		go func() { handled <- s.Handle(context.Background(), last) }()
		synctest.Wait()
		close(table.gate) // 5 and 6 turn out to be fenced, and the shard is to be read again from 2
		synctest.Wait()
		table.appends = nil
		close(appending)
		if err := <-handled; err != nil {
			t.Fatal(err)
		}
		mustRewind(t, s, answer("a", 9, 9), "2")
		mustHandle(t, s, answer("a", 3, 8))
		mustHandle(t, s, &row.Response{Shard: "a", End: true})
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 8))
		if !lease.done() {
			t.Fatal("the shard was not finished")
		}
	})
}

// A lease is lost a moment before its reader is told: the reader must not take that for an error of the pipeline.
func TestHandleOfALostShardReturnsOnlyWhenItsReaderIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		close(lease.lost)
		ctx, stop := context.WithCancel(t.Context())
		handled := make(chan error, 1)
		go func() { handled <- s.Handle(ctx, answer("a", 1, 2)) }()
		synctest.Wait()
		select {
		case err := <-handled:
			t.Fatalf("handle returned %v while its reader was alive", err)
		default:
		}
		stop()
		if err := <-handled; !errors.Is(err, context.Canceled) {
			t.Fatalf("handle: %v, want %v", err, context.Canceled)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, nil)
	})
}
