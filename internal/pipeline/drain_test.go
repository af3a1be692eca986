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

// drain drains a shard as the source does.
func drain(ctx context.Context, s *shard) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Drain(ctx) }()
	synctest.Wait()
	return done
}

func isStillDraining(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("drained: %v", err)
	default:
	}
}

func TestDrainCommitsWhatWasHandledFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		r := newRig(t, table, roomy)
		a, b := newLease("a"), newLease("b")
		sa, sb := r.openShard(a), r.openShard(b)
		mustHandle(t, sa, answer("a", 1, 3))
		mustHandle(t, sb, answer("b", 1, 3))
		began := time.Now()
		done := drain(t.Context(), sa)
		isStillDraining(t, done)
		close(table.gate)
		if err := <-done; err != nil || a.checkpoint() != "3" || time.Since(began) > 0 {
			t.Fatalf("drained after %v: %v, checkpoint %q; want 3 at once", time.Since(began), err, a.checkpoint())
		}
		sa.Close()
		mustHandle(t, sb, answer("b", 4, 4))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, append(seqs("a", 1, 3), seqs("b", 1, 4)...))
		if len(r.core.shards) != 1 {
			t.Errorf("%d shards are remembered, want the one that is open", len(r.core.shards))
		}
	})
}

// What needs no warehouse does not wait for it, though it is busy with others' rows.
func TestDrainOfNothingReturnsWhileABatchIsLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		r := newRig(t, table, roomy)
		a, b, c := newLease("a"), newLease("b"), newLease("c")
		sa, sb, sc := r.openShard(a), r.openShard(b), r.openShard(c)
		mustHandle(t, sa, answer("a", 1, 3))
		advance(time.Minute) // is loading
		bad := answer("c", 1, 2)
		bad.Records[0].Data, bad.Records[1].Data = []byte("bad"), []byte("bad")
		mustHandle(t, sc, bad)
		for _, s := range []*shard{sb, sc} {
			if err := s.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if c.checkpoint() != "2" {
			t.Errorf("checkpoint %q after failed messages alone, want 2", c.checkpoint())
		}
		close(table.gate)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		if table.loads != 1 {
			t.Errorf("%d loads, want the one of rows", table.loads)
		}
	})
}

func TestDrainEndsWithItsContextWhileNothingCanBeLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		away := true
		table.fail = func(int) error {
			if away {
				return errors.New("connection reset")
			}
			return nil
		}
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, answer("a", 1, 3))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := s.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("drain: %v", err)
		}
		s.Close()
		close(lease.lost) // handed over
		synctest.Wait()
		away = false
		advance(time.Minute)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, nil) // the next owner reads them
		if lease.checkpoint() != "" || len(r.core.shards) != 0 {
			t.Errorf("checkpoint %q, %d shards remembered", lease.checkpoint(), len(r.core.shards))
		}
	})
}

func TestDrainOfALostShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, answer("a", 1, 3))
		done := drain(t.Context(), s)
		isStillDraining(t, done)
		close(lease.lost)
		if err := <-done; !errors.Is(err, source.ErrLost) {
			t.Fatalf("drain: %v, want %v", err, source.ErrLost)
		}
		close(table.gate)
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// A worker that joins asks for many shards at about the same time.
func TestManyDrainsLoadTwoBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		cfg := roomy
		cfg.Gather = 3 * time.Second
		r := newRig(t, table, cfg)
		var shards []*shard
		for i := range 20 {
			id := string(rune('a' + i))
			s := r.openShard(newLease(id))
			mustHandle(t, s, answer(id, 1, 1))
			shards = append(shards, s)
		}
		var done []<-chan error
		for _, s := range shards {
			done = append(done, drain(t.Context(), s))
			<-time.After(100 * time.Millisecond)
			for _, other := range shards[len(done):] { // are read on
				mustHandle(t, other, answer(other.id, len(done)+1, len(done)+1))
			}
		}
		for _, d := range done {
			if err := <-d; err != nil {
				t.Fatal(err)
			}
		}
		if table.loads != 2 {
			t.Errorf("%d loads for drains within 2 s", table.loads)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// An answer that waits for room when its shard is asked for is not taken in.
func TestHandleOfAShardThatIsAskedForReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate = make(chan struct{})
		cfg := roomy
		cfg.MaxRows = 2
		r := newRig(t, table, cfg)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, answer("a", 1, 2)) // is loading
		synctest.Wait()
		mustHandle(t, s, answer("a", 3, 4)) // fills the open batch
		ctx, asked := context.WithCancel(t.Context())
		handled := make(chan error, 1)
		go func() { handled <- s.Handle(ctx, answer("a", 5, 6)) }()
		synctest.Wait()
		asked()
		if err := <-handled; !errors.Is(err, context.Canceled) {
			t.Fatalf("handle: %v", err)
		}
		done := drain(t.Context(), s)
		isStillDraining(t, done)
		close(table.gate)
		if err := <-done; err != nil || lease.at != (row.Position{Sequence: "4"}) {
			t.Fatalf("drain: %v, checkpoint %v", err, lease.at)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, seqs("a", 1, 4))
	})
}
