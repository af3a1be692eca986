package lease

import "context"

// write runs one attempt. Its timeout leaves room for three in a lease.
func (c *Coordinator) write(ctx context.Context, w Write) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Duration/4)
	defer cancel()
	select {
	case c.writes <- struct{}{}:
		defer func() { <-c.writes }()
	case <-ctx.Done():
		c.tell(func(now Instant) {
			c.machine.Wrote(now, w.ID, Lease{}, &Error{Op: "write lease", Class: ClassThrottled, Err: ctx.Err()})
		})
		return
	}
	var l Lease
	var err error
	switch {
	case w.Create != nil:
		err = c.store.Create(ctx, *w.Create)
	case w.Update != nil:
		l, err = c.store.Update(ctx, *w.Update)
	case w.Delete != nil:
		err = c.store.Delete(ctx, w.Delete.Key, w.Delete.Counter)
	}
	if ClassOf(err) == ClassLost {
		c.uneasy.tell(writes, nil) // an answer, if not the one that was hoped for
	} else {
		c.uneasy.tell(writes, err)
	}
	c.tell(func(now Instant) { c.machine.Wrote(now, w.ID, l, err) })
}

func (c *Coordinator) scan(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Duration/2)
	defer cancel()
	s, err := c.store.Scan(ctx)
	c.uneasy.tell(reads, err)
	c.tell(func(now Instant) {
		c.machine.Scanned(now, s, err)
		c.standBy(now, err)
	})
}

// standBy says once that this worker has no lease, and what it waits for. It runs under c.mu, after a look.
func (c *Coordinator) standBy(now Instant, err error) {
	s := c.machine.Status(now)
	switch {
	case s.Held > 0:
		c.idle = false
	case err == nil && !c.idle && !c.closed && c.machine.Waits():
		c.idle = true
		c.log.Info("standing by: other workers have the leases; they are taken when those hand them over or fall silent",
			"leases", s.Leases-s.Done, "alive", s.Others, "to_expire", s.Pending, "after", c.cfg.Duration)
	}
}

func (c *Coordinator) list(ctx context.Context, req ListRequest) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	l, err := c.lister.ListShards(ctx, req.Start)
	c.unlisted.tell(reads, err)
	c.tell(func(now Instant) { c.machine.Listed(now, req, l, err) })
}

// tell gives the machine an input and wakes the loop.
func (c *Coordinator) tell(input func(now Instant)) {
	now := c.clock.Now()
	c.mu.Lock()
	input(now)
	c.mu.Unlock()
	wake(c.kick)
}
