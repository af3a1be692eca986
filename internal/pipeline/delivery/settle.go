package delivery

import (
	"fmt"
	"time"
)

// settle hands on what a batch means of which parts are committed, or of which nothing was left to commit.
func (m *Machine) settle(now time.Duration, parts []*part) {
	b := m.loading
	e := Event{Kind: Settled, Batch: b.id, For: now - b.sealed}
	for _, p := range parts {
		m.committed(p)
		e.Counts.Rows += p.rows
		e.Counts.Failed += p.failed
		e.Counts.Filtered += p.filtered
		e.Counts.Violations += p.violations
	}
	if len(parts) > 0 {
		e.Counts.Parts, e.Counts.Bytes = len(parts), b.bytes
		m.tally.Bytes += b.bytes
	}
	if e.Counts.Rows > 0 {
		m.tally.Batches++
	}
	m.pause, m.resume = 0, 0
	m.event(e)
	m.unload(now)
}

// committed hands on what a committed part means for its shard.
func (m *Machine) committed(p *part) {
	s := p.shard
	if p.to.Compare(s.durable) > 0 {
		s.durable = p.to
	}
	if p.to.IsNumber() {
		m.event(Event{Kind: Checkpoint, Shard: s.ref, At: p.to})
	}
	if p.end && p.live() {
		s.ended = true
		m.event(Event{Kind: Finish, Shard: s.ref})
	}
	s.loaded += p.rows
	s.failed += p.failed
	m.tally.Loaded += p.rows
	m.tally.Failed += p.failed
	m.tally.Filtered += p.filtered
	m.tally.Violations += p.violations
}

// abandon drops a batch whose files are of no use, and has its shards read again.
func (m *Machine) abandon(now time.Duration) {
	b := m.loading
	for _, p := range b.live() {
		m.readAgain(p.shard, p.shard.durable)
	}
	err := fmt.Errorf("spool a batch: %w", b.err)
	m.unload(now)
	m.trouble(now, err)
}

// fail meets the error of a step.
func (m *Machine) fail(now time.Duration, err error) {
	for _, p := range m.loading.order {
		p.shard.confirmed = false // each attempt confirms anew
	}
	if m.cfg.Sort(err) == Lost {
		// The next step drops the batch and has it read again. Should an earlier attempt have been committed after all,
		// the offsets say so.
		m.loading.err = err
		return
	}
	m.trouble(now, err)
}

// trouble tells of an error and pauses before the next attempt, or ends the machine if there must be none.
func (m *Machine) trouble(now time.Duration, err error) {
	if severity := m.cfg.Sort(err); severity == Stop || severity == Operator && m.cfg.GiveUp {
		m.fatal = err
		if m.loading != nil {
			m.event(Event{Kind: Discard, Batch: m.loading.id})
		}
		return
	}
	if m.pause == 0 {
		m.ill, m.pause = now, m.cfg.Retry
	}
	m.event(Event{Kind: Trouble, Err: err, Pause: m.pause, For: now - m.ill})
	m.resume = now + m.pause
	m.pause = min(2*m.pause, m.cfg.MaxRetry)
}
