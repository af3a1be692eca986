package lease

import (
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

const (
	// A lease above this worker's share is left to the others for a moment, for longer the further above: they find it
	// within a look. Not for much longer, because a lease that nobody reads is worse than an uneven share.
	graceFirst = 250 * time.Millisecond
	graceEach  = 50 * time.Millisecond
	graceMost  = 1500 * time.Millisecond
)

// findVacant keeps track of since when a row is free or expired, and reports whether it is.
func (m *Machine) findVacant(now Instant, e *entry) bool {
	l := &e.lease
	switch {
	case l.Owner == "" && l.CheckpointOwner == "", e.given, m.expired(now, e), m.lostHere(l):
		if !e.vacant {
			e.vacant, e.vacantAt = true, now.Mono
		}
	default:
		e.vacant = false
	}
	return e.vacant
}

// lostHere reports whether this very process lost the lease and nobody has taken it since.
func (m *Machine) lostHere(l *Lease) bool {
	return l.Owner == m.cfg.Worker && l.CheckpointOwner == "" && strings.HasPrefix(l.Nonce, m.cfg.Instance+"-")
}

// takeable reports whether a row may be taken now. During a hand-over the holder may still write, and the next owner
// waits for it; only when the counter stands still are both dead.
func (m *Machine) takeable(now Instant, e *entry) bool {
	if m.drains || !e.known || e.held != nil || e.op != nil || e.user != 0 || now.Mono < e.retryAt || e.lease.Finished() ||
		!m.findVacant(now, e) {
		return false
	}
	return e.given || e.waits || m.lostHere(&e.lease) || now.Mono-e.vacantAt >= m.patience()
}

// patience is how long a vacant lease is left to others. The leader of a KCL 3 fleet assigns what is vacant every two
// durations; only what it leaves for more than two rounds is taken from under its hands.
func (m *Machine) patience() time.Duration {
	for _, p := range m.peers {
		if p.count > 0 && p != m.self && m.kindOf(p) == kcl3 { // it lives, or did not have the time to show that it does not
			return 9 * m.cfg.Duration / 2
		}
	}
	return 0
}

// offer puts a row into the queue of takes if it may be taken.
func (m *Machine) offer(e *entry, now Instant) {
	if !e.queued && m.takeable(now, e) {
		e.queued = true
		m.queue = append(m.queue, e)
	}
}

// offerAll keeps of the queue, after a look at the table, what may be taken.
func (m *Machine) offerAll(now Instant) {
	m.queue = slices.DeleteFunc(m.queue, func(e *entry) bool { return !m.takeable(now, e) })
	for _, e := range m.queue {
		e.queued = true
	}
	// In random order, workers that start together collide less.
	m.rng.Shuffle(len(m.queue), func(i, j int) { m.queue[i], m.queue[j] = m.queue[j], m.queue[i] })
	m.eager = 0.7 + 0.6*m.rng.Float64()
}

// grace returns when a lease may be taken, given how many this worker has and how many its share is.
func (m *Machine) grace(e *entry) time.Duration {
	above := m.self.count + m.takes + 1 - m.target()
	if above <= 0 || e.given || e.waits || m.workers() == 1 {
		return e.vacantAt
	}
	d := min(graceFirst+graceEach*time.Duration(above), graceMost)
	return e.vacantAt + time.Duration(float64(d)*m.eager)
}

// startTakes takes from the queue. Conditional writes decide between workers; the loser moves on.
func (m *Machine) startTakes(now Instant) {
	m.takeAt = never
	for m.takes < maxTakes && len(m.queue) > 0 {
		e := m.queue[0]
		if m.takeable(now, e) {
			if at := m.grace(e); at > now.Mono {
				m.takeAt = at
				return
			}
			m.takes++
			m.begin(now, e, &op{kind: opTake, write: Write{Update: m.takeUpdate(now, e.lease)}})
		}
		e.queued = false
		m.queue = m.queue[1:]
	}
}

func (m *Machine) takeUpdate(now Instant, l Lease) *Update {
	u := &Update{
		Key:   l.Key,
		Nonce: m.nonce(),
		If:    Condition{Counter: l.Counter, Owner: l.Owner, CheckpointOwner: l.CheckpointOwner},
		Set:   Changes{Owner: &m.cfg.Worker, EndHandover: l.CheckpointOwner != "", Worker: m.cfg.Worker},
	}
	u.Set.OwnerSwitched = l.Owner != "" && l.Owner != m.cfg.Worker || l.CheckpointOwner == m.cfg.Worker
	m.remember(now, l, &u.Set)
	return u
}

// took handles a successful take. The row that came back, not the one that was scanned, says where to start.
func (m *Machine) took(now Instant, e *entry, o *op, l Lease) {
	if m.cfg.Broken.Has(mutant.ScannedStart) && !e.scanned.IsZero() {
		l.Checkpoint = e.scanned
	}
	e.steals, e.vacant = 0, false
	m.observe(now, e, &l)
	if m.since(now, o.first) >= m.fence() {
		m.offer(e, now) // the answer took so long that the holding is over
		return
	}
	e.held = &held{
		gen:     m.id(),
		renewed: o.first,
		due:     o.first.Mono + m.jitter(m.cfg.Duration/renewals, 0.1),
		taken:   now.Mono,
	}
	m.held++
	m.recount(now, e)
	m.await(now, e)
	m.wait(e)
	m.checkOwner(now, e, l)
}

// tryOpen hands a held lease out once its parents are finished.
func (m *Machine) tryOpen(now Instant, e *entry) {
	h, l := e.held, e.lease
	if h.opened || e.user != 0 || m.drains || h.asker != "" || h.finish != nil || l.Finished() || !m.parentsDone(e) {
		return
	}
	if l.Checkpoint.Sequence == row.Latest && l.StartMillis == 0 {
		return // first the time is written
	}
	h.opened, e.user = true, h.gen
	if l.Checkpoint.Compare(h.pending) < 0 {
		l.Checkpoint = h.pending // opened anew before it was written
	}
	e.waiting = false
	m.event(Event{Kind: Opened, Key: e.key, Gen: h.gen, Lease: l, Time: m.startTime(l)})
}

// parentsDone reports whether each parent is at SHARD_END or has no row. That a row is absent counts only in a scan
// that began after the lease was taken: an older one may have passed the parent's place before it was created, as
// parents are created before children.
func (m *Machine) parentsDone(e *entry) bool {
	if m.cfg.Broken.Has(mutant.ChildBeforeParent) {
		return true
	}
	for _, p := range e.lease.Parents {
		parent, ok := m.entries[p]
		switch {
		case m.broken[p], ok && !parent.known && parent.op != nil: // it is being created
			return false
		case ok && parent.known:
			if !parent.lease.Finished() {
				return false
			}
		case !m.scan.done || m.scan.doneAt < e.held.taken:
			m.scan.next = 0
			return false
		}
	}
	return true
}

// startTime returns the time that a sentinel checkpoint stands for.
func (m *Machine) startTime(l Lease) time.Time {
	switch {
	case l.Checkpoint.Sequence != row.Latest && l.Checkpoint.Sequence != row.AtTimestamp:
		return time.Time{}
	case l.StartMillis != 0:
		return time.UnixMilli(l.StartMillis)
	case m.cfg.Start.Position == row.AtTimestamp:
		return m.cfg.Start.Time // KCL keeps the time in its configuration only
	default:
		return time.Unix(0, 0) // unknown: before everything, because reading too much is better than too little
	}
}
