package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kinesis-snowflake/internal/row"
)

var errNoIterator = errors.New("the service sent no iterator")

// maxAbsent is how long a closed shard that the stream lists may be called unknown before it is taken for gone.
const maxAbsent = 10 * time.Minute

// maxStrikes is how many fresh iterators in a row may be called invalid before that is taken for permanent.
const maxStrikes = 5

// readFailed deals with an error of GetRecords: nil means that the loop goes on.
func (r *reader) readFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	class := Classify(err)
	explained := Explain("get records of shard "+r.Shard, "GetRecords", r.Stream.String(), err)
	switch class {
	case ClassExpired:
		// Back-pressure held the shard for over five minutes, or the machine slept: nothing is lost.
		r.iterator = ""
		r.next = time.Now().Add(callSpacing)
		r.Log.Debug("shard iterator expired", "shard", r.Shard, "after", r.resume.String())
		return nil
	case ClassInvalid:
		// The service does not know the iterator. A fresh one works, or GetShardIterator tells what is wrong.
		r.iterator = ""
		if r.strikes++; r.strikes >= maxStrikes {
			return explained
		}
		return r.retry(ctx, ClassRetry, explained)
	case ClassNotFound:
		return r.missing(ctx, explained)
	case ClassPermanent:
		return explained
	default:
		return r.retry(ctx, class, explained)
	}
}

// openFailed deals with an error of GetShardIterator: nil means that the loop goes on.
func (r *reader) openFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	class := Classify(err)
	explained := Explain("get iterator of shard "+r.Shard, "GetShardIterator", r.Stream.String(), err)
	switch class {
	case ClassInvalid:
		return r.refused(ctx, explained)
	case ClassNotFound:
		return r.missing(ctx, explained)
	case ClassPermanent:
		return explained
	case ClassExpired:
		return r.retry(ctx, ClassRetry, explained)
	default:
		return r.retry(ctx, class, explained)
	}
}

// refused deals with a position that the service does not take.
func (r *reader) refused(ctx context.Context, cause error) error {
	switch {
	case r.resume.IsNumber():
		// The position was good once, so the stream may be another one now.
		switch verdict, err := r.Missing(ctx, cause); verdict {
		case Other:
			return err
		case Unknown:
			return r.retry(ctx, ClassRetry, err)
		}
		return &Error{Op: "resume shard " + r.Shard, Err: cause, Hint: fmt.Sprintf("position %s is not of stream %s: the checkpoint table belongs to another stream, "+
			"or to one of that name that was deleted and made again; see that source.application is this stream's; to start anew, stop all workers and run `kinesis-snowflake leases reset`", r.resume, r.Stream)}
	case r.resume.Sequence == row.AtTimestamp:
		return &Error{Op: "begin shard " + r.Shard, Err: cause, Hint: "see that source.start does not lie in the future"}
	case r.resume.Sequence == row.Latest:
		// Its time came from a clock ahead of the service's, which will get there.
		return r.retry(ctx, ClassRetry, cause)
	default:
		return cause
	}
}

// missing deals with a stream or shard that the service does not know. It happens to err: what the stream lists is there, and
// giving it up would leave an open shard unread, and what is left of a closed one.
func (r *reader) missing(ctx context.Context, cause error) error {
	switch verdict, err := r.Missing(ctx, cause); verdict {
	case Other:
		return err
	case Unknown:
		return r.retry(ctx, ClassRetry, err)
	case Open:
		return r.retry(ctx, ClassRetry, cause)
	case Closed:
		now := time.Now()
		if r.absent.IsZero() {
			r.absent = now
		}
		if now.Sub(r.absent) < maxAbsent {
			return r.retry(ctx, ClassRetry, cause)
		}
	}
	r.Log.Warn("shard is no longer in the stream: what it still held is older than the retention period", "shard", r.Shard, "after", r.resume.String())
	r.calm()
	r.ended = true
	r.Ended(nil)
	_, err := r.handle(ctx, &row.Response{Shard: r.Shard, End: true})
	return err
}

// retry lets the loop go on after a while.
func (r *reader) retry(ctx context.Context, class Class, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.next = time.Now().Add(r.backoff.next(class))
	r.uneasy = true
	r.Trouble.failed(r.Shard, class, err)
	return nil
}
