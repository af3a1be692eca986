package source

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/kinesis"
)

func TestLatestIsRememberedFromTheFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(50)
		before := map[string]int{}
		for _, s := range w.kinesis.Shards(stream) {
			before[s.ID] = s.Put
		}
		wait(5 * time.Second)
		o := w.options("a")
		o.Start = row.Latest
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a", hold: true})
		wait(5 * time.Second)
		w.put(100)
		if err := a.stop(); err != nil { // and nothing of it was committed
			t.Fatal(err)
		}
		w.put(100)
		wait(5 * time.Second)
		clear(w.seen)
		o.WorkerID = "b"
		if s, err = New(o); err != nil {
			t.Fatal(err)
		}
		b := w.run(s, &sink{world: w, name: "b"})
		wait(10 * time.Second)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.kinesis.Shards(stream) {
			if got, want := len(w.seen[s.ID]), s.Put-before[s.ID]; got != want {
				t.Errorf("%s: %d records, want the %d put since the first start", s.ID, got, want)
			}
		}
	})
}

func TestStartAtTimestampReadsChildrenFromTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.put(50)
		wait(10 * time.Second)
		o := w.options("a")
		o.Start, o.StartTime = row.AtTimestamp, time.Now()
		wait(10 * time.Second)
		w.put(30)
		if _, _, err := w.kinesis.Split(stream, "shardId-000000000000"); err != nil {
			t.Fatal(err)
		}
		w.put(40)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(time.Minute)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(w.seen["shardId-000000000000"]); n != 30 {
			t.Errorf("parent: %d records, want 30", n)
		}
		if n := len(w.seen["shardId-000000000001"]) + len(w.seen["shardId-000000000002"]); n != 40 {
			t.Errorf("children: %d records, want 40", n)
		}
		w.parentsFirst()
	})
}

func TestStreamOfManyPagesOfShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2100)
		listing, err := w.source("a").control.ListShards(t.Context(), nil)
		if err != nil || len(listing.Shards) != 2100 {
			t.Fatalf("%d shards, error %v", len(listing.Shards), err)
		}
		if listing.Time.After(time.Now()) || listing.Time.Before(time.Now().Add(-2*time.Second)) {
			t.Errorf("listing began %v, now %v", listing.Time, time.Now())
		}
	})
}

func TestListingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1001)
		// The second page's token expires once, after a throttled and a broken call.
		w.kinesis.SetHooks(kinesis.Hooks{Before: kinesis.Plan{}.
			At("ListShards", 1, kinesis.Throw("LimitExceededException", "Rate exceeded")).At("ListShards", 2, kinesis.Cut()).
			At("ListShards", 4, kinesis.Throw("ExpiredNextTokenException", "NextToken expired")).Hook})
		listing, err := w.source("a").control.ListShards(t.Context(), nil)
		if err != nil || len(listing.Shards) != 1001 {
			t.Fatalf("%d shards, error %v", len(listing.Shards), err)
		}
	})
}

func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		for _, name := range []string{stream, "arn:aws:kinesis:us-east-1:000000000000:stream/" + stream} {
			o := w.options("a")
			o.Stream, o.Region = name, "us-east-1"
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			info, err := s.Prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if info.Name != stream || info.OpenShards != 3 || info.Retention != 24*time.Hour || info.MaxRecordBytes != 1<<20 || info.Encrypted ||
				!strings.HasPrefix(info.ID(), "arn:aws:kinesis:us-east-1:000000000000:stream/orders@9") {
				t.Errorf("%+v, id %s", info, info.ID())
			}
		}
	})
}
