package lease

import (
	"fmt"
	"time"

	"kinesis-snowflake/internal/mutant"
)

// look starts the readings that are due.
func (m *Machine) look(now Instant) {
	if m.stops {
		return
	}
	if !m.scan.running && now.Mono >= m.scan.next {
		m.scan.running, m.scan.begun = true, now.Mono
		m.out.Scan = true
	}
	if m.scan.done && !m.list.running && !m.creating() && now.Mono >= m.list.next {
		m.list.running, m.list.begun = true, now.Mono
		m.out.List = &ListRequest{Start: m.nextListing()}
	}
}

// creating reports whether rows are still being created; what is missing is asked again after that.
func (m *Machine) creating() bool { return len(m.sync.creates) > 0 || m.sync.inFlight > 0 }

// Scanned tells the outcome of the scan that Advance asked for.
func (m *Machine) Scanned(now Instant, s Scan, err error) {
	m.scan.running = false
	if err != nil {
		if ClassOf(err) == ClassPermanent {
			m.fatal(err)
		}
		m.scan.next = now.Mono + m.backoff(m.scan.tries)
		m.scan.tries++
		return
	}
	first := !m.scan.done
	m.scan.tries, m.scan.done, m.scan.doneAt = 0, true, m.scan.begun

	clear(m.broken)
	for _, key := range s.Broken {
		m.broken[key] = true
	}
	if first {
		m.list.next = now.Mono
	}
	m.client = clientOf(s.Client)
	m.looks++
	for i := range s.Leases {
		m.sighted(now, i, &s.Leases[i])
	}
	m.shown = m.shown[:min(len(s.Leases), len(m.shown))]
	m.review(now)
	m.touchWaiting()
}

// review goes through all rows after a look at the table: what is gone, what can be taken, when to look again.
func (m *Machine) review(now Instant) {
	m.sync.empty = len(m.broken) == 0
	for _, e := range m.queue {
		e.queued = false
	}
	m.queue, m.asks = m.queue[:0], nil
	suspect := never
	for _, e := range m.ordered() {
		if e.known && e.stamp != m.looks && e.held == nil && e.op == nil && m.scan.begun >= e.asOf {
			m.observe(now, e, nil)
			m.forget(e)
		}
		if !e.known {
			continue
		}
		m.sync.empty = false
		m.recount(now, e)
		if e.held != nil || !e.live {
			continue
		}
		if p := e.holder; p != nil {
			if e.lease.Worker == p.name {
				p.ours = m.looks
			} else if e.lease.Measured {
				p.kcl3 = m.looks
			}
			if expiry := e.seen + m.cfg.Duration; expiry > now.Mono {
				suspect = min(suspect, expiry)
			}
		}
		if e.waits && !e.undo && m.overdue(now, e) {
			e.undo, e.holder.deaf = true, true
			m.touch(e)
		}
		if m.findVacant(now, e) {
			m.queue = append(m.queue, e)
		}
	}
	if m.sync.empty {
		m.sync.emptyAt = m.scan.begun
	}
	m.prunePeers()
	vacant := len(m.queue)
	m.offerAll(now)
	if vacant == 0 && m.takes == 0 && !m.drains && !m.creating() {
		m.rebalance(now)
	}
	m.scan.next = min(now.Mono+m.jitter(m.lookPeriod(), 0.1), suspect)
}

// sighted takes in a row of a scan.
func (m *Machine) sighted(now Instant, place int, l *Lease) {
	if m.cfg.StreamCreated != 0 && l.StreamCreated != 0 && l.StreamCreated != m.cfg.StreamCreated {
		m.fatal(&Error{
			Op: "read lease " + l.Key, Class: ClassPermanent,
			Err: fmt.Errorf("it belongs to a stream created at %s, and the stream of today was created at %s",
				time.Unix(l.StreamCreated, 0).UTC().Format(time.RFC3339), time.Unix(m.cfg.StreamCreated, 0).UTC().Format(time.RFC3339)),
			Hint: "the stream was deleted and created anew, or the application name belongs to another stream: in the first case stop all workers and run `kinesis-snowflake leases reset --to TRIM_HORIZON`, in the second choose another source.application and table",
		})
		return
	}
	e := m.entryAt(place, l.Key)
	e.stamp, e.scanned = m.looks, l.Checkpoint
	switch {
	case e.held != nil:
		// The outcome of our own writes says more, but only a look shows at once that the lease is asked for.
		if e.op == nil && m.scan.begun >= e.asOf && l.Counter == e.lease.Counter && l.Holder() == m.cfg.Worker &&
			(l.Owner != e.lease.Owner || l.CheckpointOwner != e.lease.CheckpointOwner) {
			m.observe(now, e, l)
			m.checkOwner(now, e, *l)
		}
	case e.op != nil && e.op.kind != opCreate: // of a creation the row itself says as much
	case e.known && m.scan.begun < e.asOf && l.Counter <= e.lease.Counter: // read before what is known
	default:
		m.observe(now, e, l)
	}
}

// entryAt returns the entry of a key that a scan showed in a place. Scans come in the same order again and again, so it
// is mostly the one that was there the last time.
func (m *Machine) entryAt(place int, key string) *entry {
	if place < len(m.shown) && m.shown[place].key == key && !m.shown[place].forgotten {
		return m.shown[place]
	}
	e := m.entry(key)
	if place < len(m.shown) {
		m.shown[place] = e
	} else if place == len(m.shown) {
		m.shown = append(m.shown, e)
	}
	return e
}

// observe takes in a row as the service showed it; nil means that there is none.
func (m *Machine) observe(now Instant, e *entry, l *Lease) {
	before := Instant{Mono: e.asOf, Wall: e.asOfWall}
	e.asOf, e.asOfWall = now.Mono, now.Wall
	if l == nil {
		e.known = false
		m.recount(now, e)
		m.await(now, e)
		return
	}
	was := e.holder
	if !e.known || l.Owner != e.lease.Owner || l.CheckpointOwner != e.lease.CheckpointOwner || e.next == nil {
		refer(&e.next, m.peer(l.Owner))
		refer(&e.holder, m.peer(l.Holder()))
	}
	switch {
	case !e.known:
		e.moved, e.renewed = false, false
		e.seen, e.seenWall = now.Mono, now.Wall
		if m.cfg.Broken.Has(mutant.FirstSightExpired) {
			e.seen -= m.cfg.Duration
		}
	case l.Counter != e.lease.Counter:
		e.moved = true
		e.seen, e.seenWall = now.Mono, now.Wall
		if e.holder != nil && e.holder == was {
			was.moved = now.Mono
			// Under another mark, or after a while without a look, it may have been in other hands in between and be just
			// handed back. A suspension is such a while too, and only the wall clock shows it.
			e.renewed = l.Worker == e.lease.Worker && m.since(now, before) < m.cfg.Duration
		}
	}
	if e.known && e.holder != was {
		e.switched, e.switchedAt, e.renewed = true, now.Mono, false
	}
	e.known, e.lease = true, *l
	m.recount(now, e)
	m.await(now, e)
}
