package pipeline

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
)

// askedLease counts how often a shard looks whether its lease is lost, which it does at each round of waiting.
type askedLease struct {
	*fakeLease
	asked  *atomic.Int64
	enough func()
}

func (l askedLease) Lost() <-chan struct{} {
	if l.asked.Add(1) > 10_000 {
		l.enough()
	}
	return l.fakeLease.Lost()
}

// Two shards come back while the committer loads, and the open batch holds rows of theirs that were dropped.
func TestShardsThatWaitForACleanBatchDoNotWakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		table.gate, table.loading = make(chan struct{}), make(chan struct{}, 10)
		r := newRig(t, table, delivery.Config{Interval: time.Hour, MaxBytes: 1 << 30, MaxRows: 5})
		old := map[string]*fakeLease{"a": newLease("a"), "b": newLease("b")}
		shards := map[string]*shard{"a": r.openShard(old["a"]), "b": r.openShard(old["b"])}
		mustHandle(t, shards["a"], answer("a", 1, 5)) // full: is loaded, and waits at the gate
		<-table.loading
		ctx, cancel := context.WithCancel(context.Background())
		var asked atomic.Int64
		handled := make(chan error, 2)
		for id, s := range shards {
			mustHandle(t, s, answer(id, 6, 6)) // into the open batch
		}
		for id, s := range shards { // lost, and taken again by this worker
			close(old[id].lost)
			s.Close()
			again := r.openShard(askedLease{newLease(id), &asked, cancel})
			go func() { handled <- again.Handle(ctx, answer(id, 1, 6)) }()
		}
		synctest.Wait()
		if n := asked.Load(); n > 100 {
			t.Errorf("%d rounds of waiting, want a few", n)
		}
		close(table.gate)
		for range shards {
			if err := <-handled; err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
		cancel()
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
}
