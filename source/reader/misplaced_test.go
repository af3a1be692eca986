package reader

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

func TestMisplacedUserRecords(t *testing.T) {
	low, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
	if err != nil {
		t.Fatal(err)
	}
	mixed := kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte("in")}, kpltest.Record{PartitionKey: "one", Data: []byte("out")},
		kpltest.Record{PartitionKey: "one", ExplicitHashKey: "5", Data: []byte("in2")})
	sound := kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte("sound")})
	records := []row.Record{
		{Sequence: []byte("1"), PartitionKey: []byte("one"), Data: []byte("plain")}, // outside itself, and no business of the filter
		{Sequence: []byte("2"), Data: sound},
		{Sequence: []byte("3"), Data: mixed},
	}
	for _, c := range []struct {
		filter  MisplacedFilter
		shard   *kpl.Range
		want    string
		outside int64
		dropped int64
		said    string
	}{
		{KeepMisplaced, &low, "plain sound in out in2", 1, 0, "duplicates are possible"},
		{DropMisplaced, &low, "plain sound in in2", 1, 1, "source.hash_range_filter"},
		{DropMisplacedAggregates, &low, "plain sound", 1, 3, "source.hash_range_filter"},
		{DropMisplacedAggregates, nil, "plain sound in out in2", 0, 0, ""},
		{DropMisplaced, nil, "plain sound in out in2", 0, 0, ""},
	} {
		var log bytes.Buffer
		a := NewAggregates(slog.New(slog.NewTextHandler(&log, nil)), c.filter, byKeys)
		e := expander{aggregates: a, hashes: c.shard}
		got, last, _ := run(t, &e, records, row.Position{})
		var texts []string
		for _, r := range got {
			texts = append(texts, string(r.Data))
		}
		if text := strings.Join(texts, " "); text != c.want {
			t.Errorf("filter %d: %s, want %s", c.filter, text, c.want)
		}
		if last != (row.Position{Sequence: "3", Subsequence: 2}) {
			t.Errorf("filter %d: ends at %s", c.filter, last)
		}
		if n := a.Counts(); n != (AggregateCounts{2, 4, c.outside, c.dropped}) {
			t.Errorf("filter %d: %+v", c.filter, n)
		}
		if (log.Len() > 0) != (c.said != "") || !strings.Contains(log.String(), c.said) {
			t.Errorf("filter %d: log %q", c.filter, log.String())
		}
	}
}

func byKeys() (bool, error) { return false, nil }

// A stream can be switched to a distribution by the service while it is read. Its user records then lie outside of what
// were their shards' ranges, and no filter may leave them out.
func TestNothingIsLeftOutOfAStreamThatTheServiceDistributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		none, err := kpl.ParseRange("1", "1") // so that all are outside
		if err != nil {
			t.Fatal(err)
		}
		auto, unknown, asked := false, error(nil), 0
		r.cfg.HashRange = &none
		r.cfg.Aggregates = NewAggregates(slog.New(slog.NewTextHandler(r.log, nil)), DropMisplaced, func() (bool, error) { asked++; return auto, unknown })
		got := 0
		r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
			got += len(resp.Records)
			return nil
		}
		step := func(name string, records, questions int) {
			t.Helper()
			got, asked = 0, 0
			if err := r.read(3 * time.Second); err != nil {
				t.Fatal(err)
			}
			if got != records || asked != questions {
				t.Errorf("%s: %d records after %d questions, want %d after %d", name, got, asked, records, questions)
			}
		}
		r.mixed(4) // two plain, and two aggregates of four
		step("by keys", 2, 1)
		step("by keys, a moment later", 2, 0)
		<-time.After(time.Minute)
		unknown = errors.New("no route to host")
		step("unknown", 10, 3) // each aggregate asks, and the line that is due does
		unknown, auto = nil, true
		step("by the service", 10, 1)
		auto = false
		outside := r.cfg.Aggregates.Counts().Outside
		step("and that is kept in mind", 10, 0)
		if now := r.cfg.Aggregates.Counts().Outside; now != outside {
			t.Errorf("%d more user records are said to be outside", now-outside)
		}
		if n := r.lines("by itself now"); n != 1 {
			t.Errorf("%d lines about the distribution:\n%s", n, r.log)
		}
		if n := r.lines("behind a reshard"); n != 1 {
			t.Errorf("%d lines about the producer:\n%s", n, r.log)
		}
	})
}

func TestMisplacedUserRecordsAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := NewAggregates(slog.New(slog.NewTextHandler(&log, nil)), KeepMisplaced, byKeys)
		for range 30 * 5 {
			a.add(&AggregateCounts{Aggregates: 1, UserRecords: 10, Outside: 2})
			a.add(&AggregateCounts{Aggregates: 1, UserRecords: 10})
			<-time.After(time.Second)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "user_records_outside=242 ") {
			t.Errorf("%d lines in 150 s:\n%s", n, log.String())
		}
		if got := a.Counts(); got != (AggregateCounts{300, 3000, 300, 0}) {
			t.Errorf("%+v", got)
		}
	})
}
