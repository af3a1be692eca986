package pipeline

import (
	"testing"
	"testing/synctest"

	"kinesis-snowflake/internal/row"
)

// Between the commit of a shard's end and the creation of its children's leases nobody counts the children as pending: a
// run that took itself for caught up then would leave their records behind.
func TestNotCaughtUpBeforeTheChildrenOfAShardHaveTheirLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newFakeTable(), roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		last := answer("a", 1, 2)
		last.MillisBehindLatest, last.End = 0, true
		mustHandle(t, s, last)
		synctest.Wait()
		mustHandle(t, s, &row.Response{Shard: "a", End: true})
		if !lease.done() {
			t.Fatal("the shard's end is not committed")
		}
		if r.caughtUp(1) {
			t.Fatal("caught up while the shard's children may have no leases")
		}
		s.Close()
		if !r.caughtUp(0) {
			t.Fatal("not caught up after the shard's lease ended")
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
	})
}
