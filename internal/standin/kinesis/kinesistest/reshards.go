package kinesistest

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"
)

func serverTime(m middleware.Metadata) (time.Time, bool) { return awsmiddleware.GetServerTime(m) }

const middle = "170141183460469231731687303715884105728" // 2^127

func (e *Env) split(t T, stream, shard, at string) error {
	_, err := e.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: &stream, ShardToSplit: &shard, NewStartingHashKey: &at})
	if err == nil {
		e.active(t, stream)
	}
	return err
}

func (e *Env) merge(t T, stream, a, b string) error {
	_, err := e.MergeShards(t.Context(), &kinesis.MergeShardsInput{StreamName: &stream, ShardToMerge: &a, AdjacentShardToMerge: &b})
	if err == nil {
		e.active(t, stream)
	}
	return err
}

func reshardRules() []Rule {
	return []Rule{
		// Developer guide, resharding: the parent closes, its records stay readable to their end, the children name it
		// and share its range. AWS API reference, GetRecords: NextShardIterator is null and ChildShards given only there.
		{"a split shard ends in its children", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			last := number(t, e.put(t, name, "k", "two").SequenceNumber)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			must(t, e.split(t, name, firstShard, middle))
			out := e.read(t, it, 1)
			if out.NextShardIterator == nil || len(out.ChildShards) != 0 {
				t.Fatalf("a closed shard ends with a record unread")
			}
			data, end := e.drain(t, *out.NextShardIterator)
			equal(t, "data", strings.Join(data, " "), "two")
			if end.NextShardIterator != nil {
				end = e.read(t, *end.NextShardIterator, 0)
			}
			if end.NextShardIterator != nil {
				t.Fatalf("a closed shard does not end")
			}
			equal(t, "children", len(end.ChildShards), 2)
			for i, c := range end.ChildShards {
				equal(t, "child", *c.ShardId, []string{"shardId-000000000001", "shardId-000000000002"}[i])
				equal(t, "its parents", strings.Join(c.ParentShards, " "), firstShard)
				equal(t, "its start", *c.HashKeyRange.StartingHashKey, []string{"0", middle}[i])
			}
			shards := e.shards(t, name)
			equal(t, "shards", len(shards), 3)
			if number(t, shards[0].SequenceNumberRange.EndingSequenceNumber).Cmp(last) < 0 {
				t.Fatalf("the parent's EndingSequenceNumber is before its last record")
			}
			for _, c := range shards[1:] {
				equal(t, "ParentShardId", aws.ToString(c.ParentShardId), firstShard)
				if c.AdjacentParentShardId != nil || c.SequenceNumberRange.EndingSequenceNumber != nil {
					t.Fatalf("child of a split is %+v", c)
				}
				if number(t, c.SequenceNumberRange.StartingSequenceNumber).Cmp(number(t, shards[0].SequenceNumberRange.EndingSequenceNumber)) <= 0 {
					t.Fatalf("child %s starts at or before its parent's end", *c.ShardId)
				}
			}
			// The records that follow are the children's, and later than every one of the parent's.
			out2 := e.put(t, name, "k", "three")
			if *out2.ShardId == firstShard || number(t, out2.SequenceNumber).Cmp(last) <= 0 {
				t.Fatalf("record after a split is in %s at %s", *out2.ShardId, *out2.SequenceNumber)
			}
		}},
		// AWS API reference, GetShardIterator: a closed shard gives a valid iterator. The end comes at once after its last.
		{"a closed shard can be read from anywhere", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			seq := *e.put(t, name, "k", "one").SequenceNumber
			must(t, e.split(t, name, firstShard, middle))
			end := *e.shards(t, name)[0].SequenceNumberRange.EndingSequenceNumber
			for _, it := range []string{
				e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil),
				e.from(t, name, firstShard, types.ShardIteratorTypeAfterSequenceNumber, seq),
				e.from(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, end),
			} {
				out := e.read(t, it, 0)
				equal(t, "records", len(out.Records), 0)
				equal(t, "MillisBehindLatest", aws.ToInt64(out.MillisBehindLatest), 0)
				if out.NextShardIterator != nil || len(out.ChildShards) != 2 {
					t.Fatalf("a closed shard read to its end goes on, or has %d children", len(out.ChildShards))
				}
			}
		}},
		// AWS API reference, SplitShard: the new key must lie inside the range; observed: not its first two keys nor its last.
		{"a split must lie inside the shard", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			for _, at := range []string{"0", "1", "170141183460469231731687303715884105727", middle, maxHash} {
				if e.Advance != nil {
					e.Advance(time.Second)
				}
				refused(t, e.split(t, name, firstShard, at), invalidArgument)
			}
			refused(t, e.split(t, name, "shardId-000000000009", middle), notFound)
			must(t, e.split(t, name, firstShard, "2"))
		}},
		// AWS API reference, MergeShards: two adjacent open shards become one child that names both.
		{"a merged shard names both parents", 0, func(t T, e *Env) {
			name := e.stream(t, 3)
			refused(t, e.merge(t, name, firstShard, "shardId-000000000002"), invalidArgument)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			must(t, e.merge(t, name, firstShard, "shardId-000000000001"))
			child := e.shards(t, name)[3]
			equal(t, "ParentShardId", aws.ToString(child.ParentShardId), firstShard)
			equal(t, "AdjacentParentShardId", aws.ToString(child.AdjacentParentShardId), "shardId-000000000001")
			equal(t, "StartingHashKey", *child.HashKeyRange.StartingHashKey, "0")
			_, end := e.drain(t, it)
			if end.NextShardIterator != nil || len(end.ChildShards) != 1 {
				t.Fatalf("a merged shard goes on, or has %d children", len(end.ChildShards))
			}
			equal(t, "its parents", strings.Join(end.ChildShards[0].ParentShards, " "), firstShard+" shardId-000000000001")
		}},
		// AWS API reference, UpdateShardCount: uniform scaling; at most twice, at least half the open shards.
		{"uniform scaling", Scaling, func(t T, e *Env) {
			name := e.stream(t, 2)
			scale := func(n int32) error {
				_, err := e.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling})
				return err
			}
			refused(t, scale(5), limitExceeded, invalidArgument, validation)
			for _, n := range []int32{4, 3, 2} {
				must(t, scale(n))
				e.active(t, name)
				equal(t, "OpenShardCount", *e.summary(t, name).OpenShardCount, n)
			}
			must(t, scale(4))
			e.active(t, name)
			refused(t, scale(1), limitExceeded, invalidArgument, validation)
		}},
		// AWS API reference, UpdateShardCount: not more than ten times per rolling 24 hours.
		{"ten scalings a day", Scaling | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			scale := func(n int32) error {
				_, err := e.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling})
				e.Advance(time.Minute)
				return err
			}
			for i := range int32(10) {
				must(t, scale(2-i%2))
			}
			refused(t, scale(2), limitExceeded)
			e.Advance(24 * time.Hour)
			must(t, scale(2))
		}},
		// Developer guide, after a reshard: a closed shard expires once its retention period has passed, and is then
		// neither listed nor readable.
		{"closed shards expire", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			must(t, e.split(t, name, firstShard, middle))
			e.Advance(23 * time.Hour)
			equal(t, "shards", len(e.shards(t, name)), 3)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			_, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
			must(t, err)
			e.Advance(time.Hour + time.Minute)
			equal(t, "shards", len(e.shards(t, name)), 2)
			_, err = e.iterator(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			refused(t, err, notFound)
		}},
	}
}
