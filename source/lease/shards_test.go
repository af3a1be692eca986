package lease

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kinesis-snowflake/internal/row"
)

func TestShards(t *testing.T) {
	bubble(t, "LatestIsRememberedAsATime", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		latest := func(c *Config) { c.Start.Position = row.Latest }
		a := f.start("a", latest)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		h := a.held("shardId-000000000001")
		begun := time.UnixMilli(f.rows()[h.Shard()].StartMillis)
		if d := time.Since(begun); d < 3*time.Second || d > 4*time.Second { // the service's clock is 3 s behind
			t.Errorf("the start is remembered as %v", begun)
		}
		if h.Start().Sequence != row.Latest || !h.StartTime().Equal(begun) {
			t.Errorf("%v from %v, not %v", h.Start(), h.StartTime(), begun)
		}
		a.kill() // before the first checkpoint
		f.pass(time.Hour)
		b := f.start("b", latest)
		f.within(2*lease10, "b has all", func() bool { return len(b.open()) == 2 })
		if h := b.held("shardId-000000000001"); !h.StartTime().Equal(begun) {
			t.Errorf("%v from %v, not %v", h.Start(), h.StartTime(), begun)
		}
		f.stop(b)
	})
	bubble(t, "SplitAndMerge", func(t *testing.T) {
		base := tiles(2)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		b := f.start("b", nil)
		f.pass(time.Minute)
		merged := Shard{ID: "shardId-000000000002", Parents: []string{base[0].ID, base[1].ID}, StartHash: base[0].StartHash, EndHash: base[1].EndHash}
		closed := slices.Clone(base)
		closed[0].Closed, closed[1].Closed = true, true
		f.stream.set(append(closed, merged)...)

		f.held(base[0].ID, a, b).Checkpoint(row.Position{Sequence: "5"})
		f.held(base[0].ID, a, b).Finish([]Shard{merged})
		f.within(5*time.Second, "the first parent has ended", func() bool { return f.open(a, b) == 1 })
		if l := f.rows()[base[0].ID]; !l.Finished() || l.Owner != "" || !slices.Equal(l.Children, []string{merged.ID}) {
			t.Errorf("%+v", l)
		}
		f.pass(time.Minute)
		if sa, sb := a.Status(), b.Status(); f.open(a, b) != 1 || sa.Held+sb.Held != 2 {
			t.Errorf("the merged shard is read before its second parent ended: a %v, b %v", sa, sb)
		}
		f.held(base[1].ID, a, b).Finish(nil) // a server that names no children
		f.within(lease10, "the merged shard is read", func() bool {
			return slices.Equal(append(a.open(), b.open()...), []string{merged.ID})
		})
		l := f.rows()[merged.ID]
		if l.Checkpoint.Sequence != row.TrimHorizon || !slices.Equal(l.Parents, merged.Parents) || l.StartHash != merged.StartHash || l.EndHash != merged.EndHash {
			t.Errorf("%+v", l)
		}

		// The parents expire. Their rows go once the child has begun, not before.
		f.stream.set(merged)
		f.pass(5 * time.Minute)
		if n := len(f.rows()); n != 3 {
			t.Fatalf("%d rows", n)
		}
		for _, w := range []*worker{a, b} {
			if h := w.held(merged.ID); h != nil {
				h.Checkpoint(row.Position{Sequence: "7"})
			}
		}
		f.pass(5 * time.Minute)
		if n := len(f.rows()); n != 1 {
			t.Errorf("%d rows\n%s", n, f.table())
		}
		f.stop(a)
		f.stop(b)
	})
	bubble(t, "AMergeIsReadAgainFromOneParent", func(t *testing.T) {
		// As after a reset of one parent and the child: the other parent was finished and its row deleted long ago.
		base := tiles(2)
		merged := Shard{ID: "shardId-000000000002", Parents: []string{base[0].ID, base[1].ID}, StartHash: base[0].StartHash, EndHash: base[1].EndHash}
		base[0].Closed, base[1].Closed = true, true
		f := newFleet(t, base[0], base[1], merged)
		store := NewDynamoDB(client(f.server.RoundTripper()), table, quiet())
		if err := store.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []Shard{base[0], merged} {
			l := Lease{Key: s.ID, Parents: s.Parents, StartHash: s.StartHash, EndHash: s.EndHash, Checkpoint: row.Position{Sequence: row.TrimHorizon}}
			if err := store.Create(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		a := f.start("a", nil)
		f.within(2*time.Second, "the parent is read", func() bool { return slices.Equal(a.open(), []string{base[0].ID}) })
		a.held(base[0].ID).Finish([]Shard{merged})
		f.within(time.Minute, "the merged shard is read", func() bool { return slices.Equal(a.open(), []string{merged.ID}) })
		if l := f.rows()[base[0].ID]; !l.Finished() || !slices.Equal(l.Children, []string{merged.ID}) {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "AGoneShardEndsWithoutChildren", func(t *testing.T) {
		base := tiles(2)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		f.stream.set(base[1])
		h := a.held(base[0].ID)
		h.Finish(nil)
		f.within(2*time.Second, "it has ended", func() bool { return f.rows()[base[0].ID].Finished() })
		<-h.Finished()
		f.stop(a)
	})
	bubble(t, "OffsetsMakeLeases", func(t *testing.T) {
		base := tiles(2)
		base[0].Closed = true
		child := Shard{ID: "shardId-000000000002", StartHash: base[0].StartHash, EndHash: base[0].EndHash}
		f := newFleet(t, base[0], base[1], child)
		a := f.start("a", func(c *Config) {
			c.Start.Position = row.Latest
			c.Offsets = []string{base[0].ID, base[1].ID, "shardId-999999999999"}
		})
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		for id, want := range map[string]string{base[0].ID: row.TrimHorizon, base[1].ID: row.TrimHorizon, child.ID: row.Latest} {
			h := a.held(id)
			if h.Start().Sequence != want || h.HasOffsets() != (want == row.TrimHorizon) {
				t.Errorf("%s starts at %v, offsets %v", id, h.Start(), h.HasOffsets())
			}
		}
		f.stop(a)
	})
	bubble(t, "AMissingRowIsCreated", func(t *testing.T) {
		base := tiles(3)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		f.stop(a)
		_, err := client(f.server.RoundTripper()).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: item{"leaseKey": text(base[1].ID)}})
		if err != nil {
			t.Fatal(err)
		}
		b := f.start("b", nil)
		f.within(5*time.Second, "b has all", func() bool { return len(b.open()) == 3 })
		if s := b.Status(); !s.Synced && s.Pending != 0 {
			t.Errorf("%+v", s)
		}
		f.stop(b)
	})
	bubble(t, "StatusTellsTheLivingFromTheDead", func(t *testing.T) {
		f := newFleet(t, tiles(3)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		f.within(time.Second, "a is synced", func() bool { return a.Status() == Status{Synced: true, Leases: 3, Held: 3, Open: 3} })
		b := f.start("b", nil)
		f.within(time.Second, "b is synced", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Pending: 3} })
		f.within(lease10, "b has seen a renew", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Others: 3} })
		f.within(lease10, "b has its share", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Held: 1, Open: 1, Others: 2} })
		a.kill()
		f.within(2*lease10, "b has all", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Held: 3, Open: 3} })
		f.stop(b)
	})
}
