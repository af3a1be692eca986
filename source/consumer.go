package source

import (
	"context"

	"kinesis-snowflake/internal/row"
)

// Consumer receives what the readers read.
type Consumer interface {
	// Open is called once a lease is held and its parents are finished, on the shard's goroutine, before its first
	// Handle. Its error, while ctx is alive, ends [Source.Run].
	Open(ctx context.Context, s *Shard) (ShardConsumer, error)
}

// ShardConsumer takes the answers of one shard, for one holding of its lease. Handle, Drain and Close are called
// by one goroutine.
type ShardConsumer interface {
	// Handle takes one answer, also an empty one: it carries MillisBehindLatest. The answer and its bytes are lent for
	// the time of the call. Handle blocks for back-pressure; its ctx ends when the lease is lost or the source drains.
	//
	// A [*row.Rewind] has the shard read again from just after a position. Any other error, while ctx is alive, ends
	// [Source.Run] with it. After an answer with End, empty answers with End follow every poll interval until the shard
	// is finished or lost, so that a Rewind can still be asked for.
	Handle(ctx context.Context, r *row.Response) error
	// Drain is called once, after the last Handle, when another worker asks for the shard. It returns nil once everything
	// that was handled is committed and its Checkpoint was called, after which the lease is handed over; or ctx's error,
	// or ErrLost. No Handle follows, but Close does.
	Drain(ctx context.Context) error
	// Close is called last: the lease is lost, the shard is finished, or the source drains or stops.
	Close()
}

// Budget bounds the memory that answers take while they are handled.
type Budget interface {
	// Acquire blocks until n bytes are free, and takes them. It returns ctx's error if that ends first.
	Acquire(ctx context.Context, n int64) error
	// Take takes n bytes more without waiting, also where they are not free: an answer turned out larger than expected.
	Take(n int64)
	// Release gives n bytes back.
	Release(n int64)
}
