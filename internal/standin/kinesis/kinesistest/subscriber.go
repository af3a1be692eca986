package kinesistest

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// register registers a consumer under a name of its own, without waiting.
func (e *Env) register(t T, stream string) *types.Consumer {
	t.Helper()
	e.consumers++
	name := fmt.Sprintf("consumer-%d", e.consumers)
	out, err := e.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: e.summary(t, stream).StreamARN, ConsumerName: &name})
	must(t, err)
	return out.Consumer
}

// consumer registers a consumer and waits for it to be ACTIVE.
func (e *Env) consumer(t T, stream string) *types.Consumer {
	t.Helper()
	c := e.register(t, stream)
	e.ready(t, *c.ConsumerARN)
	return c
}

// ready waits for a consumer to be ACTIVE, a second between looks where the clock can be moved.
func (e *Env) ready(t T, arn string) {
	t.Helper()
	for range e.looks {
		if e.describeConsumer(t, arn).ConsumerStatus == types.ConsumerStatusActive {
			return
		}
	}
	t.Fatalf("consumer %s does not become ACTIVE", arn)
}

// looks runs as long as a rule may wait for a change of state, and lets the target go on between two looks at it.
func (e *Env) looks(yield func() bool) {
	for began := time.Now(); time.Since(began) < e.Patience && yield(); {
		e.pause()
	}
}

// pause lets the target go on with what takes it time.
func (e *Env) pause() {
	switch {
	case e.Poll != nil:
		e.Poll()
	case e.Advance != nil:
		e.Advance(time.Second)
	default:
		<-time.After(20 * time.Millisecond)
	}
}

func (e *Env) describeConsumer(t T, arn string) *types.ConsumerDescription {
	t.Helper()
	out, err := e.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn})
	must(t, err)
	return out.ConsumerDescription
}

// subscription is a subscription as a rule reads it.
type subscription struct {
	*kinesis.SubscribeToShardEventStream
	cancel   context.CancelFunc
	patience time.Duration
}

func (s *subscription) close() {
	s.cancel()
	_ = s.Close() // its error is that of the events, which were judged
}

// try asks for a subscription; at is a sequence number, a time.Time or nil.
func (e *Env) try(t T, arn, shard string, kind types.ShardIteratorType, at any) (*subscription, error) {
	from := &types.StartingPosition{Type: kind}
	switch at := at.(type) {
	case string:
		from.SequenceNumber = &at
	case time.Time:
		from.Timestamp = &at
	}
	// A target may accept a subscription and then say nothing, where the service sends a first frame at once.
	ctx, cancel := context.WithCancel(t.Context())
	impatient := time.AfterFunc(e.Patience, cancel)
	// Subscriptions of one client share a buffer without a lock (smithy-go v1.28.8), so each has a client of its own.
	out, err := e.Target.Client().SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: &shard, StartingPosition: from})
	if !impatient.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &subscription{out.GetStream(), cancel, e.Patience}, nil
}

// subscribe makes a subscription, which the rule has to close.
func (e *Env) subscribe(t T, arn, shard string, kind types.ShardIteratorType, at any) *subscription {
	t.Helper()
	s, err := e.try(t, arn, shard, kind, at)
	must(t, err)
	return s
}

// next is the next event, which is due.
func (s *subscription) next(t T) *types.SubscribeToShardEvent {
	t.Helper()
	select {
	case e, open := <-s.Events():
		if !open {
			t.Fatalf("the subscription ends, with error %v", s.Err())
		}
		event, ok := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
		if !ok {
			t.Fatalf("an event is %T", e)
		}
		return &event.Value
	case <-time.After(s.patience):
		t.Fatalf("no event within %v", s.patience)
	}
	return nil
}

// ended waits for the end and returns how it came; an event before it breaks the rule.
func (s *subscription) ended(t T) error {
	t.Helper()
	select {
	case e, open := <-s.Events():
		if open {
			t.Fatalf("an event comes where the subscription is to end: %+v", e)
		}
	case <-time.After(s.patience):
		t.Fatalf("the subscription does not end within %v", s.patience)
	}
	return s.Err()
}

// take reads events until they have held n records, and returns the data and the last event.
func (s *subscription) take(t T, n int) (data []string, last *types.SubscribeToShardEvent) {
	t.Helper()
	for began := time.Now(); len(data) < n; {
		if time.Since(began) > s.patience {
			t.Fatalf("%d of %d records come within %v", len(data), n, s.patience)
		}
		last = s.next(t)
		for _, r := range last.Records {
			data = append(data, string(r.Data))
		}
		if last.ContinuationSequenceNumber == nil && len(data) < n {
			t.Fatalf("the shard ends after %d of %d records", len(data), n)
		}
	}
	return data, last
}
