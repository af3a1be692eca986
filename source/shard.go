package source

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

// Shard is one holding of a shard's lease. All methods may be called from several goroutines, also after the shard's
// consumer was closed, until [Source.Run] has ended.
type Shard struct {
	held     *lease.Held
	children atomic.Pointer[[]lease.Shard]
}

// ID returns the shard's id.
func (s *Shard) ID() string { return s.held.Shard() }

// Start returns the checkpoint that the lease had when it was taken: everything up to it is done. It is a number or
// one of the sentinels, but never SHARD_END.
func (s *Shard) Start() row.Position { return s.held.Start() }

// StartTime returns the time that reading begins at when Start is AT_TIMESTAMP or LATEST; zero otherwise.
func (s *Shard) StartTime() time.Time { return s.held.StartTime() }

// HashRange returns the first and the last hash key of the shard, in decimal; both are empty where the lease's row does not
// know them.
func (s *Shard) HashRange() (first, last string) { return s.held.HashRange() }

// HasOffsets reports whether the lease remembers that Snowflake offsets exist for the shard.
func (s *Shard) HasOffsets() bool { return s.held.HasOffsets() }

// MarkOffsets remembers in the lease that Snowflake offsets exist, by a conditional write, and returns once that is
// done: with [ErrLost] if the lease is gone, or with ctx's error. It is idempotent.
func (s *Shard) MarkOffsets(ctx context.Context) error { return s.held.MarkOffsets(ctx) }

// Checkpoint hands a committed position to the lease's writer. It never blocks; a position at or before the last one
// is ignored. It is written with the next renewal, or at most 1 s later.
func (s *Shard) Checkpoint(p row.Position) { s.held.Checkpoint(p) }

// Confirm returns nil once a conditional write of the lease has succeeded that was begun after this call, so the
// lease was held during the call. It returns [ErrLost] if the lease is gone, or ctx's error.
func (s *Shard) Confirm(ctx context.Context) error { return s.held.Confirm(ctx) }

// Finish says that everything up to the shard's end is committed. It never blocks: the children's leases are made,
// then SHARD_END is written, and the shard's consumer is closed.
func (s *Shard) Finish() {
	if c := s.children.Load(); c != nil {
		s.held.Finish(*c)
		return
	}
	s.held.Finish(nil) // looked up in ListShards
}

// Lost returns a channel that is closed when the lease is lost or given up, or the worker fenced itself.
func (s *Shard) Lost() <-chan struct{} { return s.held.Lost() }

// ended keeps what the last answer said of the shard's children. The service may leave them out, or tell them without
// their parents; then they are looked up by Finish, since a child without its parents would be read too early.
func (s *Shard) ended(children []types.ChildShard) {
	var list []lease.Shard
	for _, c := range children {
		child := lease.Shard{ID: aws.ToString(c.ShardId), Parents: c.ParentShards}
		if r := c.HashKeyRange; r != nil {
			child.StartHash, child.EndHash = aws.ToString(r.StartingHashKey), aws.ToString(r.EndingHashKey)
		}
		if child.ID == "" || child.StartHash == "" || child.EndHash == "" || len(child.Parents) == 0 {
			return
		}
		list = append(list, child)
	}
	if len(list) > 0 {
		s.children.Store(&list)
	}
}

// ErrLost says that a lease is not, or no longer, held by this worker.
var ErrLost = lease.ErrLost
