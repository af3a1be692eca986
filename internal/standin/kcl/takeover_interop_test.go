//go:build interop

package kcl_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"kinesis-snowflake/internal/standin/kinesis"
)

// versions are the KCLs that the takeover is tried with: 2.x; 3.x, which puts rows of its own into a lease table that it
// made; and 3.x as the first step of a migration from 2.x.
var versions = []version{
	{number: "2.7.2"},
	{number: "3.5.1"},
	{number: "3.5.1", args: []string{"client=COMPATIBLE_WITH_2X_PHASE1"}},
}

// TestInteropTakeover lets KCL and the connector follow each other on one stream and one lease table, on through reshards.
// Whoever stops gracefully has left off behind a record, and the other goes on at the next.
func TestInteropTakeover(t *testing.T) {
	for _, v := range versions {
		t.Run(fmt.Sprint(v.number, v.args), func(t *testing.T) {
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
	// KCL makes the table and leaves off in the middle of a shard.
	w.put(400)
	one := w.java(v, "java-1", "limit=250")
	one.until(t, "250 records", func([]event) bool { return len(one.records()) == 250 })
	one.stop(t)
	w.exact("KCL made the table and stopped", 250, one)

	// The connector goes on there, over the end of a shard that KCL began.
	w.split()
	w.put(100)
	o := w.start("ours-1")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 250 })
	o.stop()
	w.exact("the connector went on", 500, one)

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
	w.exact("KCL went on", 700, one, two)

	// The connector again; and then KCL, which is killed.
	o = w.start("ours-2")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 350 })
	o.stop()
	w.exact("the connector went on again", 800, one, two)
	w.put(200)
	three := w.java(v, "java-3", "limit=100")
	three.until(t, "100 records", func([]event) bool { return len(three.records()) == 100 })
	three.until(t, "its checkpoints", settled)
	three.kill()
	o = w.start("ours-3")
	w.eventually("the connector to load the rest", func() bool { return len(w.loaded()) >= 450 })
	o.stop()
	w.exact("KCL was killed behind a checkpoint", 1000, one, two, three)

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
			open[e.shard] = e.sequence
		case "checkpoint":
			if open[e.shard] == e.sequence {
				delete(open, e.shard)
			}
		}
	}
	return len(open) == 0
}

// open are the stream's open shards, in the order of their hash keys.
func (w *world) open() []string {
	shards := slices.DeleteFunc(w.kinesis.Shards(w.stream), func(s kinesis.Shard) bool { return !s.Open })
	slices.SortFunc(shards, func(a, b kinesis.Shard) int {
		return cmp.Or(cmp.Compare(len(a.Start), len(b.Start)), cmp.Compare(a.Start, b.Start))
	})
	ids := make([]string, len(shards))
	for i, s := range shards {
		ids[i] = s.ID
	}
	return ids
}

// split splits the first open shard.
func (w *world) split() {
	w.t.Helper()
	_, _, err := w.kinesis.Split(w.stream, w.open()[0])
	w.must(err)
}

// merge merges the last two open shards.
func (w *world) merge() {
	w.t.Helper()
	open := w.open()
	_, err := w.kinesis.Merge(w.stream, open[len(open)-2], open[len(open)-1])
	w.must(err)
}
