package source

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
)

func TestTwoWorkersNeverReadOneShardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		w.put(1000)
		// Each in turn is cut off from the lease table for longer than a lease, while it goes on reading Kinesis.
		names := []string{"a", "b"}
		cables := map[string]*cable{}
		workers := map[string]*worker{}
		for _, name := range names {
			cables[name] = &cable{to: w.dynamo.RoundTripper()}
			o := w.options(name)
			o.DynamoDBTransport = cables[name]
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			workers[name] = w.run(s, &sink{world: w, name: name})
		}
		for i := range 8 {
			w.put(200)
			wait(5 * time.Second)
			cables[names[i%2]].cut.Store(true)
			w.put(200)
			wait(14 * time.Second)
			w.put(200)
			cables[names[i%2]].cut.Store(false)
			if i == 4 {
				if err := w.kinesis.UpdateShardCount(stream, 5); err != nil {
					t.Fatal(err)
				}
			}
			wait(10 * time.Second)
		}
		wait(time.Minute)
		a, b := workers["a"], workers["b"]
		if sa, sb := a.Status(), b.Status(); sa.Held+sb.Held != 5 || sa.Pending+sb.Pending != 0 || sa.Others != sb.Held {
			t.Errorf("a %+v, b %+v", sa, sb)
		}
		// a stops in an orderly way, b takes over at once.
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.put(500)
		wait(30 * time.Second)
		if s := b.Status(); s.Open != 5 || s.Pending != 0 {
			t.Errorf("b alone: %+v", s)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(true)
		w.parentsFirst()
		if len(w.opened) < 30 {
			t.Errorf("leases changed hands only %d times", len(w.opened))
		}
	})
}

func TestRestartResumesAtTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		for _, name := range []string{"a", "b", "c"} {
			w.put(100)
			worker := w.start(name)
			wait(10 * time.Second)
			w.put(100)
			wait(5 * time.Second)
			if err := worker.stop(); err != nil {
				t.Fatal(err)
			}
		}
		// A released lease is taken at once, and what was committed is not read again.
		w.whole(false)
	})
}

func TestUncommittedRecordsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(100)
		a := w.run(w.source("a"), &sink{world: w, name: "a", hold: true})
		wait(10 * time.Second)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
		b := w.start("b")
		wait(10 * time.Second)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, list := range w.seen {
			total += len(list)
		}
		if total != 200 {
			t.Errorf("%d records handed over in two runs, want 200", total)
		}
	})
}

func TestDrainKeepsTheLeasesForTheLastCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(100)
		var last = map[string]row.Position{}
		k := &sink{world: w, name: "a", hold: true}
		k.handle = func(c *shardSink, r *row.Response) error {
			if r.Last.IsNumber() {
				w.mu.Lock()
				defer w.mu.Unlock()
				last[r.Shard] = r.Last
			}
			return nil
		}
		a := w.run(w.source("a"), k)
		wait(10 * time.Second)
		if err := a.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range k.shards {
			if !c.closed {
				t.Errorf("%s is not closed after Drain", c.shard.ID())
			}
		}
		w.put(10)
		wait(time.Minute) // far beyond a lease's duration
		for id, c := range k.shards {
			if err := c.shard.MarkOffsets(t.Context()); err != nil {
				t.Error(err)
			}
			if err := c.shard.Confirm(t.Context()); err != nil {
				t.Error(err)
			}
			c.shard.Checkpoint(last[id])
		}
		a.cancel()
		if err := <-a.done; err != nil {
			t.Fatal(err)
		}
		for _, c := range k.shards {
			if err := c.shard.Confirm(t.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("confirm after the end: %v", err)
			}
		}
		b := w.start("b")
		wait(5 * time.Second)
		for _, c := range b.sink.shards {
			if !c.shard.HasOffsets() {
				t.Error("the mark of the offsets is lost")
			}
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
	})
}

// A worker that joins gets its share only after what was read is committed, so nothing is read twice.
func TestAJoiningWorkerReadsOnWhereTheOtherHasCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		var last = map[string]row.Position{}
		// lazy commits only when it must.
		lazy := func(name string) *sink {
			k := &sink{world: w, name: name, hold: true}
			k.handle = func(c *shardSink, r *row.Response) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				if r.Last.IsNumber() {
					last[r.Shard] = r.Last
				}
				return nil
			}
			k.drain = func(ctx context.Context, c *shardSink) error {
				select {
				case <-time.After(2 * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				c.shard.Checkpoint(last[c.shard.ID()])
				return nil
			}
			return k
		}
		w.put(500)
		a := w.run(w.source("a"), lazy("a"))
		wait(10 * time.Second)
		w.put(500)
		b := w.run(w.source("b"), lazy("b"))
		for range 30 {
			wait(time.Second)
			w.put(100)
		}
		if sa, sb := a.Status(), b.Status(); sa.Open != 4 || sb.Open != 4 {
			t.Errorf("a %+v, b %+v", sa, sb)
		}
		wait(5 * time.Second)
		w.whole(false)
		for _, r := range []*worker{a, b} {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAStoppedWorkersShardsAreReadWithin2s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		a, b := w.start("a"), w.start("b")
		wait(30 * time.Second)
		if sa, sb := a.Status(), b.Status(); sa.Open != 4 || sb.Open != 4 {
			t.Fatalf("a %+v, b %+v", sa, sb)
		}
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		wait(2 * time.Second)
		w.mu.Lock()
		for id, name := range w.reading {
			if name != "b" {
				t.Errorf("%s is read by %s", id, name)
			}
		}
		if len(w.reading) != 8 {
			t.Errorf("%d shards are read", len(w.reading))
		}
		w.mu.Unlock()
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatCannotBeDrainedEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		want := errors.New("disk full")
		a := w.run(w.source("a"), &sink{world: w, name: "a", drain: func(context.Context, *shardSink) error { return want }})
		wait(5 * time.Second)
		b := w.start("b")
		if err := <-a.done; !errors.Is(err, want) {
			t.Errorf("error %v", err)
		}
		wait(5 * time.Second)
		if s := b.Status(); s.Open != 4 {
			t.Errorf("b %+v", s)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
	})
}
