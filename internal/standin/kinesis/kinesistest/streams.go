package kinesistest

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func streamRules() []Rule {
	return []Rule{
		// AWS API reference, DescribeStreamSummary and CreateStream: defaults of a new stream.
		{"summary of a new stream", LargeRecords, func(t T, e *Env) {
			s := e.summary(t, e.stream(t, 3))
			equal(t, "OpenShardCount", *s.OpenShardCount, 3)
			equal(t, "RetentionPeriodHours", *s.RetentionPeriodHours, 24)
			equal(t, "EncryptionType", s.EncryptionType, types.EncryptionTypeNone)
			equal(t, "StreamMode", s.StreamModeDetails.StreamMode, types.StreamModeProvisioned)
			equal(t, "MaxRecordSizeInKiB", aws.ToInt32(s.MaxRecordSizeInKiB), 1024)
			if d := e.Now().Sub(*s.StreamCreationTimestamp); d < -time.Second || d > time.Minute {
				t.Fatalf("StreamCreationTimestamp is %v ago", d)
			}
		}},
		// AWS API reference, CreateStream: ResourceInUseException.
		{"a name is taken once", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			_, err := e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
			refused(t, err, inUse)
		}},
		// AWS API reference, CreateStream: StreamName has the pattern [a-zA-Z0-9_.-]+ and 1 to 128 characters.
		{"names have a pattern", 0, func(t T, e *Env) {
			for _, name := range []string{"a/b", strings.Repeat("x", 129)} {
				_, err := e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
				refused(t, err, validation)
			}
		}},
		// AWS API reference, all operations: ResourceNotFoundException.
		{"an unknown stream is not found", 0, func(t T, e *Env) {
			name := aws.String("no-such-stream")
			_, err := e.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: name})
			refused(t, err, notFound)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: name})
			refused(t, err, notFound)
			_, err = e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: name, PartitionKey: aws.String("k"), Data: []byte("d")})
			refused(t, err, notFound)
			_, err = e.iterator(t, *name, "shardId-000000000000", types.ShardIteratorTypeLatest, nil)
			refused(t, err, notFound)
		}},
		// AWS API reference, all operations: "you must use either the StreamARN or the StreamName parameter, or both".
		{"a stream goes by its ARN", ARN, func(t T, e *Env) {
			name := e.stream(t, 1)
			arn := e.summary(t, name).StreamARN
			if !regexp.MustCompile(`^arn:aws:kinesis:[a-z0-9-]+:\d{12}:stream/` + name + `$`).MatchString(*arn) {
				t.Fatalf("ARN is %s", *arn)
			}
			out, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: arn, PartitionKey: aws.String("k"), Data: []byte("d")})
			must(t, err)
			_, err = e.ListShards(t.Context(), &kinesis.ListShardsInput{StreamARN: arn, StreamName: &name})
			must(t, err)
			it, err := e.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamARN: arn, ShardId: out.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
			must(t, err)
			got, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{StreamARN: arn, ShardIterator: it.ShardIterator})
			must(t, err)
			equal(t, "number of records", len(got.Records), 1)
		}},
		// AWS API reference, CreateStream: on-demand streams take no shard count. Developer guide, data stream capacity
		// modes: a new on-demand stream has 4 MB/s of writes, that is 4 shards; SplitShard, MergeShards and
		// UpdateShardCount are for provisioned streams only.
		{"on-demand streams manage their shards", OnDemand, func(t T, e *Env) {
			name := aws.String(fmt.Sprintf("suite-on-demand-%d", e.Now().UnixNano()))
			_, err := e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: name, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
			must(t, err)
			e.active(t, *name)
			s := e.summary(t, *name)
			equal(t, "OpenShardCount", *s.OpenShardCount, 4)
			equal(t, "StreamMode", s.StreamModeDetails.StreamMode, types.StreamModeOnDemand)
			_, err = e.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamName: name, TargetShardCount: aws.Int32(8), ScalingType: types.ScalingTypeUniformScaling})
			refused(t, err, validation, invalidArgument)
		}},
		// AWS API reference, IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod: 24 to 8760 hours, each in
		// its own direction only.
		{"retention has bounds and directions", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			more := func(h int32) error {
				_, err := e.IncreaseStreamRetentionPeriod(t.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: &h})
				return err
			}
			less := func(h int32) error {
				_, err := e.DecreaseStreamRetentionPeriod(t.Context(), &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: &h})
				return err
			}
			refused(t, more(8761), invalidArgument, validation)
			must(t, more(48))
			e.active(t, name)
			equal(t, "RetentionPeriodHours", *e.summary(t, name).RetentionPeriodHours, 48)
			refused(t, more(47), invalidArgument)
			refused(t, less(49), invalidArgument)
			refused(t, less(23), invalidArgument, validation)
			must(t, less(24))
		}},
		// AWS API reference, StartStreamEncryption: records put from then on bear EncryptionType KMS.
		{"encryption shows", Encryption, func(t T, e *Env) {
			name := e.stream(t, 1)
			_, err := e.StartStreamEncryption(t.Context(), &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")})
			must(t, err)
			e.active(t, name)
			equal(t, "EncryptionType", e.summary(t, name).EncryptionType, types.EncryptionTypeKms)
			out := e.put(t, name, "k", "d")
			got := e.read(t, e.from(t, name, *out.ShardId, types.ShardIteratorTypeTrimHorizon, nil), 0)
			equal(t, "EncryptionType", got.Records[0].EncryptionType, types.EncryptionTypeKms)
		}},
		// AWS API reference, DeleteStream; iterators are bound to the stream they were made for.
		{"a deleted stream is gone", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			it := e.from(t, name, *e.put(t, name, "k", "d").ShardId, types.ShardIteratorTypeTrimHorizon, nil)
			_, err := e.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &name})
			must(t, err)
			for range 1000 {
				if _, err = e.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name}); err != nil {
					break
				}
				if e.Poll != nil {
					e.Poll()
				}
			}
			refused(t, err, notFound)
			_, err = e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
			refused(t, err, notFound)
		}},
		// AWS API reference, UpdateMaxRecordSize: 1024 to 10240 KiB, else ValidationException.
		{"record size has bounds", LargeRecords, func(t T, e *Env) {
			arn := e.summary(t, e.stream(t, 1)).StreamARN
			for _, n := range []int32{1023, 10241} {
				_, err := e.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: &n})
				refused(t, err, validation)
			}
		}},
	}
}
