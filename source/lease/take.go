package lease

import (
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
)

// takeable reports whether a row may be taken now.
func (m *Machine) takeable(now Instant, e *entry) bool {
	l := e.lease
	switch {
	case m.drains, !e.known, l.Finished(), e.held != nil, e.op != nil, e.user != 0, now.Mono < e.retryAt:
		return false
	case l.CheckpointOwner != "":
		// A hand-over of KCL: its holder may still write, and the next owner waits for it. Only when the counter stands
		// still are both dead.
	case l.Owner == "":
		return true
	case l.Owner == m.cfg.Worker && strings.HasPrefix(l.Nonce, m.cfg.Instance+"-"):
		return true // this very process lost it and nobody took it since
	}
	return now.Mono-e.seen >= m.cfg.Duration
}

// offer puts a row into the queue of takes if it may be taken.
func (m *Machine) offer(e *entry, now Instant) {
	if m.takeable(now, e) && !slices.Contains(m.queue, e.key) {
		m.queue = append(m.queue, e.key)
	}
}

// offerAll fills the queue anew after a look at the table.
func (m *Machine) offerAll(now Instant) {
	m.queue = m.queue[:0]
	for _, key := range sortedKeys(m.entries) {
		if m.takeable(now, m.entries[key]) {
			m.queue = append(m.queue, key)
		}
	}
	// In random order, workers that start together collide less.
	m.rng.Shuffle(len(m.queue), func(i, j int) { m.queue[i], m.queue[j] = m.queue[j], m.queue[i] })
	m.queue = m.balance(m.queue)
}

// balance chooses which of the takeable leases this worker wants: all of them. A lease that nobody reads is worse than
// an uneven share.
func (m *Machine) balance(takeable []string) []string { return takeable }

// startTakes takes from the queue. Conditional writes decide between workers; the loser moves on.
func (m *Machine) startTakes(now Instant) {
	for m.takes < maxTakes && len(m.queue) > 0 {
		e, ok := m.entries[m.queue[0]]
		m.queue = m.queue[1:]
		if !ok || !m.takeable(now, e) {
			continue
		}
		m.takes++
		m.begin(now, e, &op{kind: opTake, write: Write{Update: m.takeUpdate(now, e.lease)}})
	}
}

func (m *Machine) takeUpdate(now Instant, l Lease) *Update {
	u := &Update{
		Key:   l.Key,
		Nonce: m.nonce(),
		If:    Condition{Counter: l.Counter, Owner: l.Owner, CheckpointOwner: l.CheckpointOwner},
		Set:   Changes{Owner: &m.cfg.Worker, EndHandover: l.CheckpointOwner != ""},
	}
	u.Set.OwnerSwitched = l.Owner != "" && l.Owner != m.cfg.Worker || l.CheckpointOwner == m.cfg.Worker
	m.remember(now, l, &u.Set)
	return u
}

// took handles a successful take. The row that came back, not the one that was scanned, says where to start.
func (m *Machine) took(now Instant, e *entry, o *op, l Lease) {
	m.observe(now, e, &l)
	if now.Since(o.first) >= m.cfg.Duration-m.cfg.Duration/fenceParts {
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
	m.waiting[e.key] = e
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
	delete(m.waiting, e.key)
	m.event(Event{Kind: Opened, Key: e.key, Gen: h.gen, Lease: l, Time: m.startTime(l)})
}

// parentsDone reports whether each parent is at SHARD_END or has no row. That a row is absent counts only in a scan
// that began after the lease was taken: an older one may have passed the parent's place before it was created, as
// parents are created before children.
func (m *Machine) parentsDone(e *entry) bool {
	for _, p := range e.lease.Parents {
		parent, ok := m.entries[p]
		switch {
		case m.broken[p]:
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
