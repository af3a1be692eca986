package produce

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// aggregateBytes is the payload of an aggregate, by the KPL's default for AggregationMaxSize. A larger record is put alone.
const aggregateBytes = 51_200

// Shard is an open shard with its hash keys, in decimal.
type Shard struct{ First, Last string }

// Aggregating packs a share of the records into KPL aggregates before another Putter puts them.
type Aggregating struct {
	Putter
	Percent int // of the records
	// Shards are the stream's, as they were when the producer looked. Each aggregate holds records of one shard, as the KPL
	// has it; where the stream was resharded since, some lie outside of the shard that the aggregate goes to.
	Shards []Shard

	put int // so far
}

// Put implements [Putter].
func (a *Aggregating) Put(ctx context.Context, stream string, records []Record) error {
	packed, err := a.pack(records)
	if err != nil {
		return err
	}
	return a.Putter.Put(ctx, stream, packed)
}

// pack keeps the records of each shard in order. Of each hundred records the first Percent are aggregated, so that aggregates
// are of some size.
func (a *Aggregating) pack(records []Record) (out []Record, err error) {
	ranges := make([]kpl.Range, len(a.Shards))
	for i, s := range a.Shards {
		if ranges[i], err = kpl.ParseRange(s.First, s.Last); err != nil {
			return nil, err
		}
	}
	open := make([][]kpltest.Record, len(a.Shards))
	size := make([]int, len(a.Shards))
	flush := func(i int) {
		if len(open[i]) > 0 {
			out = append(out, Record{PartitionKey: "a", ExplicitHashKey: a.Shards[i].First, Data: kpltest.Aggregate(open[i]...)})
		}
		open[i], size[i] = nil, 0
	}
	for _, r := range records {
		i := shardOf(ranges, r.PartitionKey)
		aggregated := a.put%100 < a.Percent && len(r.Data) <= aggregateBytes && i >= 0
		a.put++
		if i >= 0 && (!aggregated || size[i]+len(r.Data) > aggregateBytes) {
			flush(i)
		}
		if !aggregated {
			out = append(out, r)
			continue
		}
		open[i] = append(open[i], kpltest.Record{PartitionKey: r.PartitionKey, Data: r.Data})
		size[i] += len(r.Data)
	}
	for i := range open {
		flush(i)
	}
	return out, nil
}

func shardOf(ranges []kpl.Range, partitionKey string) int {
	hash := kpl.HashOf([]byte(partitionKey))
	for i, r := range ranges {
		if r.Holds(hash) {
			return i
		}
	}
	return -1
}

// Shards lists the open shards of a stream.
func (r Remote) Shards(ctx context.Context, stream string) (list []Shard, err error) {
	for in := (&sdk.ListShardsInput{StreamName: &stream}); in != nil; {
		out, err := r.Client.ListShards(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list shards of %s: %w", stream, err)
		}
		for _, s := range out.Shards {
			if s.SequenceNumberRange.EndingSequenceNumber == nil {
				list = append(list, Shard{*s.HashKeyRange.StartingHashKey, *s.HashKeyRange.EndingHashKey})
			}
		}
		if in = nil; out.NextToken != nil {
			in = &sdk.ListShardsInput{NextToken: out.NextToken}
		}
	}
	return list, nil
}

// Shards lists the open shards of a stream.
func (l Local) Shards(stream string) (list []Shard) {
	for _, s := range l.Server.Shards(stream) {
		if s.Open {
			list = append(list, Shard{s.Start, s.End})
		}
	}
	return list
}
