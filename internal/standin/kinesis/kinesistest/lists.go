package kinesistest

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// ids is the listed shards' numbers, without their leading zeros.
func ids(shards []types.Shard) string {
	var out []string
	for _, s := range shards {
		out = append(out, strings.TrimPrefix(*s.ShardId, "shardId-00000000000"))
	}
	return strings.Join(out, " ")
}

func listRules() []Rule {
	return []Rule{
		// AWS API reference, ListShards: hash ranges of the open shards tile [0, 2^128-1].
		{"open shards tile the hash range", 0, func(t T, e *Env) {
			want := "0"
			for _, s := range e.shards(t, e.stream(t, 7)) {
				equal(t, "StartingHashKey of "+*s.ShardId, *s.HashKeyRange.StartingHashKey, want)
				end := number(t, s.HashKeyRange.EndingHashKey)
				want = end.Add(end, number(t, aws.String("1"))).String()
			}
			equal(t, "the key after the last shard's", want, "340282366920938463463374607431768211456")
		}},
		// AWS API reference, ListShards: one of StreamName, StreamARN and NextToken, and NextToken alone.
		{"a list is of a stream or goes on", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			_, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{})
			refused(t, err, invalidArgument, validation)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, NextToken: aws.String("AAAA")})
			refused(t, err, invalidArgument)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: aws.String("AAAA")})
			refused(t, err, invalidArgument, expiredToken)
		}},
		// AWS API reference, ListShards: MaxResults, NextToken and ExclusiveStartShardId.
		{"lists come in pages", ShardFilters, func(t T, e *Env) {
			name := e.stream(t, 5)
			in := &kinesis.ListShardsInput{StreamName: &name, MaxResults: aws.Int32(2)}
			var pages []string
			for {
				out, err := e.ListShards(t.Context(), in)
				must(t, err)
				pages = append(pages, ids(out.Shards))
				if out.NextToken == nil {
					break
				}
				in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(2)}
			}
			equal(t, "pages", strings.Join(pages, " | "), "0 1 | 2 3 | 4")
			out, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, ExclusiveStartShardId: aws.String("shardId-000000000002")})
			must(t, err)
			equal(t, "shards after 2", ids(out.Shards), "3 4")
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, MaxResults: aws.Int32(0)})
			refused(t, err, validation, invalidArgument)
		}},
		// AWS API reference, ListShards: "Tokens expire after 300 seconds", ExpiredNextTokenException.
		{"list tokens expire", ShardFilters | Clock, func(t T, e *Env) {
			name := e.stream(t, 3)
			out, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, MaxResults: aws.Int32(1)})
			must(t, err)
			e.Advance(299 * time.Second)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: out.NextToken})
			must(t, err)
			e.Advance(2 * time.Second)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: out.NextToken})
			refused(t, err, expiredToken)
		}},
		// AWS API reference, ShardFilter: what each type lists.
		{"filters", ShardFilters | Clock, func(t T, e *Env) {
			name := e.stream(t, 2)
			list := func(f types.ShardFilter) string {
				t.Helper()
				out, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, ShardFilter: &f})
				must(t, err)
				return ids(out.Shards)
			}
			born := e.Now()
			e.Advance(time.Hour)
			must(t, e.split(t, name, firstShard, "1000")) // 2, 3
			e.Advance(time.Hour)
			between := e.Now()
			e.Advance(time.Hour)
			must(t, e.merge(t, name, "shardId-000000000002", "shardId-000000000003")) // 4
			e.Advance(time.Hour)

			equal(t, "FROM_TRIM_HORIZON", list(types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}), "0 1 2 3 4")
			equal(t, "AT_TRIM_HORIZON", list(types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}), "0 1")
			equal(t, "AT_LATEST", list(types.ShardFilter{Type: types.ShardFilterTypeAtLatest}), "1 4")
			equal(t, "AT_TIMESTAMP", list(types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &between}), "1 2 3")
			equal(t, "FROM_TIMESTAMP", list(types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &between}), "1 2 3 4")
			old := born.Add(-1000 * time.Hour)
			equal(t, "FROM_TIMESTAMP before the horizon", list(types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &old}), "0 1 2 3 4")
			equal(t, "AFTER_SHARD_ID", list(types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: aws.String("shardId-000000000001")}), "2 3 4")

			// 24 h after the stream's beginning the horizon moves: past the split, then past the merge.
			e.Advance(22 * time.Hour) // 26 h: horizon between split and merge
			equal(t, "AT_TRIM_HORIZON after the split's day", list(types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}), "1 2 3")
			equal(t, "FROM_TRIM_HORIZON after the split's day", list(types.ShardFilter{Type: types.ShardFilterTypeFromTrimHorizon}), "1 2 3 4")
			e.Advance(2 * time.Hour)
			equal(t, "AT_TRIM_HORIZON after the merge's day", list(types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}), "1 4")
		}},
		// AWS API reference, ShardFilter: what each type must be given.
		{"filters have their parameters", ShardFilters, func(t T, e *Env) {
			name := e.stream(t, 1)
			for _, f := range []types.ShardFilter{
				{Type: types.ShardFilterTypeAfterShardId}, {Type: types.ShardFilterTypeAtTimestamp}, {Type: types.ShardFilterTypeFromTimestamp},
				{Type: "SOME"},
			} {
				_, err := e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &name, ShardFilter: &f})
				refused(t, err, invalidArgument, validation)
			}
		}},
	}
}
