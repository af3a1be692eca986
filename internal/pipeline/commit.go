package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kinesis-snowflake/internal/row"
)

// committer loads one batch after another.
type committer struct {
	*core
	// giveUp ends the run at an error that somebody must mend, instead of trying again: a run until caught up has
	// nobody to wait for.
	giveUp bool
	// onState hears of trouble and of its end.
	onState func(err error)
	retry   time.Duration // first pause after an error; doubles up to maxRetry
}

// maxRetry is the longest pause between attempts at the same batch. Readers wait meanwhile; leases are renewed.
const maxRetry = 30 * time.Second

// maxIdle is how long the committer sleeps when there is no batch to wait for; a change wakes it.
const maxIdle = time.Hour

// run loads batches until stop is closed and the open batch is empty, or ctx ends, or an error ends the pipeline.
func (k *committer) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		b, err := k.next(ctx, stop)
		if b == nil || err != nil {
			return err
		}
		err = k.commit(ctx, b)
		b.data.Discard()
		k.mu.Lock()
		k.loading = nil
		k.notify()
		k.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// next waits until the open batch is due, and seals it. It returns nil when there is nothing left to load.
func (k *committer) next(ctx context.Context, stop <-chan struct{}) (*batch, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		b := k.open
		stopping := false
		select {
		case <-stop:
			stopping = true
		default:
		}
		if stopping && len(b.parts) == 0 {
			return nil, nil
		}
		left := maxIdle
		if !b.first.IsZero() {
			left = k.limits.interval - time.Since(b.first)
			if left <= 0 || stopping || k.flush || b.full(k.limits) {
				return k.seal(ctx, b)
			}
		} else {
			k.flush = false
		}
		changed := k.changed
		k.mu.Unlock()
		var stopped <-chan struct{}
		if !stopping {
			stopped = stop
		}
		due := time.NewTimer(left)
		select {
		case <-changed:
		case <-due.C:
		case <-stopped:
		case <-ctx.Done():
		}
		due.Stop()
		k.mu.Lock()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// seal puts a new open batch in b's place and waits for the answers that are still being appended to b.
func (k *committer) seal(ctx context.Context, b *batch) (*batch, error) {
	k.open, k.loading, k.flush = k.newBatch(), b, false
	k.notify()
	for b.active > 0 {
		if err := k.wait(ctx, nil); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// commit loads a sealed batch, trying until it is committed, dropped, or the pipeline must stop.
func (k *committer) commit(ctx context.Context, b *batch) error {
	began, pause := time.Now(), k.retry
	for {
		if b.err != nil {
			return k.abandon(ctx, b, &pause)
		}
		parts := k.liveParts(b)
		if len(parts) == 0 {
			return nil
		}
		done, err := k.attempt(ctx, b, parts)
		if err == nil && done {
			k.settled(ctx, b, parts, began)
			return nil
		}
		if err != nil {
			if err := k.trouble(ctx, err, &pause); err != nil {
				return err
			}
		}
	}
}

func (k *committer) liveParts(b *batch) []*part {
	k.mu.Lock()
	defer k.mu.Unlock()
	var parts []*part
	for _, p := range b.parts {
		if p.live() {
			parts = append(parts, p)
		}
	}
	return parts
}

// attempt loads the parts once. It returns false without an error when the attempt is to be repeated: a shard was
// fenced or dropped.
func (k *committer) attempt(ctx context.Context, b *batch, parts []*part) (bool, error) {
	if err := k.acquire(ctx, parts); err != nil {
		return false, err
	}
	var load []row.Part
	for _, p := range parts {
		if !p.live() {
			return false, nil
		}
		if p.rows > 0 {
			load = append(load, row.Part{Shard: p.shard.id, Claim: *p.shard.claim, To: p.to, Skip: p.shard.floor})
		}
	}
	if len(load) == 0 {
		return true, nil // nothing to load wakes no warehouse
	}
	out, err := k.loader.Load(ctx, b.data, load)
	if err != nil {
		return false, err
	}
	if !out.Committed {
		k.fenced(out)
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range parts {
		n, moved := out.Moved[p.shard.id]
		if moved {
			p.shard.claim.At = p.to
		}
		k.tally.Skipped += p.rows - n
		p.rows = n
	}
	return true, nil
}

// acquire makes this worker the owner of the offsets of those parts' shards that have rows and are not acquired yet.
func (k *committer) acquire(ctx context.Context, parts []*part) error {
	var wanted []row.Wanted
	byID := map[string]*shard{}
	for _, p := range parts {
		s := p.shard
		if p.rows == 0 || s.claim != nil {
			continue
		}
		// A worker that was fenced may have lost its lease without knowing: only a write that succeeds now says
		// that the shard is still ours to acquire.
		if err := s.handle.Confirm(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if s.isLost() {
				continue
			}
			return fmt.Errorf("confirm the lease of shard %s: %w", s.id, err)
		}
		wanted = append(wanted, row.Wanted{Shard: s.id, HasOffsets: s.marked})
		byID[s.id] = s
	}
	if len(wanted) == 0 {
		return nil
	}
	claims, err := k.loader.Acquire(ctx, wanted)
	if err != nil {
		return err
	}
	for id, s := range byID {
		claim := claims[id]
		if !s.marked {
			if err := s.handle.MarkOffsets(ctx); err != nil && !s.isLost() {
				return fmt.Errorf("mark the lease of shard %s: %w", s.id, err)
			}
		}
		k.mu.Lock()
		s.marked, s.claim = true, &claim
		k.acquired(s, claim)
		k.mu.Unlock()
	}
	return nil
}

// acquired takes in where the sink's offset stands: what it has already is left out. The caller holds mu.
func (k *committer) acquired(s *shard, c row.Claim) {
	if !c.At.IsNumber() {
		return
	}
	if c.At.Compare(s.floor) > 0 {
		s.floor = c.At
		k.log.Info("the table is ahead of the checkpoint: its rows are left out", "shard", s.id, "offset", c.At.String())
	}
	if c.At.Compare(s.durable) > 0 {
		s.durable = c.At
	}
}

// fenced gives up the claims that the sink refused. Each is acquired again at the next attempt, if the lease can be
// confirmed; a shard whose lease is lost is dropped then.
func (k *committer) fenced(out row.Outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for s := range k.involved() {
		now, refused := out.Fenced[s.id]
		if !refused || s.claim == nil {
			continue
		}
		k.log.Warn("fenced: another worker moved or took the shard's offset", "shard", s.id,
			"our_epoch", s.claim.Epoch, "epoch", now.Epoch, "our_offset", s.claim.At.String(), "offset", now.At.String())
		if now.At.Compare(s.claim.At) < 0 {
			// The table has less than this worker believes it committed. Reading again from there loses nothing.
			k.log.Error("the offset went back: reading again from it", "shard", s.id, "offset", now.At.String())
			s.floor, s.durable = now.At, now.At
			s.readAgain(now.At)
		}
		s.claim = nil
	}
}

// involved is every shard of the batch that is being loaded. The caller holds mu.
func (k *committer) involved() map[*shard]struct{} {
	all := map[*shard]struct{}{}
	for _, p := range k.loading.parts {
		all[p.shard] = struct{}{}
	}
	return all
}

// settled hands on what a committed batch means: checkpoints, shards at their end, counts.
func (k *committer) settled(ctx context.Context, b *batch, parts []*part, began time.Time) {
	k.onState(nil)
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
func (k *committer) abandon(ctx context.Context, b *batch, pause *time.Duration) error {
	err := fmt.Errorf("spool a batch: %w", b.err)
	k.mu.Lock()
	for _, p := range b.parts {
		if p.live() {
			p.shard.readAgain(p.shard.durable)
		}
	}
	k.mu.Unlock()
	return k.trouble(ctx, err, pause)
}

// trouble reports an error and waits before the next attempt. It returns an error if there must be none.
func (k *committer) trouble(ctx context.Context, err error, pause *time.Duration) error {
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	severity := k.loader.Sort(err)
	if severity == Stop || severity == Operator && k.giveUp {
		return err
	}
	k.onState(err)
	k.log.ErrorContext(ctx, "cannot load; trying again", "error", err, "pause", *pause)
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(2**pause, maxRetry)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), err)
	}
}
