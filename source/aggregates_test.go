package source

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/standin/kcl"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
)

// putAggregates puts n aggregates of one user record into each shard; about half of them lie in another shard's range where
// there are two.
func (w *world) putAggregates(n int) {
	w.t.Helper()
	var entries []kinesis.Entry
	for _, s := range w.kinesis.Shards(stream) {
		for i := range n {
			key := string(rune('a' + i%26))
			entries = append(entries, kinesis.Entry{PartitionKey: "a", ExplicitHashKey: s.Start, Data: kpltest.Aggregate(kpltest.Record{PartitionKey: key, Data: []byte("{}")})})
		}
	}
	if err := w.kinesis.PutMany(stream, entries); err != nil {
		w.t.Fatal(err)
	}
}

func TestAggregatesAreCountedAndFilteredAsTheOptionSays(t *testing.T) {
	for _, c := range []struct {
		filter string
		auto   bool
		shards int
	}{{"", false, 2}, {"none", false, 2}, {"record", false, 2}, {"kcl", false, 2}, {"kcl", true, 4}, {"record", false, 1}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, c.shards)
			o := w.options("a")
			o.HashRangeFilter = c.filter
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.distributed(); err == nil {
				t.Error("a source that does not run knows how the stream is distributed")
			}
			if c.auto {
				w.distributed(s.control.client)
			}
			a := w.run(s, &sink{world: w, name: "a"})
			wait(5 * time.Second)
			w.putAggregates(26)
			wait(5 * time.Second)
			if auto, err := s.distributed(); auto != c.auto || err != nil {
				t.Errorf("distributed by the service: %t, %v", auto, err)
			}
			if err := a.stop(); err != nil {
				t.Fatal(err)
			}
			total := int64(26 * len(w.kinesis.Shards(stream)))
			n := s.Aggregates()
			if n.Aggregates != total || n.UserRecords != total {
				t.Errorf("%+v: %+v, want %d aggregates", c, n, total)
			}
			told := !c.auto && c.shards > 1
			if (n.Outside > 0) != told || n.Outside == total {
				t.Errorf("%+v: %d of %d outside", c, n.Outside, total)
			}
			want := int64(0)
			if c.filter == "record" || c.filter == "kcl" {
				want = n.Outside
			}
			seen := 0
			for _, list := range w.seen {
				seen += len(list)
			}
			if n.Dropped != want || int64(seen) != total-want {
				t.Errorf("%+v: %d handed over, %d left out of %d; want %d left out", c, seen, n.Dropped, total, want)
			}
		})
	}
}

// Rows of KCL before 1.14 do not say which hash keys a shard has.
func TestRowsWithoutAHashRangeAreFilteredToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		o := w.options("a")
		o.HashRangeFilter = "record"
		tools, err := NewTools(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := kcl.CreateTable(t.Context(), tools.DynamoDB(""), o.Application, "leaseKey"); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.kinesis.Shards(stream) {
			if err := kcl.Write(t.Context(), tools.DynamoDB(""), o.Application, kcl.Row{"leaseKey": s.ID, "leaseCounter": 3, "checkpoint": "TRIM_HORIZON", "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 0}); err != nil {
				t.Fatal(err)
			}
		}
		w.putAggregates(26)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(30 * time.Second)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		if n := s.Aggregates(); n.UserRecords != 52 || n.Outside == 0 || n.Dropped != n.Outside {
			t.Errorf("%+v, want those outside of their shard left out", n)
		}
	})
}

// distributed makes the stream anew as one whose records the service distributes.
func (w *world) distributed(client *sdk.Client) {
	w.t.Helper()
	if err := w.kinesis.DeleteStream(stream); err != nil {
		w.t.Fatal(err)
	}
	wait(time.Minute)
	if _, err := client.CreateStream(w.t.Context(), &sdk.CreateStreamInput{
		StreamName: aws.String(stream), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	}); err != nil {
		w.t.Fatal(err)
	}
	wait(time.Minute)
}

func TestAnUnknownFilterIsRefused(t *testing.T) {
	if _, err := New(Options{Stream: "s", Application: "a", Region: "us-east-1", HashRangeFilter: "KCL"}); err == nil || !strings.Contains(err.Error(), "none, record or kcl") {
		t.Errorf("error %v", err)
	}
}
