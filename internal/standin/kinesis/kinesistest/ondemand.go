package kinesistest

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// mode changes a stream's mode and waits for the change to be over.
func (e *Env) mode(t T, stream string, mode types.StreamMode) error {
	t.Helper()
	_, err := e.UpdateStreamMode(t.Context(), &kinesis.UpdateStreamModeInput{StreamARN: e.summary(t, stream).StreamARN, StreamModeDetails: &types.StreamModeDetails{StreamMode: mode}})
	if err == nil {
		e.active(t, stream)
	}
	return err
}

// onDemand creates an on-demand stream with a strategy.
func (e *Env) onDemand(t T, strategy types.RecordDistributionStrategy) string {
	t.Helper()
	e.streams++
	name := fmt.Sprintf("suite-on-demand-%d-%d", e.Now().UnixNano(), e.streams)
	_, err := e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, RecordDistributionStrategy: strategy,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
	must(t, err)
	e.active(t, name)
	return name
}

func onDemandRules() []Rule {
	return []Rule{
		// AWS API reference, UpdateStreamMode: the mode of a stream changes, its shards and records stay. SplitShard and
		// MergeShards: ValidationException in on-demand mode.
		{"a stream's mode changes", OnDemand, func(t T, e *Env) {
			name := e.stream(t, 2)
			e.put(t, name, "k", "one")
			must(t, e.mode(t, name, types.StreamModeOnDemand))
			s := e.summary(t, name)
			equal(t, "StreamMode", s.StreamModeDetails.StreamMode, types.StreamModeOnDemand)
			equal(t, "OpenShardCount", *s.OpenShardCount, 2)
			refused(t, e.split(t, name, firstShard, "85070591730234615865843651857942052864"), validation, invalidArgument)
			refused(t, e.merge(t, name, firstShard, "shardId-000000000001"), validation, invalidArgument)
			must(t, e.mode(t, name, types.StreamModeProvisioned))
			must(t, e.merge(t, name, firstShard, "shardId-000000000001"))
			equal(t, "StreamMode", e.summary(t, name).StreamModeDetails.StreamMode, types.StreamModeProvisioned)
		}},
		// Developer guide, data stream capacity modes: twice in 24 hours.
		{"two changes of mode a day", OnDemand | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			must(t, e.mode(t, name, types.StreamModeOnDemand))
			must(t, e.mode(t, name, types.StreamModeProvisioned))
			refused(t, e.mode(t, name, types.StreamModeOnDemand), limitExceeded)
			e.Advance(24 * time.Hour)
			must(t, e.mode(t, name, types.StreamModeOnDemand))
		}},
		// AWS API reference, PutRecord and Record: with AUTO the partition key is optional, does not place the record and
		// comes back as it was given, or not at all.
		{"AUTO needs no partition key", OnDemand | Distribution, func(t T, e *Env) {
			name := e.onDemand(t, types.RecordDistributionStrategyAuto)
			equal(t, "RecordDistributionStrategy", e.summary(t, name).RecordDistributionStrategy, types.RecordDistributionStrategyAuto)
			shards, keys := map[string]bool{}, map[string]int{}
			for i := range 40 {
				in := &kinesis.PutRecordInput{StreamName: &name, Data: []byte("d")}
				if i%2 == 0 {
					in.PartitionKey, in.ExplicitHashKey = aws.String("k"), aws.String("0")
				}
				out, err := e.PutRecord(t.Context(), in)
				must(t, err)
				shards[*out.ShardId] = true
			}
			if len(shards) < 2 {
				t.Fatalf("40 records go into %d shards", len(shards))
			}
			for shard := range shards {
				it := e.from(t, name, shard, types.ShardIteratorTypeTrimHorizon, nil)
				for _, r := range e.read(t, it, 0).Records {
					if r.PartitionKey == nil {
						keys["none"]++
					} else {
						keys[*r.PartitionKey]++
					}
				}
			}
			equal(t, "records with their key", keys["k"], 20)
			equal(t, "records without one", keys["none"], 20)
		}},
		// AWS API reference, UpdateStreamRecordDistributionStrategy: at any time, for on-demand streams only.
		{"the distribution strategy changes", OnDemand | Distribution, func(t T, e *Env) {
			name := e.onDemand(t, "")
			equal(t, "RecordDistributionStrategy", e.summary(t, name).RecordDistributionStrategy, types.RecordDistributionStrategyUserPartitionKey)
			put := func() error {
				_, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, Data: []byte("d")})
				return err
			}
			change := func(stream string, to types.RecordDistributionStrategy) error {
				_, err := e.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
					StreamARN: e.summary(t, stream).StreamARN, RecordDistributionStrategy: to})
				return err
			}
			refused(t, put(), validation, invalidArgument)
			must(t, change(name, types.RecordDistributionStrategyAuto))
			must(t, put())
			must(t, change(name, types.RecordDistributionStrategyUserPartitionKey))
			refused(t, put(), validation, invalidArgument)
			refused(t, change(e.stream(t, 1), types.RecordDistributionStrategyAuto), invalidArgument)
		}},
	}
}
