package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// ResetRequest says what is to be put back, and to where.
type ResetRequest struct {
	To     lease.Start // row.TrimHorizon, row.Latest, or row.AtTimestamp with its time
	Shards []string    // all when empty
}

// Action is what becomes of one shard's lease.
type Action string

// The actions of a reset.
const (
	Restart Action = "restart" // its row is put back
	Create  Action = "create"  // it has no row, and gets one
	Leave   Action = "leave"   // its row stays as it is
	Remove  Action = "remove"  // its row belongs to the stream that was there before, and goes
)

// ResetStep is what becomes of one shard.
type ResetStep struct {
	Shard  string
	Action Action
	Why    string       // of Leave and Remove
	Was    row.Position // the lease's checkpoint; zero when there was no row
	Offset row.Position // in Snowflake; zero when there was none
	First  row.Position // the record that reading would begin with, where rows in the table would come again; zero when not known
}

// ResetPlan is what a reset would do.
type ResetPlan struct {
	Request ResetRequest
	Stream  string
	Table   string // that is loaded
	Offsets string // the table of its offsets
	Leases  string // the lease table
	Steps   []ResetStep
	Notes   []string
	// Delete is the statement that takes those rows out of the table that will be loaded a second time; "" when there are none.
	Delete string

	info    source.StreamInfo
	listing lease.Listing
	graph   *lineage
	watched *watched
	ledger  *snowflake.Ledger
	exists  bool
}

// PlanReset finds out whether a reset can be done, and what it would do. It watches the leases for a lease duration and a
// margin, logs in to Snowflake and reads the offsets. It writes nothing. What stands against it is [ErrRefused].
func (a *Admin) PlanReset(ctx context.Context, r ResetRequest) (*ResetPlan, error) {
	if r.To.Position == row.AtTimestamp && r.To.Time.After(time.Now()) {
		return nil, refuse("%s lies in the future: choose a time that has passed, or LATEST", r.To.Time.Format(time.RFC3339))
	}
	p := &ResetPlan{Request: r, Stream: a.cfg.Source.Stream, Table: a.table().String(), Offsets: a.offsets().String(), Leases: a.cfg.Source.Application}
	var err error
	if p.info, err = a.tools.Describe(ctx); err != nil {
		return nil, err
	}
	// A wrong password or a missing grant shows before anything is waited for.
	if p.ledger, err = a.ledger(ctx, p.info); err != nil {
		return nil, err
	}
	if p.exists, err = a.leases.Exists(ctx); err != nil {
		return nil, err
	}
	p.watched = &watched{}
	if p.exists {
		if p.watched, err = a.still(ctx); err != nil {
			return nil, err
		}
		if err := p.watched.broken(); err != nil {
			return nil, err
		}
	} else {
		p.note("lease table %s does not exist, and is made", p.Leases)
	}
	if p.listing, err = a.tools.Shards(ctx); err != nil {
		return nil, err
	}
	var offsets map[string]snowflake.Offset
	if err := twice(func() (err error) { offsets, err = p.ledger.Positions(ctx); return err }); err != nil {
		return nil, err
	}
	if err := p.decide(offsets); err != nil {
		return nil, err
	}
	if err := a.doubles(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *ResetPlan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// moves are the shards that the plan puts back.
func (p *ResetPlan) moves() []string {
	var ids []string
	for _, s := range p.Steps {
		if s.Action == Restart || s.Action == Create {
			ids = append(ids, s.Shard)
		}
	}
	return ids
}

// Empty reports whether the plan changes nothing.
func (p *ResetPlan) Empty() bool {
	return !slices.ContainsFunc(p.Steps, func(s ResetStep) bool { return s.Action != Leave })
}
