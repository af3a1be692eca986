package kinesistest

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func eventRules() []Rule {
	horizon, after := types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeAfterSequenceNumber
	return []Rule{
		// AWS API reference, SubscribeToShardEvent: ContinuationSequenceNumber is the SequenceNumber of the next call.
		{"a subscription goes on from its last event", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			_, last := s.take(t, 1)
			seq := number(t, last.ContinuationSequenceNumber)
			if seq.Cmp(number(t, last.Records[len(last.Records)-1].SequenceNumber)) < 0 {
				t.Fatalf("ContinuationSequenceNumber %v is before the last record's", seq)
			}
			two := number(t, e.put(t, name, "k", "two").SequenceNumber)
			if two.Cmp(seq) <= 0 {
				t.Fatalf("a record put later has number %v, not after ContinuationSequenceNumber %v", two, seq)
			}
			again := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, after, *last.ContinuationSequenceNumber)
			defer again.close()
			data, _ := again.take(t, 1)
			equal(t, "data", data[0], "two")
		}},
		// AWS API reference, SubscribeToShardEvent: MillisBehindLatest, 0 when caught up.
		{"MillisBehindLatest of events is true", FanOut | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.fill(t, name, 3, 1_000_000)
			e.Advance(10 * time.Second)
			e.put(t, name, "k", "last")
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			first, n := s.next(t), 0
			if aws.ToInt64(first.MillisBehindLatest) < 10_000 || len(first.Records) == 4 {
				t.Fatalf("with %d of 4 records an event is %d ms behind", len(first.Records), aws.ToInt64(first.MillisBehindLatest))
			}
			last := first
			for n = len(first.Records); n < 4; n += len(last.Records) {
				e.Advance(time.Second)
				last = s.next(t)
			}
			equal(t, "MillisBehindLatest at the tip", aws.ToInt64(last.MillisBehindLatest), 0)
		}},
		// Observed (aws/aws-sdk-ruby #2779): an event about every 5 seconds where nothing is put. AWS API reference,
		// SubscribeToShardEvent: ContinuationSequenceNumber "captures your shard progress even when no data is written".
		{"an idle subscription speaks", FanOut | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "zero")
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			_, last := s.take(t, 1)
			seen := number(t, last.ContinuationSequenceNumber)
			for range 3 {
				e.Advance(10 * time.Second)
				last = s.next(t)
				equal(t, "records", len(last.Records), 0)
				equal(t, "MillisBehindLatest", aws.ToInt64(last.MillisBehindLatest), 0)
				equal(t, "children", len(last.ChildShards), 0)
				seq := number(t, last.ContinuationSequenceNumber)
				if seq.Cmp(seen) <= 0 {
					t.Fatalf("an idle shard's ContinuationSequenceNumber %v follows %v", seq, seen)
				}
				seen = seq
			}
			e.put(t, name, "k", "one")
			for _, kind := range []types.ShardIteratorType{after, types.ShardIteratorTypeAtSequenceNumber} {
				again := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, kind, *last.ContinuationSequenceNumber)
				defer again.close()
				data, _ := again.take(t, 1)
				equal(t, "data", data[0], "one")
			}
			data, _ := e.drain(t, e.from(t, name, firstShard, after, *last.ContinuationSequenceNumber))
			equal(t, "data read by GetRecords", strings.Join(data, " "), "one")
		}},
		// AWS API reference, SubscribeToShard: events come "for up to 5 minutes", then the call has to be made again.
		{"a subscription ends after 5 minutes", FanOut | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			e.Advance(5*time.Minute - time.Second)
			equal(t, "records", len(s.next(t).Records), 0)
			e.put(t, name, "k", "one")
			equal(t, "records", len(s.next(t).Records), 1)
			e.Advance(time.Second)
			if err := s.ended(t); err != nil {
				t.Fatalf("a subscription whose time is up ends with %v", err)
			}
		}},
		// AWS API reference, SubscribeToShardEvent: ChildShards "returned only at the end of the current shard". Observed in
		// the Kinesis Client Library, which takes an event without ContinuationSequenceNumber for the shard's end.
		{"a subscription to a split shard ends in its children", FanOut, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.put(t, name, "k", "one")
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			_, event := s.take(t, 1)
			if event.ContinuationSequenceNumber == nil || len(event.ChildShards) != 0 {
				t.Fatalf("an open shard ends")
			}
			must(t, e.split(t, name, firstShard, middle))
			s.children(t, firstShard, "shardId-000000000001", "shardId-000000000002")
			late := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer late.close()
			data, event := late.take(t, 1)
			equal(t, "data of the closed shard", strings.Join(data, " "), "one")
			if event.ContinuationSequenceNumber != nil {
				late.children(t, firstShard, "shardId-000000000001", "shardId-000000000002")
			}
		}},
		// AWS API reference, ChildShard: ParentShards.
		{"a subscription to a merged shard names both parents", FanOut, func(t T, e *Env) {
			name := e.stream(t, 2)
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			must(t, e.merge(t, name, firstShard, "shardId-000000000001"))
			s.children(t, firstShard+" shardId-000000000001", "shardId-000000000002")
		}},
		// AWS API reference, RegisterStreamConsumer: "a rate of up to 2 MiB per second for every shard you subscribe to".
		{"2 MiB a second of events", FanOut | Clock | ReadLimits, func(t T, e *Env) {
			name := e.stream(t, 1)
			e.fill(t, name, 6, 1_000_000)
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			got, seconds, silence := 0, 0, time.Second // real time in which all would come that is not held back
			for got < 6 {
				select {
				case ev, open := <-s.Events():
					if !open {
						t.Fatalf("the subscription ends, with error %v", s.Err())
					}
					got += len(ev.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records)
				case <-time.After(silence):
					e.Advance(time.Second)
					seconds++
					silence = 100 * time.Millisecond
				}
				if most := 3 + 3*seconds; got > most || seconds > 20 {
					t.Fatalf("after %d s there are %d records of 1 MB", seconds, got)
				}
			}
		}},
		// Developer guide, large records: up to 10 MiB, in one event. Emulators that are slow with such a record have no
		// clock to be moved either.
		{"an event holds a record of 10 MiB", FanOut | LargeRecords | Clock, func(t T, e *Env) {
			name := e.stream(t, 1)
			_, err := e.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: e.summary(t, name).StreamARN, MaxRecordSizeInKiB: aws.Int32(10240)})
			must(t, err)
			e.active(t, name)
			s := e.subscribe(t, *e.consumer(t, name).ConsumerARN, firstShard, horizon, nil)
			defer s.close()
			big := strings.Repeat("x", 10<<20-1)
			e.put(t, name, "k", big)
			data, _ := s.take(t, 1)
			equal(t, "data", data[0] == big, true)
		}},
	}
}

// children demands that the next event is the shard's last, with these children, and the subscription's end after it.
func (s *subscription) children(t T, parents string, ids ...string) {
	t.Helper()
	e := s.next(t)
	for began := time.Now(); len(e.Records) == 0 && e.ContinuationSequenceNumber != nil && time.Since(began) < s.patience; {
		e = s.next(t)
	}
	if e.ContinuationSequenceNumber != nil {
		t.Fatalf("a closed shard goes on")
	}
	equal(t, "children", len(e.ChildShards), len(ids))
	for i, c := range e.ChildShards {
		equal(t, "child", *c.ShardId, ids[i])
		equal(t, "its parents", strings.Join(c.ParentShards, " "), parents)
		if c.HashKeyRange == nil || c.HashKeyRange.StartingHashKey == nil {
			t.Fatalf("child %s has no hash key range", *c.ShardId)
		}
	}
	if err := s.ended(t); err != nil {
		t.Fatalf("after the shard's end comes %v", err)
	}
}
