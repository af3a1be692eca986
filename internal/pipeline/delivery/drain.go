package delivery

import (
	"time"

	"kinesis-snowflake/internal/mutant"
)

// Drain says that a shard's reader has stopped because another worker asked for the shard. Drained follows once nothing
// of it is left to commit. It is idempotent.
func (m *Machine) Drain(now time.Duration, ref Ref) {
	s := m.shards[ref]
	if s == nil || s.lost {
		return
	}
	s.leaving = true
	m.hurry(now, s)
}

// hurry does what it can for a shard whose end is read, or that is drained: others wait for its commit.
func (m *Machine) hurry(now time.Duration, s *shard) {
	if !s.ending && !s.leaving || s.lost {
		return
	}
	if s.loading != nil && s.loading.live() {
		return // it comes here again when that is committed or dropped
	}
	p := s.open
	switch {
	case p == nil || !p.live():
		m.drained(s)
	case p.active:
	case p.rows == 0 && m.open.err == nil:
		m.open.remove(p)
		m.committed(p)
		m.tally.Bytes += p.bytes
		m.drained(s)
	default:
		m.open.urgent = m.open.urgent || p.end
		m.open.leaving = m.open.leaving || s.leaving
	}
}

func (m *Machine) drained(s *shard) {
	if s.leaving && !s.drained {
		s.drained = true
		m.event(Event{Kind: Drained, Shard: s.ref})
	}
}

// early breaks the rule that nothing is told to a lease before its commit.
func (m *Machine) early(s *shard, p *part) {
	if m.cfg.Broken.Has(mutant.CheckpointBeforeCommit) && p.to.IsNumber() {
		m.event(Event{Kind: Checkpoint, Shard: s.ref, At: p.to})
	}
	if m.cfg.Broken.Has(mutant.FinishBeforeCommit) && p.end {
		m.event(Event{Kind: Finish, Shard: s.ref})
	}
}
