package kinesistest

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const firstShard = "shardId-000000000000"

func iteratorRules() []Rule {
	return []Rule{
		// AWS API reference, GetShardIterator: where each of the four types without a time begins.
		{"iterators begin where they say", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			two := *e.put(t, name, "k", "two").SequenceNumber
			e.put(t, name, "k", "three")
			start := *e.shards(t, name)[0].SequenceNumberRange.StartingSequenceNumber
			latest := e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil)
			horizon := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			e.put(t, name, "k", "four")
			for _, c := range []struct{ iterator, want string }{
				{horizon, "one two three four"},
				{latest, "four"},
				{e.from(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, two), "two three four"},
				{e.from(t, name, firstShard, types.ShardIteratorTypeAfterSequenceNumber, two), "three four"},
				{e.from(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, start), "one two three four"},
			} {
				data, _ := e.drain(t, c.iterator)
				equal(t, "data", strings.Join(data, " "), c.want)
			}
		}},
		// AWS API reference, GetShardIterator, Timestamp: the next later record where none has that exact time, the trim
		// horizon where it is older than that.
		{"AT_TIMESTAMP begins at the first record not before", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.Advance(time.Second)
			e.put(t, name, "k", "one")
			e.Advance(10 * time.Second)
			at := e.Now().Truncate(time.Millisecond)
			e.put(t, name, "k", "two")
			for _, c := range []struct {
				at   time.Time
				want string
			}{{at.Add(-time.Hour), "one two"}, {at.Add(-5 * time.Second), "two"}, {at, "two"}} {
				data, _ := e.drain(t, e.from(t, name, firstShard, types.ShardIteratorTypeAtTimestamp, c.at))
				equal(t, "data", strings.Join(data, " "), c.want)
			}
			data, _ := e.drain(t, e.from(t, name, firstShard, types.ShardIteratorTypeAtTimestamp, at.Add(time.Second)))
			equal(t, "records after the last", len(data), 0)
		}},
		// AWS API reference, GetShardIterator; observed: a time in the future is InvalidArgumentException.
		{"AT_TIMESTAMP refuses the future", 0, func(t T, e *Env) {
			_, err := e.iterator(t, e.stream(t, 1), firstShard, types.ShardIteratorTypeAtTimestamp, e.Now().Add(time.Hour))
			refused(t, err, invalidArgument)
		}},
		// AWS API reference, GetShardIterator: StartingSequenceNumber goes with the two types of sequence number.
		{"iterator parameters agree", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			seq := *e.put(t, name, "k", "d").SequenceNumber
			_, err := e.iterator(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, nil)
			refused(t, err, invalidArgument)
			_, err = e.iterator(t, name, firstShard, types.ShardIteratorTypeLatest, seq)
			refused(t, err, invalidArgument)
			_, err = e.iterator(t, name, firstShard, "SOMEWHERE", nil)
			refused(t, err, validation, invalidArgument)
		}},
		// Observed on the service, as kinesalite's tests record it: numbers of another shard, or of none, are
		// InvalidArgumentException.
		{"sequence numbers must be the shard's", 0, func(t T, e *Env) {
			name := e.stream(t, 2)
			seq := *e.put(t, name, "b", "d").SequenceNumber
			for _, bad := range []string{seq, "5", "ABC", seq + "0"} {
				_, err := e.iterator(t, name, firstShard, types.ShardIteratorTypeAtSequenceNumber, bad)
				refused(t, err, invalidArgument, validation)
			}
		}},
		// Observed (amazon-kinesis-client #391): a stream made anew under its old name does not know the old numbers.
		{"sequence numbers must be the stream's", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			seq := *e.put(t, name, "k", "d").SequenceNumber
			_, err := e.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &name})
			must(t, err)
			e.Advance(time.Minute)
			_, err = e.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
			must(t, err)
			e.active(t, name)
			for range 3 {
				e.put(t, name, "k", "d")
			}
			_, err = e.iterator(t, name, firstShard, types.ShardIteratorTypeAfterSequenceNumber, seq)
			refused(t, err, invalidArgument)
		}},
		// AWS API reference, GetShardIterator: ResourceNotFoundException.
		{"an unknown shard is not found", 0, func(t T, e *Env) {
			_, err := e.iterator(t, e.stream(t, 1), "shardId-000000000007", types.ShardIteratorTypeLatest, nil)
			refused(t, err, notFound)
		}},
		// AWS API reference, GetRecords: "Invalid ShardIterator." is InvalidArgumentException.
		{"an iterator cannot be made up", 0, func(t T, e *Env) {
			name := e.stream(t, 1)
			raw, err := base64.StdEncoding.DecodeString(e.from(t, name, firstShard, types.ShardIteratorTypeLatest, nil))
			must(t, err)
			raw[len(raw)/2] ^= 1
			for _, it := range []string{"AAAA", base64.StdEncoding.EncodeToString(raw)} {
				_, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
				refused(t, err, invalidArgument)
			}
		}},
		// AWS API reference, GetShardIterator: "A shard iterator expires 5 minutes after it is returned".
		{"iterators expire after 5 minutes", Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			it := e.from(t, name, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			e.Advance(5*time.Minute - time.Second)
			_, err := e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
			must(t, err)
			e.Advance(2 * time.Second)
			_, err = e.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
			refused(t, err, expiredIterator)
		}},
	}
}
