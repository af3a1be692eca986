package produce

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl"
)

// unpack takes what was put apart. Of each record it gives the shard that it is meant for.
func unpack(t *testing.T, shards []Shard, put []Record) (lines []string, aggregated int) {
	t.Helper()
	for _, p := range put {
		var d kpl.Decoder
		if _, err := d.Open(p.Data); err != nil {
			lines = append(lines, string(p.Data))
			continue
		}
		i := slices.IndexFunc(shards, func(s Shard) bool { return s.First == p.ExplicitHashKey })
		if i < 0 || p.PartitionKey != "a" {
			t.Fatalf("an aggregate is put under %q, %q", p.PartitionKey, p.ExplicitHashKey)
		}
		shard, err := kpl.ParseRange(shards[i].First, shards[i].Last)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Data) > aggregateBytes+10_000 {
			t.Errorf("an aggregate of %d bytes", len(p.Data))
		}
		for r := (kpl.Record{}); d.Next(&r); aggregated++ {
			if d.Outside(&r, shard) {
				t.Errorf("record %s lies in another shard", r.Data)
			}
			lines = append(lines, string(r.Data))
		}
	}
	return lines, aggregated
}

type kept struct{ records []Record }

func (k *kept) Put(_ context.Context, _ string, records []Record) error {
	k.records = append(k.records, records...)
	return nil
}

func TestAShareOfTheRecordsIsAggregated(t *testing.T) {
	server := kinesis.New(kinesis.Options{})
	if err := server.CreateStream("s", 3); err != nil {
		t.Fatal(err)
	}
	shards := Local{server}.Shards("s")
	var sent []string
	var records []Record
	for i := range 1000 {
		data := fmt.Sprintf(`{"id":%d,"fill":"%s"}`, i, strings.Repeat("x", i*7919%2000))
		if i == 7 {
			data = strings.Repeat("x", aggregateBytes+1)
		}
		sent = append(sent, data)
		records = append(records, Record{PartitionKey: fmt.Sprint("key-", i), Data: []byte(data)})
	}
	for percent, want := range map[int]int{1: 10, 30: 299, 100: 999} {
		var k kept
		a := Aggregating{Putter: &k, Percent: percent, Shards: shards}
		for batch := range slices.Chunk(records, 90) {
			if err := a.Put(t.Context(), "s", batch); err != nil {
				t.Fatal(err)
			}
		}
		got, aggregated := unpack(t, shards, k.records)
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(sent))) {
			t.Errorf("%d percent: %d records of %d come out", percent, len(got), len(sent))
		}
		if aggregated != want {
			t.Errorf("%d percent: %d records are aggregated, want %d", percent, aggregated, want)
		}
	}
}

func TestAggregatesKeepEachShardsOrder(t *testing.T) {
	shards := []Shard{{"0", "170141183460469231731687303715884105727"}, {"170141183460469231731687303715884105728", "340282366920938463463374607431768211455"}}
	var records []Record
	for i := range 500 {
		records = append(records, Record{PartitionKey: []string{"a", "one"}[i*i%7%2], Data: fmt.Appendf(nil, "%s %03d", []string{"a", "one"}[i*i%7%2], i)})
	}
	var k kept
	a := Aggregating{Putter: &k, Percent: 40, Shards: shards}
	if err := a.Put(t.Context(), "s", records); err != nil {
		t.Fatal(err)
	}
	got, _ := unpack(t, shards, k.records)
	for _, key := range []string{"a ", "one "} {
		of := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.HasPrefix(s, key) })
		if len(of) < 100 || !slices.IsSorted(of) {
			t.Errorf("records of key %s are out of order, or few: %d", key, len(of))
		}
	}
}
