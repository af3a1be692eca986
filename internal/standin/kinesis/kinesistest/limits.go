package kinesistest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func limitRules() []Rule {
	return []Rule{
		// AWS API reference, GetRecords: five calls a second and shard; another shard has its own five.
		{"five GetRecords a second", Clock | ReadLimits, func(t T, e *Env) {
			name := e.stream(t, 2)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil)
			other := e.from(t, name, "shardId-000000000001", types.ShardIteratorTypeLatest, nil)
			get := func(it string) error {
				_, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
				return err
			}
			for range 5 {
				must(t, get(it))
			}
			refused(t, get(it), throughput)
			must(t, get(other))
			e.Advance(time.Second)
			must(t, get(it))
		}},
		// AWS API reference, GetShardIterator: five calls a second and shard.
		{"five GetShardIterator a second", Clock | ReadLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			for range 5 {
				e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil)
			}
			_, err := e.iterator(t, name, firstShard, types.ShardIteratorTypeLatest, nil)
			refused(t, err, throughput)
			e.Advance(time.Second)
			e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil)
		}},
		// AWS API reference, GetRecords: 2 MiB/s and shard; calls beyond it throw.
		{"2 MiB a second of reads", Clock | ReadLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.fill(t, name, 4, 1_000_000)
			e.Advance(10 * time.Second)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			get := func() error {
				out, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it, Limit: aws.Int32(1)})
				if err == nil {
					it = *out.NextShardIterator
				}
				return err
			}
			must(t, get())
			must(t, get())
			must(t, get()) // 2 MiB are 97 kB more than two of the records
			refused(t, get(), throughput)
			e.Advance(time.Second)
			must(t, get())
		}},
		// AWS API reference, PutRecord and PutRecords: 1,000 records a second and shard. PutRecords stores what it can
		// and names the error of each record that it cannot.
		{"1,000 records a second of writes", Clock | WriteLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			entries := make([]types.PutRecordsRequestEntry, 400)
			for i := range entries {
				entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte("d")}
			}
			for i := range 3 {
				out, err := e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &name, Records: entries})
				must(t, err)
				equal(t, "FailedRecordCount", *out.FailedRecordCount, []int32{0, 0, 200}[i])
				if i == 2 {
					r := out.Records[399]
					equal(t, "ErrorCode", aws.ToString(r.ErrorCode), throughput)
					if r.SequenceNumber != nil || aws.ToString(r.ErrorMessage) == "" {
						t.Fatalf("a record that failed has result %+v", r)
					}
				}
			}
			_, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: []byte("d")})
			refused(t, err, throughput)
			e.Advance(time.Second)
			e.put(t, name, "k", "d")
		}},
		// Developer guide, quotas: 1 MiB/s and shard, partition keys included.
		{"1 MiB a second of writes", Clock | WriteLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			put := func(n int) error {
				_, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: make([]byte, n)})
				return err
			}
			must(t, put(600_000))
			refused(t, put(600_000), throughput)
			must(t, put(400_000))
			e.Advance(time.Second)
			must(t, put(1<<20-1))
		}},
		// AWS API reference, DescribeStreamSummary: 20 calls a second and account, else LimitExceededException.
		{"20 DescribeStreamSummary a second", Clock | ControlLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.Advance(time.Second)
			for range 20 {
				e.summary(t, name)
			}
			_, err := e.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			refused(t, err, limitExceeded)
		}},
	}
}
