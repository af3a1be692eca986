package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
)

// users is how many user records an aggregate of these tests has.
const users = 5

// crowd is a stream of aggregates and plain records in turn, spread over its shards.
type crowd struct {
	*stack
	made map[string][]kpltest.Record // by the data of the Kinesis record: its user records, or the plain one
	id   int
}

func newCrowd(s *stack) *crowd { return &crowd{stack: s, made: map[string][]kpltest.Record{}} }

// put sends n records of Kinesis; every third is an aggregate, of which every tenth has a user record that is no row.
func (c *crowd) put(n int) {
	c.t.Helper()
	shards := slices.DeleteFunc(c.kinesis.Shards(stream), func(s kinesis.Shard) bool { return !s.Open })
	record := func() kpltest.Record {
		c.id++
		return kpltest.Record{PartitionKey: fmt.Sprint("customer-", c.id%50), Data: fmt.Appendf(nil, `{"id":%d}`, c.id)}
	}
	entries := make([]kinesis.Entry, n)
	for i := range entries {
		if i%3 != 0 {
			r := record()
			entries[i] = kinesis.Entry{PartitionKey: r.PartitionKey, Data: r.Data}
			c.made[string(r.Data)] = []kpltest.Record{r}
			continue
		}
		var list []kpltest.Record
		for j := range users {
			list = append(list, record())
			if i%30 == 0 && j == 2 {
				list[j].Data = fmt.Appendf(nil, `[%d]`, c.id)
			}
		}
		entries[i] = kinesis.Entry{PartitionKey: "a", ExplicitHashKey: shards[i/3%len(shards)].Start, Data: kpltest.Aggregate(list...)}
		c.made[string(entries[i].Data)] = list
	}
	if err := c.kinesis.PutMany(stream, entries); err != nil {
		c.t.Fatal(err)
	}
}

// place is where a row's record stands.
type place struct {
	shard, sequence string
	sub             int
}

// want is the id of each user record that makes a row, by its place, and of those that make none.
func (c *crowd) want() (rows, failed map[place]string) {
	rows, failed = map[place]string{}, map[place]string{}
	for rec := range c.kinesis.Records(stream) {
		for sub, u := range c.made[string(rec.Data)] {
			p := place{rec.Shard, rec.Sequence, sub}
			var doc struct{ ID json.Number }
			if json.Unmarshal(u.Data, &doc) != nil {
				failed[p] = string(u.Data)
				continue
			}
			rows[p] = doc.ID.String() + " " + u.PartitionKey
		}
	}
	return rows, failed
}

// loaded is what the table has, checked for rows that are there twice and for metadata that contradicts itself.
func (c *crowd) loaded() map[place]string {
	c.t.Helper()
	out := map[place]string{}
	for _, r := range c.rows() {
		sub, ok := r.metadata["subSequenceNumber"].(float64)
		p := place{fmt.Sprint(r.metadata["shardId"]), fmt.Sprint(r.metadata["sequenceNumber"]), int(sub)}
		if _, twice := out[p]; twice || !ok {
			c.t.Fatalf("row %v of %v: twice, or without a subsequence number", r.metadata, p)
		}
		if want := fmt.Sprintf("%s%020d", p.sequence, p.sub); r.metadata["shardedSequenceNumber"] != want {
			c.t.Errorf("row of %v has shardedSequenceNumber %v, want %s", p, r.metadata["shardedSequenceNumber"], want)
		}
		if _, is := r.metadata["row"]; is {
			c.t.Errorf("row of %v counts rows of its record: %v", p, r.metadata)
		}
		out[p] = r.id + " " + fmt.Sprint(r.metadata["partitionKey"])
	}
	return out
}

// account checks that the table has exactly the rows of these records.
func (c *crowd) account(want map[place]string) {
	c.t.Helper()
	got := c.loaded()
	for p, w := range want {
		if got[p] != w {
			c.t.Fatalf("user record %v is %q in the table, want %q (%d rows, want %d)", p, got[p], w, len(got), len(want))
		}
	}
	if len(got) != len(want) {
		c.t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}
