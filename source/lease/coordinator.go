package lease

import (
	"context"
	"errors"

	"kinesis-snowflake/internal/row"
)

// Coordinator holds leases for one worker: it scans the table, takes what is free or expired, renews what it holds,
// creates leases for new shards and removes those of shards that are gone.
type Coordinator struct{}

// Status is what a coordinator knows of the table.
type Status struct {
	Synced  bool // the table was scanned and has its leases
	Leases  int  // all of them
	Done    int  // finished
	Held    int  // held by this worker
	Open    int  // handed out by Next and unfinished
	Others  int  // unfinished and held by workers whose counters were seen to move
	Pending int  // unfinished and free, or held here but waiting for parents, or held by a worker not yet seen alive
}

// NewCoordinator returns a coordinator that has not started yet.
func NewCoordinator(cfg Config, store Store, lister Lister) (*Coordinator, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Coordinator{}, nil
}

// Run runs until Stop has released every lease (nil), ctx is done (its error; leases are abandoned, not released), or
// an error that is permanent. It calls Store.Ensure first. It must be called once.
func (c *Coordinator) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Next returns the next lease that may be read. It blocks until there is one, and returns ErrStopped after Drain,
// Stop or the end of Run, or ctx's error. Leases that lie in its queue are renewed meanwhile.
func (c *Coordinator) Next(ctx context.Context) (*Held, error) { return nil, ErrStopped }

// Drain ends the taking and handing out of leases. What is held stays held and is renewed.
func (c *Coordinator) Drain() {}

// Stop drains, writes pending checkpoints, releases every lease and ends Run. It returns once that is done, or with
// ctx's error, which abandons what is left. Call it after the shards' readers and consumers have ended.
func (c *Coordinator) Stop(ctx context.Context) error { return nil }

// Status returns a snapshot.
func (c *Coordinator) Status() Status { return Status{} }

type want uint8

const (
	markOffsets want = iota
	confirm
)

func (h *Held) hasOffsets() bool                       { return h.offsets }
func (h *Held) wait(ctx context.Context, w want) error { return nil }
func (h *Held) checkpoint(p row.Position)              {}
func (h *Held) finish(children []Shard)                {}
func (h *Held) close()                                 {}
