package reader

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"kinesis-snowflake/source/reader/wire"
)

// FanOut reads shards by enhanced fan-out: all shards of one process, as one registered consumer.
//
// # Model
//
// [FanOut.Read] does what [Read] does, and is the same reader: only that the answers are events that the service pushes
// over a subscription, and that the place to go on from is an event's continuation number instead of an iterator. A
// subscription is read on the caller's goroutine, one event at a time, so a handler that blocks stops the events. There is
// never more than one for a shard: it is closed before Read returns, and before the next is asked for.
//
// # Who has a shard
//
// The service gives a consumer's shard to whoever asked last. A call within 5 s of the last successful one is refused;
// a later one ends the subscription that was there. All workers of an application are one consumer, so when a lease
// changes hands the new owner's call ends what the old one may still have. A reader whose subscription was taken keeps
// still, for 5 s and then twice as long each time: if the other one is right, the lease ends this reader meanwhile.
//
// # Without
//
// Where there is no consumer to be had, a shard is read by polling from where it stands, until there is one.
type FanOut struct {
	client   wire.Subscriber
	consumer Consumer

	mu     sync.Mutex
	shards map[string]calls
	warned time.Time // about subscriptions that another reader keeps taking
}

// Consumer is the registered consumer that a FanOut reads as. Its methods are called by many goroutines.
type Consumer interface {
	// ARN returns the consumer's ARN, once it is registered and active, or "" where shards are to be read by polling for
	// now. It returns ctx's error, or one that no retry cures.
	ARN(ctx context.Context) (string, error)
	// Doubt says that the service may not know the consumer of that ARN any more.
	Doubt(arn string)
	// Refuse says that err keeps the consumer from being used: ARN returns "" for a while.
	Refuse(err error)
}

// calls are the times of SubscribeToShard for one shard, also before this reader held it.
type calls struct{ last, granted time.Time }

const (
	// subscribeSpacing is the service's limit for a consumer and shard.
	subscribeSpacing = time.Second
	// takeoverSpacing is the time after a successful call in which the service refuses another, and some for clocks.
	takeoverSpacing = 5*time.Second + 100*time.Millisecond
	// subscribeJitter keeps the shards that a broken connection had in common from coming back at once.
	subscribeJitter = 400 * time.Millisecond
	// mostHeld is the longest pause of a reader whose subscription others keep taking.
	mostHeld = time.Minute
)

// NewFanOut returns a FanOut. The client must have been made with [wire.Use], must not retry by itself, and must not limit
// the time that an answer takes: a subscription lives for 5 minutes.
func NewFanOut(client wire.Subscriber, consumer Consumer) *FanOut {
	return &FanOut{client: client, consumer: consumer, shards: map[string]calls{}}
}

// Read reads a shard as [Read] does.
func (f *FanOut) Read(ctx context.Context, cfg Config) error {
	s := &subscriber{reader: reader{Config: cfg, resume: cfg.Start, estimate: worstAnswer}, fan: f}
	defer s.answer.Release()
	defer s.calm()
	defer s.close()
	for ctx.Err() == nil {
		if err := s.step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// allowed is when the shard may be subscribed to next.
func (f *FanOut) allowed(shard string) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.shards[shard]
	if !ok {
		return time.Time{}
	}
	at := c.last.Add(subscribeSpacing)
	if granted := c.granted.Add(takeoverSpacing); !c.granted.IsZero() && granted.After(at) {
		at = granted
	}
	if time.Until(at) <= 0 {
		return time.Time{}
	}
	return at.Add(rand.N(subscribeJitter))
}

// called notes that the shard was subscribed to. The service's clock starts between the call and its answer, so the time
// of the answer is the safe one.
func (f *FanOut) called(shard string, granted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	c := f.shards[shard]
	if c.last = now; granted {
		c.granted = now
	}
	f.shards[shard] = c
}

// warn reports whether a line about lost subscriptions is due: one a minute for all shards.
func (f *FanOut) warn() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !f.warned.IsZero() && now.Sub(f.warned) < linePause {
		return false
	}
	f.warned = now
	return true
}
