package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settled hands on what a committed batch means: checkpoints, shards at their end, counts.
func (k *committer) settled(ctx context.Context, b *batch, parts []*part, began time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var rows, failed int64
	for _, p := range parts {
		s := p.shard
		if p.to.Compare(s.durable) > 0 {
			s.durable = p.to
		}
		if p.to.IsNumber() {
			s.handle.Checkpoint(p.to)
		}
		if p.end && p.live() {
			s.ended = true
			s.handle.Finish()
		}
		s.loaded += p.rows
		s.failed += p.failed
		rows += p.rows
		failed += p.failed
	}
	k.tally.Loaded += rows
	k.tally.Failed += failed
	k.tally.Bytes += b.bytes
	if rows > 0 {
		k.tally.Batches++
		k.log.InfoContext(ctx, "batch committed", "rows", rows, "failed", failed, "bytes", b.bytes, "shards", len(parts),
			"took", time.Since(began).Round(time.Millisecond))
	}
}

// abandon drops a batch whose files failed, and has its shards read again.
func (k *committer) abandon(ctx context.Context, b *batch) error {
	err := fmt.Errorf("spool a batch: %w", b.err)
	k.mu.Lock()
	for _, p := range b.parts {
		if p.live() {
			p.shard.readAgain(p.shard.durable)
		}
	}
	k.mu.Unlock()
	return k.trouble(ctx, err)
}

// trouble reports an error and waits before the next attempt. It returns an error if there must be none.
func (k *committer) trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	severity := k.loader.Sort(err)
	if severity == Stop || severity == Operator && k.giveUp {
		return err
	}
	k.onState(err)
	now := time.Now()
	if k.pause == 0 {
		k.ill, k.pause = now, k.retry
	}
	if k.line.IsZero() || now.Sub(k.line) >= linePause {
		k.line, k.said = now, true
		k.log.ErrorContext(ctx, "cannot load; trying again", "error", err, "pause", k.pause, "for", now.Sub(k.ill).Round(time.Second))
	}
	timer := time.NewTimer(k.pause)
	defer timer.Stop()
	k.pause = min(2*k.pause, maxRetry)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), err)
	}
}

// linePause is the least time between two lines about trouble.
const linePause = time.Minute

// recovered takes note that a batch is done with, whatever it went through.
func (k *committer) recovered(ctx context.Context) {
	k.onState(nil)
	if k.said {
		k.log.InfoContext(ctx, "loading again", "for", time.Since(k.ill).Round(time.Second))
	}
	k.pause, k.said = 0, false
}
