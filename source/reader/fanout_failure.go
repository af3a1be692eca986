package reader

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/aws/smithy-go"
)

// failed deals with an error of SubscribeToShard, and with one that ended a subscription: nil means that the loop goes on.
// live says that events had come.
func (s *subscriber) failed(ctx context.Context, err error, consumer string, live bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	class := Classify(err)
	explained := Explain("subscribe to shard "+s.Shard, "SubscribeToShard", s.Stream.String(), err)
	switch class {
	case ClassInUse:
		return s.inUse(ctx, explained, consumer, live)
	case ClassInvalid:
		if s.iterator != "" {
			// The service does not know its own continuation number. The last record's is known to be good.
			s.iterator = ""
			return s.retry(ctx, ClassRetry, explained)
		}
		return s.refused(ctx, explained)
	case ClassNotFound:
		return s.lookUp(ctx, explained, consumer)
	case ClassPermanent:
		if NoFanOut(err) {
			s.fan.consumer.Refuse(explained)
			return nil
		}
		return explained
	case ClassExpired:
		class = ClassRetry
	}
	if _, said := errors.AsType[smithy.APIError](err); live && !said {
		// Its 5 minutes are over (io.EOF), or the connection broke, as they do now and then. If a new one cannot be had, that
		// will be said.
		s.Log.Debug("subscription ended", "shard", s.Shard, "error", err)
		return nil
	}
	return s.retry(ctx, class, explained)
}

// NoFanOut reports whether an error says that fan-out is not allowed or not known here, so that polling may do.
func NoFanOut(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDeniedException", // kinesis:SubscribeToShard is not in the policy
		"UnknownOperationException",     // an endpoint that only polls
		"UnsupportedOperationException": // the same
		return true
	}
	return false
}

// inUse keeps still: another reader has the shard, or its last owner had it a moment ago, or the consumer is not active.
func (s *subscriber) inUse(ctx context.Context, cause error, consumer string, live bool) error {
	s.taken++
	hold := min(mostHeld, takeoverSpacing<<min(s.taken-1, 10))
	if !live {
		// A refused call. The one that had success is at most 5 s old, unless the consumer is about to be deleted.
		if s.taken > 1 {
			s.fan.consumer.Doubt(consumer)
		}
		if err := s.retry(ctx, ClassInUse, cause); err != nil {
			return err
		}
	} else if s.taken >= patience && s.fan.warn() {
		s.Log.Warn("another reader keeps taking the subscription: see that no other application uses this source.consumer_name on the stream",
			"shard", s.Shard, "consumer", consumer, "times", s.taken)
	}
	s.next = time.Now().Add(hold + rand.N(hold/4))
	return nil
}

// lookUp finds out what it is that the service does not know: the consumer, the stream or the shard.
func (s *subscriber) lookUp(ctx context.Context, cause error, consumer string) error {
	s.fan.consumer.Doubt(consumer)
	if err := s.retry(ctx, ClassRetry, cause); err != nil {
		return err
	}
	// An iterator is asked for without a consumer, so its error tells. Here only the error counts.
	continuation, next := s.iterator, s.next
	defer func() {
		if !s.ended {
			s.iterator, s.next = continuation, next
		}
	}()
	return s.open(ctx)
}
