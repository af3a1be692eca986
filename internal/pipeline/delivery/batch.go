package delivery

import (
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// batch is an open or sealed batch.
type batch struct {
	id      BatchID
	parts   map[string]*part // by the shard's id: two holdings of one shard do not share a batch
	order   []*part          // as their shards entered
	active  int              // answers being appended
	first   time.Duration    // when the first answer came in
	sealed  time.Duration
	bytes   int64
	rows    int64
	urgent  bool  // a shard ends with it: its children wait for the commit
	leaving bool  // a drain waits for it
	err     error // the data is of no use
}

// part is one shard's share of a batch.
type part struct {
	shard   *shard
	reading int // shard.reading when the part began; a later one makes the part dead
	to      row.Position
	rows    int64
	failed  int64
	bytes   int64

	filtered, violations int64

	end    bool
	active bool // an answer is being appended
}

// live reports whether the part is to be committed.
func (p *part) live() bool { return p.reading == p.shard.reading && !p.shard.lost }

func (m *Machine) newBatch() *batch {
	m.lastID++
	return &batch{id: m.lastID, parts: map[string]*part{}}
}

func (b *batch) empty() bool { return len(b.order) == 0 }

// full reports whether no further answer may enter.
func (b *batch) full(c Config) bool {
	return b.bytes >= c.MaxBytes || b.rows >= c.MaxRows || b.err != nil
}

// add begins a shard's part.
func (b *batch) add(now time.Duration, s *shard) *part {
	if b.empty() {
		b.first = now
	}
	p := &part{shard: s, reading: s.reading, to: s.read}
	b.parts[s.id], s.open = p, p
	b.order = append(b.order, p)
	return p
}

// remove takes out a part without rows.
func (b *batch) remove(p *part) {
	delete(b.parts, p.shard.id)
	b.order = slices.DeleteFunc(b.order, func(q *part) bool { return q == p })
	b.bytes -= p.bytes
	p.shard.open = nil
}

func (b *batch) live() (parts []*part) {
	for _, p := range b.order {
		if p.live() {
			parts = append(parts, p)
		}
	}
	return parts
}

// seal puts a new open batch in place of the open one, which is loaded once nothing is appended to it any more.
func (m *Machine) seal(now time.Duration) {
	b := m.open
	b.sealed = now
	if b.leaving {
		m.gathered = now + m.cfg.Gather
	}
	for _, p := range b.order {
		p.shard.open, p.shard.loading = nil, p
	}
	m.loading, m.open, m.flush = b, m.newBatch(), false
	for _, s := range m.waiting {
		m.rouse(s)
	}
	m.waiting = m.waiting[:0]
}

// unload ends the sealed batch, whatever became of it.
func (m *Machine) unload(now time.Duration) {
	b := m.loading
	m.loading, m.parts = nil, nil
	m.event(Event{Kind: Discard, Batch: b.id})
	for _, p := range b.order {
		s := p.shard
		s.loading = nil
		m.hurry(now, s)
		m.forget(s)
	}
}
