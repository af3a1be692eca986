package lease

import (
	"context"
	"errors"
	"time"
)

// deliver runs under c.mu. It only closes channels and fills the queue, so it never waits for anybody.
func (c *Coordinator) deliver(events []Event) {
	for _, e := range events {
		switch e.Kind {
		case Opened:
			h := &Held{c: c, key: e.Key, gen: e.Gen, start: e.Lease.Checkpoint, time: e.Time, offsets: e.Lease.Offsets, hashes: [2]string{e.Lease.StartHash, e.Lease.EndHash},
				lost: make(chan struct{}), asked: make(chan struct{}), finished: make(chan struct{})}
			c.helds[e.Gen] = h
			c.opened = append(c.opened, h)
			wake(c.ready)
			c.log.Info("lease taken", "shard", e.Key, "start", e.Lease.Checkpoint.String(), "counter", e.Lease.Counter)
		case Gone:
			h := c.helds[e.Gen]
			close(h.lost)
			c.forget(h, true)
			switch {
			case errors.Is(e.Err, errReleased):
				c.log.Info("lease released", "shard", e.Key)
			case errors.Is(e.Err, errHanded):
				c.log.Info("lease handed over", "shard", e.Key)
			case errors.Is(e.Err, errReopened):
				c.log.Info("lease is no longer asked for", "shard", e.Key)
			default:
				c.log.Warn("lease lost", "shard", e.Key, "error", e.Err)
			}
		case Asked:
			close(c.helds[e.Gen].asked)
			c.log.Debug("another worker asks for a lease", "shard", e.Key)
		case Ended:
			h := c.helds[e.Gen]
			close(h.finished)
			c.forget(h, true)
			c.log.Info("shard finished", "shard", e.Key)
		case Answered:
			if w, ok := c.waits[e.Token]; ok {
				delete(c.waits, e.Token)
				w <- e.Err // has room for one
			}
		case Noted:
			// A listing that is torn by a reshard is read again each second.
			if now := time.Now(); c.noted.IsZero() || now.Sub(c.noted) >= linePause {
				c.noted = now
				c.log.Warn("leases", "error", e.Err)
			}
		}
	}
}

// forget drops a holding that is both over and closed.
func (c *Coordinator) forget(h *Held, over bool) {
	h.over = h.over || over
	if h.over && h.closed {
		delete(c.helds, h.gen)
	}
}

// Next returns the next lease that may be read. It blocks until there is one, and returns ErrStopped after Drain,
// Stop or the end of Run, or ctx's error. Leases that lie in its queue are renewed meanwhile.
func (c *Coordinator) Next(ctx context.Context) (*Held, error) {
	for {
		if h, err := c.pop(); h != nil || err != nil {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ready:
		}
	}
}

func (c *Coordinator) pop() (*Held, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		wake(c.ready) // for others that wait
		return nil, ErrStopped
	}
	for len(c.opened) > 0 {
		h := c.opened[0]
		c.opened = c.opened[1:]
		if len(c.opened) > 0 {
			wake(c.ready)
		}
		if !h.over {
			return h, nil
		}
		c.shut(h) // lost before anybody had it
	}
	return nil, nil
}

// shutQueue ends the handing out. Leases that nobody fetched are held until Stop.
func (c *Coordinator) shutQueue() {
	c.closed = true
	for _, h := range c.opened {
		c.shut(h)
	}
	c.opened = nil
	wake(c.ready)
}
