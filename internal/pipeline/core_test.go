package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
)

var roomy = delivery.Config{Interval: time.Minute, MaxBytes: 1 << 30, MaxRows: 1 << 30}

// advance lets the bubble's clock run on, and everything that it wakes.
func advance(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func mustHandle(t *testing.T, s *shard, r *row.Response) {
	t.Helper()
	if err := s.Handle(t.Context(), r); err != nil {
		t.Fatalf("handle: %v", err)
	}
}

func wantRows(t *testing.T, table *fakeTable, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, table.loaded()); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
}

func TestBatchIsLoadedAtItsInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, answer("a", 1, 3))
		advance(59 * time.Second)
		mustHandle(t, s, answer("a", 4, 4))
		synctest.Wait()
		wantRows(t, table, nil)
		advance(time.Second)
		wantRows(t, table, seqs("a", 1, 4))
		if got := lease.checkpoint(); got != "4" {
			t.Fatalf("checkpoint %q, want 4", got)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBatchIsLoadedAtItsSize(t *testing.T) {
	for name, l := range map[string]delivery.Config{
		"rows":  {Interval: time.Hour, MaxBytes: 1 << 30, MaxRows: 3},
		"bytes": {Interval: time.Hour, MaxBytes: 30, MaxRows: 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := newFakeTable()
				r := newRig(t, table, l)
				s := r.openShard(newLease("a"))
				mustHandle(t, s, answer("a", 1, 2))
				synctest.Wait()
				wantRows(t, table, nil)
				mustHandle(t, s, answer("a", 3, 5)) // an answer is never cut: it carries the batch over its limit
				synctest.Wait()
				wantRows(t, table, seqs("a", 1, 5))
				if err := r.end(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestReadersWaitWhileTheOpenBatchIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		r := newRig(t, table, delivery.Config{Interval: time.Hour, MaxBytes: 1 << 30, MaxRows: 2})
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 2)) // sealed, waits for the gate
		synctest.Wait()
		mustHandle(t, s, answer("a", 3, 4)) // fills the open batch
		handled := make(chan error, 1)
		go func() { handled <- s.Handle(context.Background(), answer("a", 5, 6)) }()
		synctest.Wait()
		select {
		case <-handled:
			t.Fatal("an answer was taken in while one batch is loading and the other is full")
		default:
		}
		table.gate <- struct{}{}
		if err := <-handled; err != nil {
			t.Fatal(err)
		}
		close(table.gate)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 6))
	})
}

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

func TestSpoolFailureHasTheShardsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		full := true
		table.appends = func(sequence string) error {
			if full && sequence == "4" {
				return errors.New("no space left on device")
			}
			return nil
		}
		r := newRig(t, table, roomy)
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 2))
		advance(time.Minute)
		mustHandle(t, s, answer("a", 3, 5)) // the batch is of no use from 4 on
		synctest.Wait()
		full = false
		var rewind *row.Rewind
		if err := s.Handle(t.Context(), answer("a", 6, 7)); !errors.As(err, &rewind) || rewind.After.Sequence != "2" {
			t.Fatalf("handle: %v, want a rewind to 2", err)
		}
		mustHandle(t, s, answer("a", 3, 7))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 7))
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
		var rewind *row.Rewind
		if err := s.Handle(t.Context(), answer("a", 7, 7)); !errors.As(err, &rewind) || rewind.After.Sequence != "2" {
			t.Fatalf("handle: %v, want a rewind to 2", err)
		}
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
		var rewind *row.Rewind
		if err := s.Handle(t.Context(), answer("a", 9, 9)); !errors.As(err, &rewind) || rewind.After.Sequence != "2" {
			t.Fatalf("handle: %v, want a rewind to 2", err)
		}
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

func TestShardFinishesOnlyAfterItsLastRowIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate, table.loading = make(chan struct{}), make(chan struct{}, 1)
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		last := answer("a", 1, 2)
		last.End = true
		mustHandle(t, s, last)
		began := time.Now()
		<-table.loading
		if waited := time.Since(began); waited > 0 {
			t.Fatalf("loaded %v after the shard's end, whose children wait for it", waited)
		}
		for range 3 {
			mustHandle(t, s, &row.Response{Shard: "a", End: true})
		}
		if lease.done() {
			t.Fatal("finished before the commit")
		}
		close(table.gate)
		synctest.Wait()
		if !lease.done() {
			t.Fatal("not finished after the commit")
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailedMessagesAloneMoveOnlyTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		bad := answer("a", 1, 2)
		for i := range bad.Records {
			bad.Records[i].Data = []byte("bad")
		}
		mustHandle(t, r.openShard(lease), bad)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		if table.loads != 0 || len(table.offsets) != 0 || lease.checkpoint() != "2" || r.log.n != 2 {
			t.Fatalf("loads %d, offsets %d, checkpoint %q, logged %d; want 0, 0, 2, 2", table.loads, len(table.offsets), lease.checkpoint(), r.log.n)
		}
	})
}

func TestStopErrorsEndTheCommitterAndOthersAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.fail = func(load int) error {
			return map[int]error{1: errors.New("connection reset"), 2: errOperator}[load]
		}
		r := newRig(t, table, roomy)
		s := r.openShard(newLease("a"))
		mustHandle(t, s, answer("a", 1, 2))
		advance(2 * time.Minute)
		wantRows(t, table, seqs("a", 1, 2))
		table.fail = func(int) error { return errStop }
		mustHandle(t, s, answer("a", 3, 4))
		if err := r.end(); !errors.Is(err, errStop) {
			t.Fatalf("committer ended with %v, want %v", err, errStop)
		}
	})
}
