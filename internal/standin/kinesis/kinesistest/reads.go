package kinesistest

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// fill puts n records of the given size by PutRecords, at no more than the write limits allow.
func (e *Env) fill(t T, stream string, n, size int) {
	t.Helper()
	data := []byte(strings.Repeat("x", size))
	step := max(1, min(500, 9<<20/(size+1)))
	for n > 0 {
		entries := make([]types.PutRecordsRequestEntry, min(n, step))
		for i := range entries {
			entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: data}
		}
		if e.Advance != nil {
			e.Advance(time.Second)
		}
		out, err := e.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: &stream, Records: entries})
		must(t, err)
		done := len(entries) - int(*out.FailedRecordCount)
		if done == 0 {
			t.Fatalf("PutRecords stores nothing: %s", aws.ToString(out.Records[0].ErrorMessage))
		}
		n -= done
	}
}

func readRules() []Rule {
	return []Rule{
		// AWS API reference, GetRecords: an empty list is an answer, with an iterator to go on with.
		{"an empty shard answers", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			out := e.read(t, e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil), 0)
			equal(t, "records", len(out.Records), 0)
			equal(t, "MillisBehindLatest", aws.ToInt64(out.MillisBehindLatest), 0)
			if out.NextShardIterator == nil {
				t.Fatalf("an open shard ends")
			}
			if len(out.ChildShards) != 0 {
				t.Fatalf("an open shard has children")
			}
		}},
		// AWS API reference, GetRecords: Limit from 1 to 10,000, more is InvalidArgumentException.
		{"Limit has bounds", 0, func(t T, e *Env) {
			it := e.from(t, e.stream(t, 1), firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			for _, n := range []int32{0, 10_001} {
				_, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it, Limit: &n})
				refused(t, err, invalidArgument, validation)
			}
		}},
		// AWS API reference, GetRecords: at most Limit records, then on from where the answer ended; an iterator used
		// again reads the same.
		{"reading goes on from answer to answer", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			var want []string
			for i := range 7 {
				want = append(want, fmt.Sprint(i))
				e.put(t, name, "k", want[i])
			}
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			again := it
			var got []string
			for range 3 {
				out := e.read(t, it, 3)
				if len(out.Records) > 3 {
					t.Fatalf("an answer with Limit 3 has %d records", len(out.Records))
				}
				for _, r := range out.Records {
					got = append(got, string(r.Data))
				}
				it = *out.NextShardIterator
			}
			equal(t, "data", strings.Join(got, " "), strings.Join(want, " "))
			equal(t, "data of the first iterator again", string(e.read(t, again, 1).Records[0].Data), "0")
		}},
		// AWS API reference, GetRecords, MillisBehindLatest: how far the answer is from the tip, 0 when caught up.
		{"MillisBehindLatest is true", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			e.Advance(30 * time.Second)
			e.put(t, name, "k", "two")
			out := e.read(t, e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil), 1) // a second later
			if n := aws.ToInt64(out.MillisBehindLatest); n < 1000 || n > 31_000 {
				t.Fatalf("MillisBehindLatest is %d after a record of 31 s ago, with one of 1 s ago unread", n)
			}
			out = e.read(t, *out.NextShardIterator, 1)
			equal(t, "MillisBehindLatest", aws.ToInt64(out.MillisBehindLatest), 0)
		}},
		// AWS API reference, GetRecords: at most 10,000 records.
		{"an answer has at most 10,000 records", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.fill(t, name, 10_001, 10)
			out := e.read(t, e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil), 0)
			if n := len(out.Records); n > 10_000 || n == 0 {
				t.Fatalf("an answer has %d records", n)
			}
			if aws.ToInt64(out.MillisBehindLatest) == 0 {
				t.Fatalf("MillisBehindLatest is 0 with a record unread")
			}
		}},
		// AWS API reference, GetRecords: at most 10 MiB of data; then nothing for 5 s.
		{"an answer has at most 10 MiB and costs 5 seconds", Clock | ReadLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.fill(t, name, 24, 500_000)
			e.Advance(10 * time.Second)
			out := e.read(t, e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil), 0)
			equal(t, "records of 500,001 bytes in an answer", len(out.Records), 10<<20/500_001)
			e.Advance(4 * time.Second)
			in := &kinesis.GetRecordsInput{ShardIterator: out.NextShardIterator}
			_, err := e.GetRecords(t.Context(), in)
			refused(t, err, throughput)
			e.Advance(1100 * time.Millisecond)
			out, err = e.GetRecords(t.Context(), in)
			must(t, err)
			equal(t, "records of the next answer", len(out.Records), 24-10<<20/500_001)
		}},
		// Developer guide, retention: records are gone after the retention period, and a longer one does not bring them
		// back; TRIM_HORIZON is the oldest that is left. AT_SEQUENCE_NUMBER of a trimmed record begins there too.
		{"records end with the retention period", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			old := *e.put(t, name, "k", "old").SequenceNumber
			e.Advance(20 * time.Hour)
			e.put(t, name, "k", "new")
			e.Advance(4*time.Hour + time.Minute)
			data, _ := e.drain(t, e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil))
			equal(t, "data", strings.Join(data, " "), "new")
			_, err := e.IncreaseStreamRetentionPeriod(t.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: aws.Int32(48)})
			must(t, err)
			e.active(t, name)
			data, _ = e.drain(t, e.from(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, old))
			equal(t, "data", strings.Join(data, " "), "new")
		}},
		// HTTP semantics as the service follows them: every answer is dated; a client may set its clock by it.
		{"answers are dated", Clock, func(t T, e *Env) {
			out := e.read(t, e.from(t, e.stream(t, 1), firstShard, types.ShardIteratorTypeLatest, nil), 0)
			at, ok := serverTime(out.ResultMetadata)
			if d := e.Now().Sub(at); !ok || d < -time.Second || d > 2*time.Second {
				t.Fatalf("Date header is %v at %v", at, e.Now())
			}
		}},
	}
}
