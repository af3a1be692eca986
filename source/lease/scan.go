package lease

import (
	"fmt"
	"time"
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

	present := make(map[string]bool, len(s.Leases))
	for _, l := range s.Leases {
		present[l.Key] = true
		m.sighted(now, l)
	}
	for _, key := range sortedKeys(m.entries) {
		e := m.entries[key]
		if !present[key] && e.known && e.held == nil && e.op == nil && m.scan.begun >= e.asOf {
			e.known = false
			m.forget(e)
		}
	}
	clear(m.broken)
	for _, key := range s.Broken {
		m.broken[key] = true
	}
	if first {
		m.list.next = now.Mono
	}
	m.sync.empty = len(s.Broken) == 0
	for _, e := range m.entries {
		m.sync.empty = m.sync.empty && !e.known
	}

	m.scan.next = now.Mono + m.jitter(m.cfg.Duration/scanParts, 0.1)
	for _, e := range m.entries {
		if e.held == nil && e.known && !e.lease.Finished() && (e.lease.Owner != "" || e.lease.CheckpointOwner != "") {
			if expiry := e.seen + m.cfg.Duration; expiry > now.Mono {
				m.scan.next = min(m.scan.next, expiry)
			}
		}
	}
	m.offerAll(now)
	m.touchWaiting()
}

// sighted takes in a row of a scan.
func (m *Machine) sighted(now Instant, l Lease) {
	if m.cfg.StreamCreated != 0 && l.StreamCreated != 0 && l.StreamCreated != m.cfg.StreamCreated {
		m.fatal(&Error{
			Op: "read lease " + l.Key, Class: ClassPermanent,
			Err: fmt.Errorf("it belongs to a stream created at %s, and the stream of today was created at %s",
				time.Unix(l.StreamCreated, 0).UTC().Format(time.RFC3339), time.Unix(m.cfg.StreamCreated, 0).UTC().Format(time.RFC3339)),
			Hint: "the stream was deleted and created anew, or the application name belongs to another stream: to load this one from its beginning, stop all workers, delete the lease table and start again with source.start: TRIM_HORIZON, or choose another source.application and table",
		})
		return
	}
	e := m.entry(l.Key)
	if e.held != nil || e.op != nil {
		return // the outcome of our own writes says more
	}
	if e.known && m.scan.begun < e.asOf && l.Counter <= e.lease.Counter {
		return // read before what is known
	}
	m.observe(now, e, &l)
}

// observe takes in a row as the service showed it; nil means that there is none.
func (m *Machine) observe(now Instant, e *entry, l *Lease) {
	e.asOf = now.Mono
	if l == nil {
		e.known = false
		return
	}
	if !e.known || l.Counter != e.lease.Counter {
		e.moved = e.known
		e.seen = now.Mono
	}
	e.known, e.lease = true, *l
}
