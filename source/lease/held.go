package lease

import (
	"context"
	"fmt"
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
	hashes   [2]string // first and last, as the row has them
	offsets  bool      // guarded by c.mu
	lost     chan struct{}
	asked    chan struct{}
	finished chan struct{}
	closed   bool // by its user; guarded by c.mu
	over     bool // lost or finished; guarded by c.mu
}

// Shard returns the shard's id.
func (h *Held) Shard() string { return h.key }

// Start returns the checkpoint that the lease had when it was taken: everything up to it is done.
func (h *Held) Start() row.Position { return h.start }

// StartTime returns the time to read from when Start is LATEST or AT_TIMESTAMP, with an AT_TIMESTAMP iterator in both
// cases: a crash before the first checkpoint then loses nothing. It is zero when Start is anything else.
func (h *Held) StartTime() time.Time { return h.time }

// HashRange returns the first and the last hash key of the shard, in decimal, or two empty strings where the row, one of KCL
// before 1.14, does not know them.
func (h *Held) HashRange() (first, last string) { return h.hashes[0], h.hashes[1] }

// HasOffsets reports whether the row remembers that Snowflake offsets exist for this shard.
func (h *Held) HasOffsets() bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.offsets
}

// MarkOffsets remembers in the row that Snowflake offsets exist. It returns once that is written, with ErrLost when
// the lease is gone, or with ctx's error. It is idempotent.
func (h *Held) MarkOffsets(ctx context.Context) error {
	if err := h.request(ctx, h.c.machine.MarkOffsets); err != nil {
		return fmt.Errorf("mark offsets of shard %s: %w", h.key, err)
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.offsets = true
	return nil
}

// Confirm returns nil once a conditional write of the lease that began after this call has succeeded, so the lease
// was held during the call. It returns ErrLost when the lease is gone, or ctx's error.
func (h *Held) Confirm(ctx context.Context) error {
	if err := h.request(ctx, h.c.machine.Confirm); err != nil {
		return fmt.Errorf("confirm lease of shard %s: %w", h.key, err)
	}
	return nil
}

// request asks the machine for a write and waits for the answer.
func (h *Held) request(ctx context.Context, ask func(now Instant, key string, gen, token uint64)) error {
	answer := make(chan error, 1)
	var token uint64
	ended := false
	h.c.tell(func(now Instant) {
		if ended = h.c.ended; ended {
			return
		}
		h.c.tokens++
		token = h.c.tokens
		h.c.waits[token] = answer
		ask(now, h.key, h.gen, token)
	})
	if ended {
		return ErrLost
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		h.c.mu.Lock()
		defer h.c.mu.Unlock()
		delete(h.c.waits, token)
		return ctx.Err()
	}
}

// Checkpoint hands a committed position to the lease's writer. It never blocks. A position at or before the last one
// is ignored, and so is one that is not a number. It is written with the next renewal, or at most 1 s later.
func (h *Held) Checkpoint(p row.Position) {
	h.c.tell(func(now Instant) { h.c.machine.Checkpoint(now, h.key, h.gen, p) })
}

// Finish says that everything up to the shard's end is committed. It never blocks. The children's leases are created,
// then SHARD_END is written and [Held.Finished] is closed. With no children given they are looked up in ListShards,
// again and again until they appear; a shard that is itself no longer listed and has none is finished without.
// It is idempotent; the first call that names children decides.
func (h *Held) Finish(children []Shard) {
	h.c.tell(func(now Instant) { h.c.machine.Finish(now, h.key, h.gen, children) })
}

// Lost returns a channel that is closed when the lease is lost or released, the worker fenced itself, or
// [Coordinator.Run] ended.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Asked returns a channel that is closed when another worker asks for the lease. It stays held, and everything goes on
// working, until HandOver is called, or [HandOverTimeout] has passed and it is handed over as it stands.
func (h *Held) Asked() <-chan struct{} { return h.asked }

// HandOver gives the lease to the worker that asked for it, together with the last checkpoint. Call it once the shard's
// reading has ended and everything that was read is committed and checkpointed. It never blocks; Lost is closed when the
// lease has gone over. If it is no longer asked for, Lost is closed too and the lease comes again out of
// [Coordinator.Next] once this Held is closed.
func (h *Held) HandOver() {
	h.c.tell(func(now Instant) { h.c.machine.HandOver(now, h.key, h.gen) })
}

// Finished returns a channel that is closed once SHARD_END is written. Lost stays open then.
func (h *Held) Finished() <-chan struct{} { return h.finished }

// Close says that the shard's reader and consumer have ended. Until then this worker does not take the same lease
// again. It must be called once for every Held, however it ended; a lease still held then stays held and renewed
// until [Coordinator.Stop], and Checkpoint, Confirm and Finish still work.
func (h *Held) Close() {
	h.c.mu.Lock()
	h.c.shut(h)
	h.c.mu.Unlock()
	wake(h.c.kick)
}

// shut runs under c.mu.
func (c *Coordinator) shut(h *Held) {
	if h.closed {
		return
	}
	h.closed = true
	c.forget(h, false)
	c.machine.Closed(c.clock.Now(), h.key, h.gen)
}
