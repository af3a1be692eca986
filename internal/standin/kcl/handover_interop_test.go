//go:build interop

package kcl_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

// TestInteropHandOver has the connector ask a living worker of KCL 3.x for leases, under a stream of records, and give
// them back by stopping. Whoever gives a shard up has left off behind a record, so that each is processed once.
func TestInteropHandOver(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ name, dynamodb string }{
		{"stand-in", ""},
		{"moto", os.Getenv("INTEROP_MOTO")}, // dynalite makes no index of a table that is paid on demand
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			// On a machine that is too busy for five seconds, leases run out. Such a run says nothing of a hand-over.
			for range 3 {
				w := newWorld(t, 6, s.dynamodb)
				w.lease = 5 * time.Second
				if handOver(t, w) {
					return
				}
			}
			t.Error("a lease ran out in each of three runs")
		})
	}
}

// handOver says whether all leases changed hands by agreement.
func handOver(t *testing.T, w *world) bool {
	// The connector makes the table, and KCL begins with rows as they were made.
	o := w.start("ours-1")
	w.eventually("the connector to have all leases", func() bool {
		owners := slices.Collect(maps.Values(w.owners()))
		return len(owners) == 6 && !slices.ContainsFunc(owners, func(o string) bool { return o != "ours-1" })
	})
	o.stop()
	stop := w.flow()
	one := w.java(version{number: "3.5.1"}, "java-1")
	one.until(t, "all leases", func(events []event) bool { return began(events) == 6 })
	o = w.start("ours-2")
	w.shared("the connector joined", "ours-2", "java-1")
	asked := count(one.all(), "asked")
	loaded := len(w.loaded())
	w.eventually("records in the table", func() bool { return len(w.loaded()) > loaded+30 })
	o.stop()
	w.shared("the connector left", "java-1")
	stop()
	w.processed(w.sent, one)
	one.stop(t)
	w.once()
	if o.lost.Load() > 0 || last(one.all(), "refused") != nil {
		t.Logf("%d leases of the connector ran out, or KCL's did", o.lost.Load())
		return false
	}
	if asked != 3 {
		t.Errorf("KCL was asked for %d shards, want 3", asked)
	}
	w.exact("hand-over there and back", w.sent, one)
	one.content(t)
	return true
}

func count(events []event, what string) (n int) {
	for _, e := range events {
		if e.what == what {
			n++
		}
	}
	return n
}

// began counts the shards that were begun.
func began(events []event) int {
	var shards []string
	for _, e := range events {
		if e.what == "began" {
			shards = append(shards, e.shard)
		}
	}
	slices.Sort(shards)
	return len(slices.Compact(shards))
}

// flow puts records until stop is called.
func (w *world) flow() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var putting sync.WaitGroup
	putting.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				var entries []kinesis.Entry
				for range 12 {
					entries = append(entries, kinesis.Entry{PartitionKey: fmt.Sprint("key-", w.sent), Data: w.next()})
				}
				if err := w.kinesis.PutMany(w.stream, entries); err != nil {
					w.t.Error(err)
					return
				}
			}
		}
	})
	return func() { cancel(); putting.Wait() }
}
