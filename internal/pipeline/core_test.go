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

// mustRewind holds that a shard is to be read again from behind a position.
func mustRewind(t *testing.T, s *shard, r *row.Response, after string) {
	t.Helper()
	var rewind *row.Rewind
	if err := s.Handle(t.Context(), r); !errors.As(err, &rewind) || rewind.After.Sequence != after {
		t.Fatalf("handle: %v, want a rewind to %s", err, after)
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
		mustRewind(t, s, answer("a", 6, 7), "2")
		mustHandle(t, s, answer("a", 3, 7))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 7))
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
