package lease

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// syncState is what a Machine knows of the stream's shards.
type syncState struct {
	empty    bool                // the last scan found no lease at all
	emptyAt  time.Duration       // when that began
	shards   map[string]Shard    // of the last full listing
	children map[string][]string // by parent, of that listing; nil until it is asked for
	at       time.Duration       // when that began
	missing  map[string]time.Duration
	creates  []newRow // waiting to be created, parents first
	depth    int      // of the creations in flight
	inFlight int      // creations, also those of a shard's end
	done     bool     // one full listing found nothing missing
}

// newRow is a row to create. Rows of a lesser depth are created first, so that a crash leaves no child without parent.
type newRow struct {
	lease Lease
	depth int
}

// nextListing chooses what to list: a table without leases is filled from the shards open at the start.
func (m *Machine) nextListing() *Start {
	if m.sync.empty && (len(m.cfg.Offsets) == 0 || m.sync.shards != nil) {
		return &m.cfg.Start
	}
	return nil
}

// Listed tells the outcome of the listing that Advance asked for.
func (m *Machine) Listed(now Instant, req ListRequest, l Listing, err error) {
	m.list.running = false
	if err == nil && len(l.Shards) == 0 {
		err = errors.New("list shards: the stream has none")
	}
	if err != nil {
		if ClassOf(err) == ClassPermanent {
			m.fatal(err)
		}
		m.list.next = now.Mono + m.backoff(m.list.tries)
		m.list.tries++
		return
	}
	m.list.tries = 0
	if !l.Time.IsZero() {
		m.serverAhead = min(0, l.Time.Sub(now.Wall)+(now.Mono-m.list.begun))
	}
	m.list.next = now.Mono + m.jitter(auditEvery, 0.2)
	if req.Start != nil {
		m.firstSync(now, l)
		return
	}
	m.sync.shards = make(map[string]Shard, len(l.Shards))
	for _, s := range l.Shards {
		m.sync.shards[s.ID] = s
	}
	m.sync.at, m.sync.children = m.list.begun, nil
	m.touchWaiting()
	if m.sync.empty {
		m.list.next = now.Mono
		return
	}
	m.audit(now)
	m.clean(now)
}

// firstSync fills an empty table: one row a shard that was open at the start, and one a shard with offsets.
func (m *Machine) firstSync(now Instant, l Listing) {
	if !m.sync.empty {
		return // another worker was faster; a full listing follows
	}
	if err := checkTiling(l.Shards); err != nil {
		// During a reshard a listing may be torn.
		m.event(Event{Kind: Noted, Err: fmt.Errorf("first shard sync: %w", err)})
		m.list.next = now.Mono + time.Second
		return
	}
	// LATEST is when the look began that showed the table empty: another worker that was faster made its first lease after
	// that, so no shard is begun later than what was first promised.
	listed := l.Time
	if listed.IsZero() {
		listed = now.Wall.Add(m.list.begun - now.Mono)
	}
	listed = listed.Add(m.sync.emptyAt - m.list.begun)
	rows := map[string]Lease{}
	for _, s := range l.Shards {
		rows[s.ID] = m.newLease(s, m.cfg.Start.Position, m.startMillis(now, listed), false)
	}
	for _, id := range m.cfg.Offsets {
		s, listed := m.sync.shards[id]
		if first, ok := rows[id]; ok {
			s, listed = Shard{ID: id, Parents: first.Parents, StartHash: first.StartHash, EndHash: first.EndHash}, true
		}
		if listed {
			rows[id] = m.newLease(s, row.TrimHorizon, 0, true) // reading resumes at the offset, which may lie before the start
		}
	}
	for id := range rows {
		if !slices.Contains(m.cfg.Offsets, id) && m.resumed(m.sync.shards[id]) {
			delete(rows, id) // its ancestor's end makes it, from its beginning
		}
	}
	m.sync.empty = false
	m.list.next = now.Mono
	m.enqueue(rows)
}

// resumed reports whether an ancestor of s is to be read on from its offset.
func (m *Machine) resumed(s Shard) bool {
	return slices.ContainsFunc(listed(m.sync.shards, s.Parents), func(p Shard) bool {
		return slices.Contains(m.cfg.Offsets, p.ID) || m.resumed(p)
	})
}

// startMillis returns the start as a time, 0 for TRIM_HORIZON. LATEST is when the first worker listed the shards.
func (m *Machine) startMillis(now Instant, listed time.Time) int64 {
	switch m.cfg.Start.Position {
	case row.AtTimestamp:
		return m.cfg.Start.Time.UnixMilli()
	case row.Latest:
		if listed.IsZero() {
			listed = now.Wall
		}
		return listed.UnixMilli()
	}
	return 0
}

// childrenOf returns the listed children of a shard.
func (s *syncState) childrenOf(id string) []string {
	if s.children == nil {
		s.children = map[string][]string{}
		for _, key := range sortedKeys(s.shards) {
			for _, p := range s.shards[key].Parents {
				s.children[p] = append(s.children[p], key)
			}
		}
	}
	return s.children[id]
}

// enqueue orders rows by their place in the lineage.
func (m *Machine) enqueue(rows map[string]Lease) {
	var depth func(id string) int
	depth = func(id string) int {
		l, ok := rows[id]
		if !ok {
			return 0
		}
		d := 0
		for _, p := range l.Parents {
			d = max(d, depth(p))
		}
		return d + 1
	}
	m.sync.creates = nil
	for _, id := range sortedKeys(rows) {
		m.sync.creates = append(m.sync.creates, newRow{rows[id], depth(id)})
	}
	slices.SortStableFunc(m.sync.creates, func(a, b newRow) int { return cmp.Compare(a.depth, b.depth) })
}

// startCreates creates rows, those of one depth at a time.
func (m *Machine) startCreates(now Instant) {
	for len(m.sync.creates) > 0 && m.sync.inFlight < maxCreates {
		next := m.sync.creates[0]
		if next.depth != m.sync.depth && m.sync.inFlight > 0 {
			return
		}
		m.sync.creates, m.sync.depth = m.sync.creates[1:], next.depth
		m.create(now, m.entry(next.lease.Key), next.lease)
	}
}
