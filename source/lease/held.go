package lease

import (
	"context"
	"time"

	"kinesis-snowflake/internal/row"
)

// Held is a lease that this worker holds and may read: its parents are finished. All methods may be called from
// several goroutines.
type Held struct {
	c        *Coordinator
	key      string
	gen      uint64 // which holding of this key it is: requests of an earlier one are ignored
	start    row.Position
	time     time.Time
	offsets  bool // guarded by c.mu
	lost     chan struct{}
	finished chan struct{}
	closed   bool // guarded by c.mu
}

// Shard returns the shard's id.
func (h *Held) Shard() string { return h.key }

// Start returns the checkpoint that the lease had when it was taken: everything up to it is done.
func (h *Held) Start() row.Position { return h.start }

// StartTime returns the time to read from when Start is LATEST or AT_TIMESTAMP, with an AT_TIMESTAMP iterator in both
// cases: a crash before the first checkpoint then loses nothing. It is zero when Start is anything else.
func (h *Held) StartTime() time.Time { return h.time }

// HasOffsets reports whether the row remembers that Snowflake offsets exist for this shard.
func (h *Held) HasOffsets() bool { return h.hasOffsets() }

// MarkOffsets remembers in the row that Snowflake offsets exist. It returns once that is written, with ErrLost when
// the lease is gone, or with ctx's error. It is idempotent.
func (h *Held) MarkOffsets(ctx context.Context) error { return h.wait(ctx, markOffsets) }

// Checkpoint hands a committed position to the lease's writer. It never blocks. A position at or before the last one
// is ignored. It is written with the next renewal, or at most 1 s later.
func (h *Held) Checkpoint(p row.Position) { h.checkpoint(p) }

// Confirm returns nil once a conditional write of the lease that began after this call has succeeded, so the lease
// was held during the call. It returns ErrLost when the lease is gone, or ctx's error.
func (h *Held) Confirm(ctx context.Context) error { return h.wait(ctx, confirm) }

// Finish says that everything up to the shard's end is committed. It never blocks. The children's leases are created,
// then SHARD_END is written and [Held.Finished] is closed. With no children given they are looked up in ListShards,
// again and again until they appear; a shard that is itself no longer listed and has none is finished without.
// It is idempotent; the first call that names children decides.
func (h *Held) Finish(children []Shard) { h.finish(children) }

// Lost returns a channel that is closed when the lease is lost, released, or the worker fenced itself.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Finished returns a channel that is closed once SHARD_END is written. Lost stays open then.
func (h *Held) Finished() <-chan struct{} { return h.finished }

// Close says that the shard's reader and consumer have ended. Until then this worker does not take the same lease
// again. It must be called once for every Held, however it ended; a lease still held then stays held and renewed
// until [Coordinator.Stop], and Checkpoint, Confirm and Finish still work.
func (h *Held) Close() { h.close() }
