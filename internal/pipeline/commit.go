package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
)

// committer does what the machine wants done, one step at a time.
type committer struct{ *core }

const (
	// maxRetry is the longest pause between attempts at the same batch. Readers wait meanwhile; leases are renewed.
	maxRetry = 30 * time.Second
	// maxIdle is how long the committer sleeps when there is no batch to wait for; a change wakes it.
	maxIdle = time.Hour
	// maxWrites bounds the writes to leases that are waited for at once.
	maxWrites = 16
)

// run loads batches until stop is closed and the open batch is empty, or ctx ends, or an error ends the pipeline.
func (k *committer) run(ctx context.Context, stop <-chan struct{}) error {
	defer k.discard(k.abandon)
	for {
		var t todo
		k.discard(func() []Batch {
			k.lookForLost()
			k.advance()
			t = k.todo
			k.todo.op, k.todo.discard = nil, nil
			return t.discard
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case t.fatal != nil:
			return t.fatal
		case t.op != nil:
			if err := k.do(ctx, t.op); err != nil {
				return err
			}
			continue
		case t.done:
			return nil
		}
		if k.wait(ctx, stop, t.wake) {
			stop = nil
		}
	}
}

// wait returns when there may be something to do, and reports whether that is because of stop.
func (k *committer) wait(ctx context.Context, stop <-chan struct{}, until time.Duration) bool {
	due := time.NewTimer(min(until-k.now(), maxIdle))
	defer due.Stop()
	select {
	case <-k.kick:
	case <-due.C:
	case <-ctx.Done():
	case <-stop:
		k.mu.Lock()
		k.machine.Stop(k.now())
		k.mu.Unlock()
		return true
	}
	return false
}

// discard frees batches outside of mu, which the function that names them runs under.
func (k *committer) discard(which func() []Batch) {
	k.mu.Lock()
	batches := which()
	k.mu.Unlock()
	for _, b := range batches {
		b.Discard()
	}
}

// abandon gives up what is being loaded: nobody appends to it any more. The caller holds mu.
func (k *committer) abandon() []Batch {
	batches := k.todo.discard
	if id, ok := k.machine.Loading(); ok && k.batches[id] != nil {
		batches = append(batches, k.batches[id])
		delete(k.batches, id)
	}
	return batches
}

// do does one step and tells the machine how it ended. It returns an error if that does not matter any more, because
// ctx ended.
func (k *committer) do(ctx context.Context, op *delivery.Op) error {
	var report func(now time.Duration)
	var err error
	switch m := k.machine; op.Kind {
	case delivery.Confirm:
		errs := k.each(op.Shards, func(s *shard) error { return s.handle.Confirm(ctx) })
		err = errors.Join(errs...)
		report = func(now time.Duration) { m.Confirmed(now, op.ID, errs) }
	case delivery.Mark:
		errs := k.each(op.Shards, func(s *shard) error { return s.handle.MarkOffsets(ctx) })
		err = errors.Join(errs...)
		report = func(now time.Duration) { m.Marked(now, op.ID, errs) }
	case delivery.Acquire:
		claims, failed := k.loader.Acquire(ctx, op.Wanted)
		err = failed
		report = func(now time.Duration) { m.Acquired(now, op.ID, claims, failed) }
	case delivery.Load:
		k.mu.Lock()
		data := k.batch(op.Batch)
		k.mu.Unlock()
		out, failed := k.loader.Load(ctx, data, op.Parts)
		err = failed
		report = func(now time.Duration) { m.Loaded(now, op.ID, out, failed) }
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookForLost()
	report(k.now())
	k.advance()
	return nil
}

// each does something for each of the shards, some at once, and returns their errors.
func (k *committer) each(refs []delivery.Ref, do func(*shard) error) []error {
	shards := make([]*shard, len(refs))
	k.mu.Lock()
	for i, ref := range refs {
		shards[i] = k.shards[ref]
	}
	k.mu.Unlock()
	errs := make([]error, len(refs))
	slots := make(chan struct{}, maxWrites)
	var all sync.WaitGroup
	for i, s := range shards {
		slots <- struct{}{}
		all.Go(func() {
			errs[i] = do(s)
			<-slots
		})
	}
	all.Wait()
	return errs
}
