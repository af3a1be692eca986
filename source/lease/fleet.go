package lease

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/mutant"
)

// peer is a worker as the table shows it.
type peer struct {
	name  string
	rows  int // that name it
	count int // unfinished leases that are its own, or will be once they are handed over
	// moved is when a counter of its leases was last seen to move, so it was alive then; 0 = never.
	moved time.Duration
	ours  uint64 // the last look that showed a row taken by it with this program's mark
	kcl3  uint64 // the last look that showed a row of it that KCL 3 has measured
	deaf  bool   // it left a request unanswered: it is asked no more
}

// kind says how a lease is had of a peer.
type kind uint8

const (
	ours kind = iota // it hands over what it is asked for
	kcl3             // so does KCL 3
	kcl2             // leases are taken from it, as its own kind does
)

// kindOf tells by the last look at the table what p is. A row keeps attributes that KCL 3 or this program wrote when a
// KCL 2 worker has it later, so ours counts only with the present holder's name, and who was measured may be deaf.
func (m *Machine) kindOf(p *peer) kind {
	switch {
	case p.ours == m.looks:
		return ours
	case p.deaf || m.client == client2X:
		return kcl2
	case p.kcl3 == m.looks || m.client == client3X:
		return kcl3
	default:
		return kcl2
	}
}

// How the migration row of a single-table KCL fleet says that it balances.
const (
	client2X = "2X"
	client3X = "3X"
)

// clientOf returns client2X or client3X for the client version that a fleet of KCL 3.5 keeps in its table, "" for none.
// While it upgrades, and after it was rolled back, such a fleet balances as KCL 2 does.
func clientOf(version string) string {
	switch strings.TrimPrefix(version, "CLIENT_VERSION_") {
	case "3X", "3X_WITH_ROLLBACK":
		return client3X
	case "2X", "UPGRADE_FROM_2X", "INIT":
		return client2X
	default:
		return ""
	}
}

// alive reports whether a counter of p was seen to move within the last duration.
func (m *Machine) alive(now Instant, p *peer) bool {
	return p.moved != 0 && now.Mono-p.moved < m.cfg.Duration
}

// peer returns the peer of that name, nil for "".
func (m *Machine) peer(name string) *peer {
	if name == "" {
		return nil
	}
	p, ok := m.byName[name]
	if !ok {
		p = &peer{name: name}
		m.byName[name] = p
		at, _ := slices.BinarySearchFunc(m.peers, name, func(p *peer, name string) int { return cmp.Compare(p.name, name) })
		m.peers = slices.Insert(m.peers, at, p)
	}
	return p
}

// refer makes e name p in one of its fields.
func refer(field **peer, p *peer) {
	if *field == p {
		return
	}
	if *field != nil {
		(*field).rows--
	}
	if p != nil {
		p.rows++
	}
	*field = p
}

// prunePeers forgets workers that no row names.
func (m *Machine) prunePeers() {
	m.peers = slices.DeleteFunc(m.peers, func(p *peer) bool {
		if p.rows > 0 || p == m.self {
			return false
		}
		delete(m.byName, p.name)
		return true
	})
}

// expired reports whether the counter of a row has stood still for a duration since it was first seen at its value.
func (m *Machine) expired(now Instant, e *entry) bool {
	if m.cfg.Broken.Has(mutant.ClockExpiry) {
		return now.Wall.Sub(e.seenWall) >= m.cfg.Duration
	}
	return now.Mono-e.seen >= m.cfg.Duration
}

// recount settles for whom a row counts, as KCL 2 counts: for its owner, who during a hand-over is the next one, unless
// it is finished or expired.
func (m *Machine) recount(now Instant, e *entry) {
	live := e.known && !e.lease.Finished()
	var p *peer
	if live && e.next != nil && (e.held != nil || !m.expired(now, e)) {
		p = e.next
	}
	if live != e.live {
		e.live = live
		if live {
			m.unfinished++
		} else {
			m.unfinished--
		}
	}
	if p == e.counted {
		return
	}
	if q := e.counted; q != nil {
		if q.count--; q.count == 0 {
			m.owners--
		}
	}
	if p != nil {
		if p.count++; p.count == 1 {
			m.owners++
		}
	}
	e.counted = p
}

// workers returns how many share the leases: all owners, and this one.
func (m *Machine) workers() int {
	if m.self.count == 0 {
		return m.owners + 1
	}
	return m.owners
}

// target is KCL 2's: the leases divided by the workers, rounded up.
func (m *Machine) target() int {
	w := m.workers()
	return (m.unfinished + w - 1) / w
}

// lookPeriod returns the time between two looks at the table.
//
// Two a duration are enough for one who is alone. Beside others a look must find what was released or handed over soon
// enough to read it within 2 s, and the last renewal of a worker that was killed soon enough to take over within a
// duration and 3 s. Above eight workers the looks grow rarer, so that the table is not read more often by more of them.
func (m *Machine) lookPeriod() time.Duration {
	d := m.cfg.Duration
	w := m.workers()
	switch {
	case m.awaited > 0:
		return d / 10
	case w == 1:
		return d / 2
	default:
		return min(d, d/8*time.Duration(max(w, manyWorkers))/manyWorkers)
	}
}

const manyWorkers = 8
