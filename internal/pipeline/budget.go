package pipeline

import (
	"context"
	"sync"
)

// budget is the number of bytes that may be in flight, lent to readers. It may be overdrawn once an answer's size is
// known, because refusing bytes that are here already would deadlock; whoever comes next then waits until the debt is
// paid back.
type budget struct {
	mu      sync.Mutex
	total   int64
	free    int64
	waiters []*waiter
}

type waiter struct {
	n     int64
	ready chan struct{}
}

func newBudget(total int64) *budget { return &budget{total: total, free: total} }

// Acquire takes n bytes, first come first served, and waits until they are free or ctx ends. A call
// for more than the whole budget waits for all of it, and overdraws.
func (b *budget) Acquire(ctx context.Context, n int64) error {
	b.mu.Lock()
	if len(b.waiters) == 0 && b.free >= min(n, b.total) {
		b.free -= n
		b.mu.Unlock()
		return nil
	}
	w := &waiter{n: n, ready: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, other := range b.waiters {
			if other == w {
				b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
				b.wake()
				return ctx.Err()
			}
		}
		b.free += n // it was granted while ctx ended
		b.wake()
		return ctx.Err()
	}
}

// Take takes n bytes at once, overdrawing if it must.
func (b *budget) Take(n int64) {
	b.mu.Lock()
	b.free -= n
	b.mu.Unlock()
}

// Release gives n bytes back.
func (b *budget) Release(n int64) {
	b.mu.Lock()
	b.free += n
	b.wake()
	b.mu.Unlock()
}

func (b *budget) wake() {
	for len(b.waiters) > 0 && b.free >= min(b.waiters[0].n, b.total) {
		b.free -= b.waiters[0].n
		close(b.waiters[0].ready)
		b.waiters = b.waiters[1:]
	}
}
