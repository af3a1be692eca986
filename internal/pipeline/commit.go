package pipeline

import (
	"context"
	"errors"
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

	pause time.Duration // before the next attempt; zero while there is no trouble
	ill   time.Time     // when the trouble began
	line  time.Time     // when the last line about trouble was written
	said  bool          // since the last recovery
}

// maxRetry is the longest pause between attempts at the same batch. Readers wait meanwhile; leases are renewed.
const maxRetry = 30 * time.Second

// maxIdle is how long the committer sleeps when there is no batch to wait for; a change wakes it.
const maxIdle = time.Hour

// errNotCommitted: the outcome of a batch was in doubt, and it turned out that nothing was committed.
var errNotCommitted = errors.New("the connection failed before the commit")

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
	began := time.Now()
	for {
		if b.err != nil {
			return k.abandon(ctx, b)
		}
		parts := k.liveParts(b)
		if len(parts) == 0 {
			k.recovered(ctx)
			return nil
		}
		done, err := k.attempt(ctx, b, parts)
		if err == nil && done {
			k.recovered(ctx)
			k.settled(ctx, b, parts, began)
			return nil
		}
		if err != nil && k.loader.Sort(err) == Lost {
			// The next round drops the batch and has it read again. Should an earlier attempt have been committed after
			// all, the offsets say so.
			b.err = err
			continue
		}
		if err != nil {
			if err := k.trouble(ctx, err); err != nil {
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
	if !out.Committed && len(out.Fenced) == 0 {
		return false, errNotCommitted
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
