package delivery

import (
	"errors"
	"fmt"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// errNotCommitted: the outcome of a batch was in doubt, and it turned out that nothing was committed.
var errNotCommitted = errors.New("the connection failed before the commit")

// step begins the next step of the sealed batch, or ends it.
func (m *Machine) step(now time.Duration) {
	b := m.loading
	if b.err != nil {
		m.abandon(now)
		return
	}
	parts := b.live()
	var confirm, mark []Ref
	var wanted []row.Wanted
	var load []row.Part
	for _, p := range parts {
		s := p.shard
		switch {
		case p.rows == 0: // nothing to load wakes no warehouse
		case !s.claimed && !s.confirmed:
			// A worker that was fenced may have lost its lease without knowing: only a write that succeeds now says that
			// the shard is still ours to acquire.
			confirm = append(confirm, s.ref)
		case !s.claimed:
			wanted = append(wanted, row.Wanted{Shard: s.id, HasOffsets: s.marked})
		case !s.marked:
			mark = append(mark, s.ref)
		default:
			load = append(load, row.Part{Shard: s.id, Claim: s.claim, To: p.to, Skip: s.floor})
		}
	}
	switch {
	case len(confirm) > 0:
		m.begin(Op{Kind: Confirm, Shards: confirm})
	case len(wanted) > 0:
		m.begin(Op{Kind: Acquire, Wanted: wanted})
	case len(mark) > 0:
		m.begin(Op{Kind: Mark, Shards: mark})
	case len(load) > 0:
		m.parts = parts
		m.begin(Op{Kind: Load, Batch: b.id, Parts: load})
	default:
		m.settle(now, parts)
	}
}

// Confirmed answers a Confirm, with one error for each of its Shards: nil if a conditional write of its lease that began
// after the Op succeeded. Lost should be told first.
func (m *Machine) Confirmed(now time.Duration, op uint64, errs []error) {
	if o := m.answered(op, Confirm); o != nil {
		m.each(now, o.Shards, errs, "confirm", func(s *shard) { s.confirmed = true })
	}
}

// Marked answers a Mark, with one error for each of its Shards. Lost should be told first.
func (m *Machine) Marked(now time.Duration, op uint64, errs []error) {
	if o := m.answered(op, Mark); o != nil {
		m.each(now, o.Shards, errs, "mark", func(s *shard) { s.marked = true })
	}
}

// each takes in the outcomes of writes to leases. That of a lost lease does not matter: its part is dropped.
func (m *Machine) each(now time.Duration, refs []Ref, errs []error, verb string, ok func(*shard)) {
	var failed error
	for i, ref := range refs {
		switch s := m.shards[ref]; {
		case errs[i] == nil:
			ok(s)
		case !s.lost && failed == nil:
			failed = fmt.Errorf("%s the lease of shard %s: %w", verb, s.id, errs[i])
		}
	}
	if failed != nil {
		m.fail(now, failed)
	}
}

// Acquired answers an Acquire.
func (m *Machine) Acquired(now time.Duration, op uint64, claims map[string]row.Claim, err error) {
	o := m.answered(op, Acquire)
	if o == nil {
		return
	}
	if err != nil {
		m.fail(now, err)
		return
	}
	for _, w := range o.Wanted {
		claim, ok := claims[w.Shard]
		if !ok {
			m.fail(now, fmt.Errorf("acquire the offset of shard %s: the sink gave none", w.Shard))
			return
		}
		m.acquired(m.loading.parts[w.Shard].shard, claim)
	}
}

// acquired takes in where the sink's offset stands: what it has already is left out.
func (m *Machine) acquired(s *shard, c row.Claim) {
	s.claim, s.claimed, s.confirmed = c, true, false
	if !c.At.IsNumber() {
		return
	}
	if c.At.Compare(s.floor) > 0 && !m.cfg.Broken.Has(mutant.NoSkip) {
		s.floor = c.At
		m.event(Event{Kind: Ahead, Shard: s.ref, At: c.At})
	}
	if c.At.Compare(s.durable) > 0 {
		s.durable = c.At
		m.event(Event{Kind: Checkpoint, Shard: s.ref, At: c.At})
	}
}

// Loaded answers a Load. An error means that nothing is committed.
func (m *Machine) Loaded(now time.Duration, op uint64, out row.Outcome, err error) {
	o := m.answered(op, Load)
	switch {
	case o == nil:
	case err != nil:
		m.fail(now, err)
	case out.Committed:
		for _, p := range m.parts {
			n := out.Moved[p.shard.id]
			if n > 0 {
				p.shard.claim.At = p.to
			}
			m.tally.Skipped += p.rows - n
			p.rows = n
		}
		m.settle(now, m.parts)
	case len(out.Fenced) == 0:
		m.fail(now, errNotCommitted)
	default:
		m.fenced(out)
	}
}

// fenced gives up the claims that the sink refused. Each is acquired again at the next step, if the lease can be
// confirmed; a shard whose lease is lost is dropped then.
func (m *Machine) fenced(out row.Outcome) {
	for _, p := range m.loading.order {
		s := p.shard
		now, refused := out.Fenced[s.id]
		if !refused {
			continue
		}
		m.event(Event{Kind: Fenced, Shard: s.ref, Ours: s.claim, Theirs: now})
		if now.At.Compare(s.claim.At) < 0 {
			// The table has less than this worker believes it committed. Reading again from there loses nothing.
			m.event(Event{Kind: WentBack, Shard: s.ref, At: now.At})
			s.floor, s.durable = now.At, now.At
			m.readAgain(s, now.At)
		}
		s.claimed = false
	}
}
