//go:build interop

package kcl_test

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"testing"

	"kinesis-snowflake/internal/standin/kinesis"
)

// versions are the KCLs that the takeover is tried with: 2.x; 3.x with two more tables; and 3.x since it puts rows of its
// own into the lease table instead.
var versions = []version{{number: "2.7.2"}, {number: "3.4.2"}, {number: "3.5.1"}}

// TestInteropTakeover lets KCL and the connector follow each other on one stream and one lease table, on through reshards.
// Whoever stops gracefully has left off behind a record, and the other goes on at the next.
func TestInteropTakeover(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			takeover(t, newWorld(t, 3, ""), v)
		})
	}
	t.Run("2.7.2 on dynalite", func(t *testing.T) {
		t.Parallel()
		takeover(t, newWorld(t, 3, os.Getenv("INTEROP_DYNALITE")), version{number: "2.7.2"})
	})
	t.Run("3.5.1 on moto", func(t *testing.T) {
		t.Parallel()
		takeover(t, newWorld(t, 3, os.Getenv("INTEROP_MOTO")), version{number: "3.5.1"})
	})
}

func takeover(t *testing.T, w *world, v version) {
	// KCL makes the table and leaves off inside an aggregate: 250 is no multiple of 7.
	w.putAggregates(60, 7)
	one := w.java(v, "java-1", "limit=250")
	one.until(t, "250 records", func([]event) bool { return len(one.records()) == 250 })
	one.stop(t)
	w.exact("KCL made the table and stopped", 250, one)

	// The connector goes on there, over the end of a shard that KCL began.
	w.split()
	w.put(100)
	o := w.start("ours-1")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 270 })
	o.stop()
	w.exact("the connector went on", 520, one)

	// KCL goes on behind it, over the end of shards that the connector began.
	w.merge()
	w.put(300)
	two := w.java(v, "java-2", "limit=200")
	two.until(t, "200 records", func([]event) bool { return len(two.records()) == 200 })
	// What KCL deletes of the finished shards also says that it reads their rows: the children in them, and where those are.
	w.eventually("KCL to delete the finished leases", func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Values(w.leases())), lease.finished)
	})
	two.stop(t)
	w.exact("KCL went on", 720, one, two)

	// The connector again; and then KCL, which is killed behind a checkpoint.
	o = w.start("ours-2")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 370 })
	o.stop()
	w.exact("the connector went on again", 820, one, two)
	w.putAggregates(30, 7)
	three := w.java(v, "java-3", "limit=100")
	three.until(t, "100 records", func([]event) bool { return len(three.records()) == 100 })
	three.until(t, "its checkpoints", settled)
	three.kill()
	o = w.start("ours-3")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 480 })
	o.stop()
	w.exact("KCL was killed", 1030, one, two, three)

	for _, j := range []*worker{one, two, three} {
		j.content(t)
	}
}

// exact insists that the first n records were processed, each once, by the workers of KCL or by the connector.
func (w *world) exact(when string, n int, workers ...*worker) {
	w.t.Helper()
	got := append(w.printed(workers...), w.loaded()...)
	slices.Sort(got)
	if len(got) != n {
		w.t.Errorf("after %s: %d records are processed, want %d", when, len(got), n)
	}
	if unique := slices.Compact(slices.Clone(got)); len(unique) != len(got) {
		w.t.Fatalf("after %s: %d records are processed twice", when, len(got)-len(unique))
	}
}

// settled: every shard's last record has its checkpoint.
func settled(events []event) bool {
	open := map[string]string{}
	for _, e := range events {
		switch e.what {
		case "record":
			open[e.shard] = e.sequence + ":" + e.sub
		case "checkpoint":
			if open[e.shard] == e.sequence+":"+e.sub {
				delete(open, e.shard)
			}
		}
	}
	return len(open) == 0
}

// open are the stream's open shards, in the order of their hash keys.
func (w *world) open() []kinesis.Shard {
	shards := slices.DeleteFunc(w.kinesis.Shards(w.stream), func(s kinesis.Shard) bool { return !s.Open })
	slices.SortFunc(shards, func(a, b kinesis.Shard) int {
		return cmp.Or(cmp.Compare(len(a.Start), len(b.Start)), cmp.Compare(a.Start, b.Start))
	})
	return shards
}

// split splits the first open shard.
func (w *world) split() {
	w.t.Helper()
	_, _, err := w.kinesis.Split(w.stream, w.open()[0].ID)
	w.must(err)
}

// merge merges the last two open shards.
func (w *world) merge() {
	w.t.Helper()
	open := w.open()
	_, err := w.kinesis.Merge(w.stream, open[len(open)-2].ID, open[len(open)-1].ID)
	w.must(err)
}
