package pipeline

import (
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
)

// linePause is the least time between two lines about trouble.
const linePause = time.Minute

// tell hands on an event of the machine. Nothing here blocks. The caller holds mu.
func (c *core) tell(e *delivery.Event) {
	switch e.Kind {
	case delivery.Discard:
		if b := c.batches[e.Batch]; b != nil {
			c.todo.discard = append(c.todo.discard, b)
			delete(c.batches, e.Batch)
		}
	case delivery.Trouble:
		c.trouble(e)
	case delivery.Settled:
		c.settled(e)
	default:
		c.tellShard(c.shards[e.Shard], e)
	}
}

func (c *core) tellShard(s *shard, e *delivery.Event) {
	switch e.Kind {
	case delivery.Checkpoint:
		s.handle.Checkpoint(e.At)
	case delivery.Finish:
		s.handle.Finish()
	case delivery.Drained:
		close(s.drained)
	case delivery.Woken:
		signal(s.woken)
	case delivery.Forgotten:
		delete(c.shards, s.ref)
	case delivery.Ahead:
		c.log.Info("the table is ahead of the checkpoint: its rows are left out", "shard", s.id, "offset", e.At.String())
	case delivery.Fenced:
		c.log.Warn("fenced: another worker moved or took the shard's offset", "shard", s.id,
			"our_epoch", e.Ours.Epoch, "epoch", e.Theirs.Epoch, "our_offset", e.Ours.At.String(), "offset", e.Theirs.At.String())
	case delivery.WentBack:
		c.log.Error("the offset went back: reading again from it", "shard", s.id, "offset", e.At.String())
	}
}

func (c *core) trouble(e *delivery.Event) {
	c.onState(e.Err)
	now := time.Now()
	if c.line.IsZero() || now.Sub(c.line) >= linePause {
		c.line, c.said = now, now.Add(-e.For)
		c.log.Error("cannot load; trying again", "error", e.Err, "pause", e.Pause, "for", e.For.Round(time.Second))
	}
}

// settled takes note that a batch is done with, whatever it went through.
func (c *core) settled(e *delivery.Event) {
	c.onState(nil)
	if !c.said.IsZero() {
		c.log.Info("loading again", "for", time.Since(c.said).Round(time.Second))
		c.said = time.Time{}
	}
	c.violations.look()
	refused := c.leftOut.Swap(0)
	c.refused += refused
	n := e.Counts
	n.Failed += refused
	switch {
	case n.Rows > 0:
		attrs := []any{"rows", n.Rows, "failed", n.Failed, "filtered", n.Filtered, "bytes", n.Bytes, "shards", n.Parts, "took", e.For.Round(time.Millisecond)}
		c.log.Info("batch committed", c.andViolations(attrs, n.Violations)...)
	case n.Failed+n.Filtered > 0:
		c.log.Info("nothing to commit: all that was read failed or was filtered out", "failed", n.Failed, "filtered", n.Filtered,
			"bytes", n.Bytes, "shards", n.Parts)
	}
}

// sayCaughtUp says how a run until caught up went. It ends well whatever failed, so the line must tell.
func (c *core) sayCaughtUp() {
	c.mu.Lock()
	n, refused := c.machine.Status(c.now()).Tally, c.refused
	c.mu.Unlock()
	failed := n.Failed + refused
	attrs := c.andViolations([]any{"rows", n.Loaded, "failed", failed, "filtered", n.Filtered}, n.Violations)
	c.violations.end()
	if failed > 0 {
		c.log.Warn("caught up: everything that was in the stream is loaded, but for the messages that failed", attrs...)
		return
	}
	c.log.Info("caught up: everything that was in the stream is loaded", attrs...)
}

// andViolations adds how many messages violate the schema, where such are loaded.
func (c *core) andViolations(attrs []any, n int64) []any {
	if c.violations == nil {
		return attrs
	}
	return append(attrs, "violations", n)
}
