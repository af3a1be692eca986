package lease

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxWrites bounds calls to the store that run at once. At 10 ms a call, 64 renew over 20000 leases of 10 s.
	maxWrites = 64
	// listTimeout bounds one listing, which may have many pages and holds nothing up.
	listTimeout = 30 * time.Second
	// ensureRetry is the pause after a table could not be looked at.
	ensureRetry = time.Second
)

// Coordinator holds leases for one worker: it scans the table, takes what is free or expired, renews what it holds,
// creates leases for new shards and removes those of shards that are gone.
//
// One goroutine, in Run, asks the [Machine] what is due; each call to the store has its own, so that a slow one holds
// up no other. Nothing that a user of leases does can delay a renewal.
type Coordinator struct {
	cfg      Config
	store    Store
	lister   Lister
	log      *slog.Logger
	clock    Clock
	uneasy   *trouble // with the lease table
	unlisted *trouble // with the stream's shards

	kick    chan struct{} // the machine has something to do
	writes  chan struct{} // a slot a call that runs
	ready   chan struct{} // the queue of opened leases has one, or is closed
	stops   chan struct{} // Stop was called
	stopped chan struct{} // Run has ended
	calls   sync.WaitGroup

	mu       sync.Mutex
	machine  *Machine
	helds    map[uint64]*Held // by holding; until it is over and closed
	opened   []*Held
	closed   bool // no lease will be handed out any more
	tokens   uint64
	waits    map[uint64]chan error
	idle     bool      // that it has no lease was said
	noted    time.Time // when the last Noted event was said
	ended    bool      // Run has ended
	stopping bool      // stops is closed
	err      error     // of Run
}

// NewCoordinator returns a coordinator that has not started yet.
func NewCoordinator(cfg Config, store Store, lister Lister) (*Coordinator, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure leases: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Clock == nil {
		cfg.Clock = SystemClock()
	}
	if cfg.Seed == 0 {
		var b [8]byte
		rand.Read(b[:]) // never fails
		cfg.Seed = binary.LittleEndian.Uint64(b[:])
	}
	if cfg.Instance == "" {
		cfg.Instance = rand.Text()
	}
	return &Coordinator{
		cfg:      cfg,
		store:    store,
		lister:   lister,
		log:      cfg.Logger,
		clock:    cfg.Clock,
		uneasy:   newTrouble(cfg.Logger, cfg.Trouble),
		unlisted: newListTrouble(cfg.Logger),
		kick:     make(chan struct{}, 1),
		writes:   make(chan struct{}, maxWrites),
		ready:    make(chan struct{}, 1),
		stops:    make(chan struct{}),
		stopped:  make(chan struct{}),
		machine:  NewMachine(cfg),
		helds:    map[uint64]*Held{},
		waits:    map[uint64]chan error{},
	}, nil
}

// Run runs until Stop has released every lease (nil), ctx is done (its error; leases are abandoned, not released), or
// an error that is permanent. It calls Store.Ensure first. It must be called once.
func (c *Coordinator) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	err := c.ensure(ctx)
	if errors.Is(err, ErrStopped) {
		err = nil // before there was a lease to release
	} else if err == nil {
		err = c.loop(ctx)
	}
	cancel()
	c.calls.Wait()
	c.end(err)
	return err
}

// ensure waits for the table, until ctx is done or Stop is called (ErrStopped).
func (c *Coordinator) ensure(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-c.stops:
			cancel(ErrStopped)
		case <-ctx.Done():
		}
	}()
	for {
		err := c.store.Ensure(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case ClassOf(err) == ClassPermanent:
			return err
		}
		c.uneasy.tell(reads, err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(ensureRetry):
		}
	}
}

func (c *Coordinator) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := c.clock.Now()
		c.mu.Lock()
		out := c.machine.Advance(now)
		c.deliver(out.Events)
		c.mu.Unlock()

		if out.Fatal != nil {
			return out.Fatal
		}
		if out.Stopped {
			return nil
		}
		for _, w := range out.Writes {
			c.calls.Go(func() { c.write(ctx, w) })
		}
		if out.Scan {
			c.calls.Go(func() { c.scan(ctx) })
		}
		if out.List != nil {
			c.calls.Go(func() { c.list(ctx, *out.List) })
		}
		timer.Reset(max(0, out.Wake-now.Mono))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-c.kick:
		}
	}
}

// Drain ends the taking and handing out of leases. What is held stays held and is renewed.
func (c *Coordinator) Drain() {
	c.mu.Lock()
	c.machine.Drain()
	c.shutQueue()
	c.mu.Unlock()
	wake(c.kick)
}

// Stop drains, writes pending checkpoints, releases every lease and ends Run. It returns once that is done, or with
// ctx's error, which abandons what is left. Call it after the shards' readers and consumers have ended.
func (c *Coordinator) Stop(ctx context.Context) error {
	c.mu.Lock()
	c.machine.Stop()
	c.shutQueue()
	if !c.stopping {
		c.stopping = true
		close(c.stops)
	}
	c.mu.Unlock()
	wake(c.kick)
	select {
	case <-c.stopped:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	case <-ctx.Done():
		return fmt.Errorf("release leases: %w", ctx.Err())
	}
}

// end closes everything that somebody may wait for.
func (c *Coordinator) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.shutQueue()
	for _, h := range c.helds {
		if !h.over {
			h.over = true
			close(h.lost)
		}
	}
	for token, w := range c.waits {
		delete(c.waits, token)
		w <- ErrLost
	}
	c.ended = true
	close(c.stopped)
}

// Status returns a snapshot.
func (c *Coordinator) Status() Status {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine.Status(now)
}

// wake sends a signal that needs to be seen once.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
