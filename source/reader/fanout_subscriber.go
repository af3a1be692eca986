package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/source/reader/wire"
)

const (
	// silence is how long a subscription may be without an event before its connection is taken for dead. The service
	// sends one about every 5 s, also when nothing is new; KCL waits 35 to 60 s.
	silence = 30 * time.Second
	// slowest is the speed at which an event must come in, in bytes a second, beside that time: half a megabit.
	slowest = 64 << 10
	// subscribeTimeout bounds the call until the answer's headers.
	subscribeTimeout = 30 * time.Second
	// settled is how long a subscription must live for the ones that were taken before to be forgotten.
	settled = time.Minute
)

var errSilent = fmt.Errorf("no event for %v; the connection is taken for dead", silence)

// subscriber reads one shard by subscriptions, or by polling where those cannot be had.
type subscriber struct {
	reader
	fan   *FanOut
	polls bool          // the last step was one of polling; iterator is one then, and a continuation number otherwise
	sub   *subscription // nil when there is none
	taken int           // subscriptions that another reader took, in a row, and calls that were refused for one
}

// subscription is one that is open.
type subscription struct {
	*wire.Subscription
	consumer string // ARN
	began    time.Time
	events   int

	ctx    context.Context // of the connection
	cancel context.CancelCauseFunc
	watch  *time.Timer // cuts the connection; it runs while the service is waited for
}

// step handles one event, or does what must be done before there can be one.
func (s *subscriber) step(ctx context.Context) error {
	if s.sub != nil {
		return s.event(ctx)
	}
	if s.ended {
		return s.reader.step(ctx)
	}
	arn, err := s.fan.consumer.ARN(ctx)
	if err != nil {
		return err
	}
	if polls := arn == ""; polls != s.polls {
		s.polls, s.iterator = polls, ""
	}
	if s.polls {
		return s.reader.step(ctx)
	}
	if err := pause(ctx, s.next); err != nil {
		return err
	}
	if err := pause(ctx, s.fan.allowed(s.Shard)); err != nil {
		return err
	}
	return s.subscribe(ctx, arn)
}

// subscribe opens a subscription for what comes after the last event.
func (s *subscriber) subscribe(ctx context.Context, arn string) error {
	u := &subscription{consumer: arn, began: time.Now()}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	u.watch = time.AfterFunc(subscribeTimeout, func() { u.cancel(context.DeadlineExceeded) })
	start := s.start()
	var err error
	u.Subscription, err = wire.SubscribeToShard(u.ctx, s.fan.client, &kinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: &s.Shard, StartingPosition: &start})
	u.watch.Stop()
	s.fan.called(s.Shard, err == nil)
	if err != nil {
		u.cancel(nil)
		return s.failed(ctx, err, arn, false)
	}
	u.watch = time.AfterFunc(silence, func() {
		u.cancel(errSilent)
		_ = u.Close() // for a connection that does not look at its context
	})
	if start.Type == types.ShardIteratorTypeLatest {
		// As with an iterator: were the subscription to end before its first event, LATEST would be a later place then.
		if s.StartTime = u.began; !u.Date.IsZero() && u.Date.Before(u.began) {
			s.StartTime = u.Date
		}
	}
	s.sub = u
	return nil
}

// start is where a subscription begins.
//
// It would be allowed to begin at the continuation number as well as after it. After it is right: the number is of what
// was sent already, or of no record at all.
func (s *subscriber) start() types.StartingPosition {
	if s.iterator != "" {
		return types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &s.iterator}
	}
	var in kinesis.GetShardIteratorInput
	s.position(&in)
	return types.StartingPosition{Type: in.ShardIteratorType, SequenceNumber: in.StartingSequenceNumber, Timestamp: in.Timestamp}
}

// event reads one event and hands it over. The memory for it is asked for when its size is known and before it is read;
// while that is not free, and while the handler blocks, what the service sends stays in the connection.
func (s *subscriber) event(ctx context.Context) error {
	var lent int64
	defer func() {
		s.answer.Release()
		if s.Budget != nil && lent > 0 {
			s.Budget.Release(lent)
		}
	}()
	u := s.sub
	u.wait(silence)
	err := u.Next(&s.answer, func(size int64) error {
		u.watch.Stop()
		if s.Budget != nil {
			s.Budget.Release(lent) // a frame before it, which was no event
			lent = 0
			if err := s.Budget.Acquire(ctx, size); err != nil {
				return err
			}
			lent = size
		}
		u.wait(silence + time.Duration(size)*time.Second/slowest)
		return nil
	})
	u.watch.Stop()
	if err != nil {
		return s.broken(ctx, err)
	}
	u.events++
	if time.Since(u.began) > settled {
		s.taken = 0
	}
	s.calm()
	take := func(expanded int) {
		if size := int64(s.answer.Size() + expanded); s.Budget != nil && size > lent {
			s.Budget.Take(size - lent)
			lent = size
		}
	}
	if err := s.deliver(ctx, take); err != nil {
		return err
	}
	if s.iterator == "" {
		// The shard's end, or a rewind: its position takes another subscription.
		s.close()
	}
	return nil
}

// wait gives the service d to send something.
func (u *subscription) wait(d time.Duration) { u.watch.Reset(d) }

// close ends the subscription, if there is one.
func (s *subscriber) close() {
	u := s.sub
	if u == nil {
		return
	}
	s.sub = nil
	u.watch.Stop()
	u.cancel(nil)
	if err := u.Close(); err != nil {
		s.Log.Debug("close subscription", "shard", s.Shard, "error", err)
	}
}

// broken deals with the end of a subscription: nil means that the loop goes on.
func (s *subscriber) broken(ctx context.Context, err error) error {
	u := s.sub
	silent := errors.Is(context.Cause(u.ctx), errSilent)
	s.close()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case silent:
		return s.retry(ctx, ClassRetry, &Error{Op: "read events of shard " + s.Shard, Err: errSilent})
	}
	return s.failed(ctx, err, u.consumer, u.events > 0)
}
