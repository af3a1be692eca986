package kinesistest

import (
	"math/big"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const maxHash = "340282366920938463463374607431768211455" // 2^128-1

func number(t T, digits *string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(aws.ToString(digits), 10)
	if !ok {
		t.Fatalf("%q is not a decimal number", aws.ToString(digits))
	}
	return n
}

func putRules() []Rule {
	return []Rule{
		// AWS API reference, PutRecord: MD5 of the partition key maps to the shard's hash key range. The MD5 of "a" is
		// 0cc1..., of "b" 92eb..., of "c" 4a8a..., of "d" 8277...
		{"partition keys are placed by MD5", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			for key, shard := range map[string]string{"a": "shardId-000000000000", "b": "shardId-000000000001", "c": "shardId-000000000000", "d": "shardId-000000000001"} {
				equal(t, "shard of key "+key, *e.put(t, name, key, "x").ShardId, shard)
			}
		}},
		// AWS API reference, PutRecord: ExplicitHashKey overrides the partition key; pattern 0|([1-9]\d{0,38}).
		{"explicit hash keys override", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			put := func(hash string) (*kinesis.PutRecordOutput, error) {
				return e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("a"), ExplicitHashKey: &hash, Data: []byte("d")})
			}
			for hash, shard := range map[string]string{
				"0": "shardId-000000000000", maxHash: "shardId-000000000001",
				"170141183460469231731687303715884105727": "shardId-000000000000",
				"170141183460469231731687303715884105728": "shardId-000000000001",
			} {
				out, err := put(hash)
				must(t, err)
				equal(t, "shard of hash "+hash, *out.ShardId, shard)
			}
			_, err := put("340282366920938463463374607431768211456")
			refused(t, err, invalidArgument)
			_, err = put("01")
			refused(t, err, validation)
		}},
		// AWS API reference, PutRecord: sequence numbers increase; observed: 56 digits, whose bits 184..187 are 2 and
		// whose bits 4..35 are the shard's number (amazon-kinesis-client, SequenceNumberValidator).
		{"sequence numbers grow and name their shard", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			last := new(big.Int)
			for range 20 {
				out := e.put(t, name, "b", "x")
				n := number(t, out.SequenceNumber)
				if n.Cmp(last) <= 0 {
					t.Fatalf("sequence number %v follows %v", n, last)
				}
				last = n
				equal(t, "digits", len(*out.SequenceNumber), 56)
				equal(t, "version", new(big.Int).Rsh(n, 184).Int64(), 2)
				equal(t, "shard number", uint32(new(big.Int).Rsh(n, 4).Uint64()), 1)
			}
		}},
		// AWS API reference, PutRecords: at most 500 records, at least one.
		{"at most 500 entries", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			entries := make([]types.PutRecordsRequestEntry, 501)
			for i := range entries {
				entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte("d")}
			}
			_, err := e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &name, Records: entries})
			refused(t, err, validation)
			_, err = e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &name, Records: []types.PutRecordsRequestEntry{}})
			refused(t, err, validation)
			out, err := e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &name, Records: entries[:500]})
			must(t, err)
			equal(t, "FailedRecordCount", *out.FailedRecordCount, 0)
			equal(t, "results", len(out.Records), 500)
			for _, r := range out.Records {
				if r.ShardId == nil || r.SequenceNumber == nil || r.ErrorCode != nil {
					t.Fatalf("a stored record's result lacks its place: %+v", r)
				}
			}
		}},
		// AWS API reference, PutRecord: a partition key has 1 to 256 Unicode characters.
		{"partition keys have 1 to 256 characters", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, strings.Repeat("ü", 256), "x")
			for _, key := range []string{"", strings.Repeat("ü", 257)} {
				_, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &key, Data: []byte("x")})
				refused(t, err, validation)
			}
		}},
		// Developer guide, large records: 1 MiB by default, partition key included; up to the stream's MaxRecordSizeInKiB.
		// Which of the two exceptions names an excess of less than 10 MiB is not documented.
		{"record size counts the partition key", LargeRecords | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			put := func(size int) error {
				e.Advance(20e9)
				_, err := e.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("key"), Data: make([]byte, size)})
				return err
			}
			must(t, put(1<<20-3))
			refused(t, put(1<<20-2), validation, invalidArgument)
			_, err := e.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: e.summary(t, name).StreamARN, MaxRecordSizeInKiB: aws.Int32(10240)})
			must(t, err)
			e.active(t, name)
			must(t, put(10<<20-3))
			refused(t, put(10<<20-2), validation, invalidArgument)
		}},
		// AWS API reference, PutRecords: "up to a limit of 10 MiB for the entire request, including partition keys".
		{"a request has at most 10 MiB", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			entries := make([]types.PutRecordsRequestEntry, 11)
			for i := range entries {
				entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: make([]byte, 1<<20-1)}
			}
			_, err := e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &name, Records: entries})
			refused(t, err, invalidArgument, validation)
		}},
		// AWS API reference, Record: data is opaque and comes back unchanged, with its key and its arrival.
		{"records come back as they were put", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			for _, data := range []string{"", "\x00\xff\xfe", `{"a":"é"}`, strings.Repeat("z", 100_000)} {
				for _, key := range []string{"plain", "é \"\\\u0001\u2028"} {
					out := e.put(t, name, key, data)
					got := e.read(t, e.from(t, name, *out.ShardId, types.ShardIteratorTypeAtSequenceNumber, *out.SequenceNumber), 1)
					equal(t, "records", len(got.Records), 1)
					r := got.Records[0]
					equal(t, "Data", string(r.Data), data)
					equal(t, "PartitionKey", *r.PartitionKey, key)
					equal(t, "SequenceNumber", *r.SequenceNumber, *out.SequenceNumber)
					if d := e.Now().Sub(*r.ApproximateArrivalTimestamp).Minutes(); d < -1 || d > 1 {
						t.Fatalf("ApproximateArrivalTimestamp is %v minutes ago", d)
					}
					if e.Advance != nil {
						e.Advance(1e9)
					}
				}
			}
		}},
	}
}
