package delivery

import (
	"errors"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Lease is what is known of a shard when its reading begins.
type Lease struct {
	Shard      string
	Start      row.Position // everything up to it was done when the lease was taken
	HasOffsets bool         // the lease remembers that the sink has offsets for the shard
}

// Verdict is what becomes of an answer.
type Verdict uint8

const (
	// Entered: the answer belongs to a batch, and Leave must follow. Idle's answer is taken note of: no Leave follows.
	Entered Verdict = iota
	// Full: there is no room. Try again once Woken, or stop.
	Full
	// Rewound: the answer is of no use; read again from just after a position.
	Rewound
	// Gone: the lease is lost, so nothing of the shard enters a batch.
	Gone
)

// Entry is the outcome of Enter and Idle.
type Entry struct {
	Verdict Verdict
	Batch   BatchID      // of Entered
	Skip    row.Position // of Entered: records at or before it are in the table, or in a batch, already
	After   row.Position // of Rewound; not a number means the shard's own start
}

// Answer is what became of an answer that has entered a batch.
type Answer struct {
	Last    row.Position // of its last record, zero if it has none; the machine keeps it
	Records int64        // transformed
	Rows    int64        // appended
	Failed  int64        // records that became no row
	// Filtered are records of which nothing was to be loaded, Violations messages that violate the schema and were appended.
	Filtered, Violations int64
	Bytes                int64         // payload
	Behind               time.Duration // distance from the shard's tip
	End                  bool          // the shard ends with it
	Err                  error         // the batch is of no use
}

// shard is one holding of a shard's lease.
type shard struct {
	ref Ref
	id  string

	reading int           // how often reading began anew; parts of an earlier reading are dead
	rewind  *row.Position // what the reader must be told
	read    row.Position  // everything up to it is in a batch, or done
	durable row.Position  // everything up to it is committed: where a rewind goes
	floor   row.Position  // rows at or before it are in the table already

	claim     row.Claim
	claimed   bool // false until acquired, and after being fenced
	confirmed bool // the lease was written since the claim was given up
	marked    bool // the lease remembers the offsets

	open, loading *part
	lost          bool
	closed        bool
	waiting       bool // was told Full, and not woken since
	leaving       bool // is drained
	drained       bool // and Drained was told
	ending        bool // the shard's end is in a batch
	ended         bool // the shard's end is committed
	tip           bool // the last answer was empty, and at the tip
	behind        time.Duration

	records, loaded, failed int64
}

// Open begins a shard whose lease is held.
func (m *Machine) Open(_ time.Duration, l Lease) Ref {
	m.lastRef++
	s := &shard{ref: m.lastRef, id: l.Shard, read: l.Start, durable: l.Start, floor: l.Start, marked: l.HasOffsets, behind: -1}
	if !s.floor.IsNumber() {
		s.floor = row.Position{}
	}
	m.shards[s.ref] = s
	return s.ref
}

// Enter asks for a place in the open batch for the next answer of a shard. A shard's answers come one at a time.
func (m *Machine) Enter(now time.Duration, ref Ref) Entry {
	s := m.shards[ref]
	if s == nil || s.lost {
		return Entry{Verdict: Gone}
	}
	if s.rewind != nil {
		return s.rewound()
	}
	if m.open.full(m.cfg) || !m.clean(s) {
		return m.wait(s)
	}
	p := s.open
	if p == nil {
		p = m.open.add(now, s)
	}
	p.active = true
	m.open.active++
	s.tip = false
	return Entry{Batch: m.open.id, Skip: s.skip()}
}

// skip is what an answer may leave out: what the table has, and what was read before. A reader begins with the whole
// aggregate that its position stands in.
func (s *shard) skip() row.Position {
	if s.read.IsNumber() && s.read.Compare(s.floor) > 0 {
		return s.read
	}
	return s.floor
}

// clean reports whether the open batch holds no dead rows of the shard. If it does, it is sealed soon: the next one is
// clean.
func (m *Machine) clean(s *shard) bool {
	p := m.open.parts[s.id]
	if p == nil || p.shard == s && p.reading == s.reading {
		return true
	}
	m.flush = true
	return false
}

func (s *shard) rewound() Entry {
	to := *s.rewind
	s.rewind = nil
	return Entry{Verdict: Rewound, After: to}
}

func (m *Machine) wait(s *shard) Entry {
	if !s.waiting {
		s.waiting = true
		m.waiting = append(m.waiting, s)
	}
	return Entry{Verdict: Full}
}

func (m *Machine) rouse(s *shard) {
	if s.waiting {
		s.waiting = false
		m.event(Event{Kind: Woken, Shard: s.ref})
	}
}

// Leave says that an answer that entered a batch is appended, or failed to be. An error makes the batch useless: it is
// dropped, and its shards are read again.
func (m *Machine) Leave(now time.Duration, ref Ref, id BatchID, a Answer) {
	s, b := m.shards[ref], m.open
	if b.id != id {
		b = m.loading
	}
	p := b.parts[s.id]
	b.active--
	p.active = false
	b.err = errors.Join(b.err, a.Err)
	if !a.Last.IsZero() {
		p.to = a.Last
	}
	p.rows += a.Rows
	p.failed += a.Failed
	p.filtered += a.Filtered
	p.violations += a.Violations
	p.bytes += a.Bytes
	b.rows += a.Rows
	b.bytes += a.Bytes
	s.records += a.Records
	m.tally.Read += a.Records
	s.behind = a.Behind
	if p.reading == s.reading { // else a rewind came while the answer was being appended, and it does not count
		s.read = p.to
		if a.End {
			m.end(s, p)
		}
		m.early(s, p)
	}
	m.hurry(now, s)
}

// Idle takes note of an answer without records. The first one with the shard's end belongs to a batch like any other,
// but takes no room in it.
func (m *Machine) Idle(now time.Duration, ref Ref, behind time.Duration, end bool) Entry {
	s := m.shards[ref]
	if s == nil || s.lost {
		return Entry{Verdict: Gone}
	}
	if s.rewind != nil {
		return s.rewound()
	}
	s.behind = behind
	if end && !s.ending {
		if !m.clean(s) {
			return m.wait(s)
		}
		p := s.open
		if p == nil {
			p = m.open.add(now, s)
		}
		m.end(s, p)
		m.early(s, p)
		m.hurry(now, s)
	}
	s.tip = behind == 0
	return Entry{}
}

func (m *Machine) end(s *shard, p *part) { p.end, s.ending = true, true }

// readAgain drops what was read since a position: parts of the reading so far are dead from now on.
func (m *Machine) readAgain(s *shard, after row.Position) {
	if !m.cfg.Broken.Has(mutant.KeepDeadParts) {
		s.reading++
	}
	s.rewind = &after
	s.read = after
	s.ending = false
	s.tip = false
	m.rouse(s)
}

// Lost says that a shard's lease is lost. It is idempotent.
func (m *Machine) Lost(_ time.Duration, ref Ref) {
	if s := m.shards[ref]; s != nil && !s.lost {
		s.lost = true
		m.rouse(s)
	}
}

// Close says that no Enter, Idle or Drain of the shard follows. What is in a batch stays there.
func (m *Machine) Close(_ time.Duration, ref Ref) {
	if s := m.shards[ref]; s != nil {
		s.closed, s.waiting = true, false
		m.forget(s)
	}
}

// forget drops a closed shard that no batch refers to.
func (m *Machine) forget(s *shard) {
	if !s.closed || s.open != nil || s.loading != nil || m.shards[s.ref] == nil {
		return
	}
	delete(m.shards, s.ref)
	m.event(Event{Kind: Forgotten, Shard: s.ref})
}
