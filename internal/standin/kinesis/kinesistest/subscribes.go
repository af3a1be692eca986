package kinesistest

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func subscribeRules() []Rule {
	return []Rule{
		// AWS API reference, StartingPosition: where each of the four types without a time begins.
		{"subscriptions begin where they say", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			two := *e.put(t, name, "k", "two").SequenceNumber
			e.put(t, name, "k", "three")
			start := *e.shards(t, name)[0].SequenceNumberRange.StartingSequenceNumber
			cases := []struct {
				kind types.ShardIteratorType
				at   any
				want string
			}{
				{types.ShardIteratorTypeTrimHorizon, nil, "one two three four"},
				{types.ShardIteratorTypeLatest, nil, "four"},
				{types.ShardIteratorTypeAtSequenceNumber, two, "two three four"},
				{types.ShardIteratorTypeAfterSequenceNumber, two, "three four"},
				{types.ShardIteratorTypeAtSequenceNumber, start, "one two three four"},
			}
			var open []*subscription
			for _, c := range cases {
				s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, c.kind, c.at)
				defer s.close()
				open = append(open, s)
			}
			e.put(t, name, "k", "four")
			for i, c := range cases {
				data, _ := open[i].take(t, strings.Count(c.want, " ")+1)
				equal(t, "data from "+string(c.kind), strings.Join(data, " "), c.want)
			}
		}},
		// AWS API reference, StartingPosition, Timestamp: the next later record where none has that exact time, the trim
		// horizon where it is older than that.
		{"a subscription AT_TIMESTAMP begins at the first record not before", FanOut | Clock, func(t T, e *Env) {
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
				s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, types.ShardIteratorTypeAtTimestamp, c.at)
				defer s.close()
				data, _ := s.take(t, strings.Count(c.want, " ")+1)
				equal(t, "data", strings.Join(data, " "), c.want)
			}
			_, err := e.try(t, *e.consumer(t, name).ConsumerARN, firstShard, types.ShardIteratorTypeAtTimestamp, e.Now().Add(time.Hour))
			refused(t, err, invalidArgument)
		}},
		// AWS API reference, SubscribeToShard and StartingPosition: SequenceNumber goes with the two types of sequence
		// number, and is the shard's.
		{"starting positions are checked", FanOut, func(t T, e *Env) {
			name := e.stream(t, 2)
			seq := *e.put(t, name, "b", "d").SequenceNumber // in the second shard, as its MD5 says
			arn := *e.consumer(t, name).ConsumerARN
			for _, c := range []struct {
				kind types.ShardIteratorType
				at   any
			}{
				{types.ShardIteratorTypeAtSequenceNumber, nil}, {types.ShardIteratorTypeAfterSequenceNumber, nil}, {types.ShardIteratorTypeAtTimestamp, nil},
				{types.ShardIteratorTypeAfterSequenceNumber, seq}, {types.ShardIteratorTypeAtSequenceNumber, "5"}, {types.ShardIteratorTypeAtSequenceNumber, "ABC"},
				{types.ShardIteratorTypeLatest, seq}, {"SOMEWHERE", nil},
			} {
				s, err := e.try(t, arn, firstShard, c.kind, c.at)
				if err == nil {
					s.close()
				}
				refused(t, err, invalidArgument, validation)
			}
			_, err := e.try(t, arn, "shardId-000000000007", types.ShardIteratorTypeLatest, nil)
			refused(t, err, notFound)
		}},
		// AWS API reference, Consumer: "A consumer can't read data while in the CREATING or DELETING states". Observed
		// (awslabs/kinesis-hot-shard-advisor #37): ResourceInUseException.
		{"a consumer that is CREATING cannot subscribe", FanOut | SlowConsumers | Clock, func(t T, e *Env) {
			c := e.register(t, e.stream(t, 1))
			_, err := e.try(t, *c.ConsumerARN, firstShard, types.ShardIteratorTypeLatest, nil)
			refused(t, err, inUse)
			e.ready(t, *c.ConsumerARN)
			e.subscribe(t, *c.ConsumerARN, firstShard, types.ShardIteratorTypeLatest, nil).close()
		}},
		// AWS API reference, SubscribeToShard: one call a second, consumer and shard.
		{"one SubscribeToShard a second", FanOut | ControlLimits | Clock, func(t T, e *Env) {
			name := e.stream(t, 2)
			c, other := *e.consumer(t, name).ConsumerARN, *e.consumer(t, name).ConsumerARN
			latest := types.ShardIteratorTypeLatest
			e.subscribe(t, c, firstShard, latest, nil).close()
			e.Advance(900 * time.Millisecond)
			_, err := e.try(t, c, firstShard, latest, nil)
			refused(t, err, limitExceeded)
			e.subscribe(t, c, "shardId-000000000001", latest, nil).close()
			e.subscribe(t, other, firstShard, latest, nil).close()
		}},
		// AWS API reference, SubscribeToShard: within 5 seconds of a successful call ResourceInUseException; after them the
		// call "takes over the subscription and the previous connection expires or fails with a ResourceInUseException".
		{"a subscription is taken over after 5 seconds", FanOut | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			arn := *e.consumer(t, name).ConsumerARN
			latest := types.ShardIteratorTypeLatest
			old := e.subscribe(t, arn, firstShard, latest, nil)
			defer old.close()
			e.Advance(4900 * time.Millisecond)
			_, err := e.try(t, arn, firstShard, latest, nil)
			refused(t, err, inUse)
			e.put(t, name, "k", "one") // the refused call has done no harm
			data, _ := old.take(t, 1)
			equal(t, "data", data[0], "one")
			e.Advance(1100 * time.Millisecond)
			fresh := e.subscribe(t, arn, firstShard, latest, nil)
			defer fresh.close()
			if err := old.ended(t); err != nil {
				refused(t, err, inUse)
			}
			e.put(t, name, "k", "two")
			data, _ = fresh.take(t, 1)
			equal(t, "data", data[0], "two")
		}},
		// AWS API reference, SubscribeToShard: the 5 seconds count from the call, whatever became of its connection.
		{"a client that went away keeps its 5 seconds", FanOut | Clock, func(t T, e *Env) {
			arn := *e.consumer(t, e.stream(t, 1)).ConsumerARN
			latest := types.ShardIteratorTypeLatest
			e.subscribe(t, arn, firstShard, latest, nil).close()
			e.Advance(4 * time.Second)
			_, err := e.try(t, arn, firstShard, latest, nil)
			refused(t, err, inUse)
			e.Advance(time.Second)
			e.subscribe(t, arn, firstShard, latest, nil).close()
		}},
		// Developer guide, enhanced fan-out: each consumer gets every record, with a throughput of its own.
		{"consumers do not share", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			a := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			defer a.close()
			b := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			defer b.close()
			e.put(t, name, "k", "one")
			e.put(t, name, "k", "two")
			for _, s := range []*subscription{a, b} {
				data, _ := s.take(t, 2)
				equal(t, "data", strings.Join(data, " "), "one two")
			}
		}},
		// AWS API reference, SubscribeToShardEventStream: its exceptions. That a subscription does not outlive its
		// consumer follows from Consumer: it "can't read data while in the ... DELETING" state.
		{"deregistering ends subscriptions", FanOut | Clock, func(t T, e *Env) {
			c := e.consumer(t, e.stream(t, 1))
			s := e.subscribe(t, *c.ConsumerARN, firstShard, types.ShardIteratorTypeLatest, nil)
			defer s.close()
			e.deregister(t, c)
			refused(t, s.ended(t), notFound, inUse)
		}},
		// AWS API reference, Record: what an event's records hold.
		{"events hold whole records", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			put := e.put(t, name, "a key", "the data")
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, types.ShardIteratorTypeTrimHorizon, nil)
			defer s.close()
			r := s.next(t).Records[0]
			equal(t, "SequenceNumber", *r.SequenceNumber, *put.SequenceNumber)
			equal(t, "PartitionKey", *r.PartitionKey, "a key")
			equal(t, "Data", string(r.Data), "the data")
			if age := e.Now().Sub(aws.ToTime(r.ApproximateArrivalTimestamp)).Abs(); age > time.Minute {
				t.Fatalf("ApproximateArrivalTimestamp is %v away", age)
			}
		}},
	}
}
