package lease

import (
	"cmp"
	"slices"
	"time"
)

const (
	// maxAsked bounds the requests to workers of KCL 3 that are not answered yet: each is a separate drain there.
	maxAsked = 3
	// maxSteals is how often a lease is tried to be taken from a worker of KCL 2 whose counter moved meanwhile.
	maxSteals = 3
)

// standing is one worker's place in the sharing out.
type standing struct {
	p     *peer
	has   int
	share int
}

// shares computes how many leases each worker is to have, so that everybody who sees the same table comes to the same
// answer: equal shares, and what is left over stays with those who have most.
func (m *Machine) shares() []standing {
	m.standings = m.standings[:0]
	for _, p := range m.peers {
		if p.count > 0 || p == m.self {
			m.standings = append(m.standings, standing{p: p, has: p.count})
		}
	}
	slices.SortStableFunc(m.standings, func(a, b standing) int { return cmp.Compare(b.has, a.has) })
	each, rest := m.unfinished/len(m.standings), m.unfinished%len(m.standings)
	for i := range m.standings {
		m.standings[i].share = each
		if i < rest {
			m.standings[i].share++
		}
	}
	return m.standings
}

// rebalance asks the most loaded workers for the leases that this one is short of. It runs after a look that found no
// lease to take. Leases already asked for count for the asker, so what is asked for once is not asked for again.
func (m *Machine) rebalance(now Instant) {
	all := m.shares()
	need, before := 0, 0 // before: what workers that come before this one in the order are short of
	for _, s := range all {
		if s.p == m.self {
			need = s.share - s.has
			break
		}
		before += max(0, s.share-s.has)
	}
	if need <= 0 {
		return
	}
	// Everything above the shares, in the order of load, is one list, of which each worker in need takes its own stretch:
	// so several that look at once do not ask for the same leases.
	for _, s := range all {
		over := s.has - s.share
		if over <= 0 {
			continue // it may have what is left over, and who comes after it too much
		}
		skip := min(before, over)
		before -= skip
		n := min(need, over-skip)
		if n <= 0 || !m.alive(now, s.p) {
			continue
		}
		need -= m.obtain(now, s.p, skip, n)
	}
}

// obtain asks for n leases of p, or takes one. It returns for how many of the need that answers.
func (m *Machine) obtain(now Instant, p *peer, skip, n int) int {
	kind := m.kindOf(p)
	switch kind {
	case ours:
		if m.self.count == 0 && n > 1 {
			// Nobody can see a worker without leases. Those who join at the same time ask for one each, see each other in
			// the next look, and then compute their shares with the right number.
			m.askFor(now, m.candidates(now, p, 0), m.rng.IntN(p.count), 1)
			return n
		}
		m.askFor(now, m.candidates(now, p, 0), skip, n)
		return n
	case kcl3:
		if n = min(n, maxAsked-m.awaited-len(m.asks)-m.requests); n > 0 {
			m.askFor(now, m.candidates(now, p, 0), skip, n)
		}
		return n
	default:
		if now.Mono < m.stealAt || m.takes > 0 {
			return n
		}
		// KCL 2 takes one lease of another every 2 x (duration + 25 ms). The same pace keeps both from fighting.
		m.stealAt = now.Mono + m.jitter(2*(m.cfg.Duration+25*time.Millisecond), 0.1)
		if c := m.candidates(now, p, 2*m.cfg.Duration); len(c) > 0 {
			m.steal(now, c[min(m.rng.IntN(len(c)), len(c)-1)])
		}
		return n
	}
}

// candidates returns the leases of p that can be asked for: first those that did not change hands lately and can be read.
// All workers see the same order. With settled set, others than such are left out if there are any.
func (m *Machine) candidates(now Instant, p *peer, settled time.Duration) []*entry {
	m.found = m.found[:0]
	for _, e := range m.ordered() {
		// A row that was handed over and not yet taken bears another's mark, whoever has it now: only a renewal by its
		// holder, without the mark, shows a worker of KCL.
		known := e.lease.Worker == p.name || e.renewed && m.kindOf(p) != ours
		if known && e.counted == p && e.holder == p && e.next == p && e.op == nil && now.Mono >= e.retryAt {
			e.rank = 0
			if e.switched && now.Mono-e.switchedAt < 2*m.cfg.Duration {
				e.rank += 2
			}
			if !m.readable(e) {
				e.rank++
			}
			m.found = append(m.found, e)
		}
	}
	slices.SortStableFunc(m.found, func(a, b *entry) int { return cmp.Compare(a.rank, b.rank) })
	if settled > 0 {
		if i := slices.IndexFunc(m.found, func(e *entry) bool { return e.rank > 0 }); i > 0 {
			return m.found[:i]
		}
	}
	return m.found
}

// readable reports whether the parents of a row are done, as far as the table shows.
func (m *Machine) readable(e *entry) bool {
	for _, id := range e.lease.Parents {
		if p, ok := m.entries[id]; ok && p.known && !p.lease.Finished() {
			return false
		}
	}
	return true
}

// askFor queues requests for n of the candidates, from the given place on.
func (m *Machine) askFor(now Instant, c []*entry, from, n int) {
	for i := range n {
		if len(c) == 0 {
			return
		}
		m.asks = append(m.asks, c[(from+i)%len(c)])
		if i+1 >= len(c) {
			return
		}
	}
}

// startAsks sends requests. They change nothing but the owner: the holder goes on writing as checkpoint owner, and the
// counter and the nonce are its own.
func (m *Machine) startAsks(now Instant) {
	for m.requests < maxTakes && len(m.asks) > 0 {
		e := m.asks[0]
		m.asks = m.asks[1:]
		l := e.lease
		if m.drains || e.forgotten || !e.known || e.op != nil || e.held != nil || l.Finished() || l.CheckpointOwner != "" ||
			l.Owner == "" || l.Owner == m.cfg.Worker || m.expired(now, e) {
			continue
		}
		m.requests++
		m.begin(now, e, &op{kind: opAsk, write: Write{Update: &Update{
			Key: e.key, Request: true, If: Condition{Owner: l.Owner},
			Set: Changes{Owner: &m.cfg.Worker, CheckpointOwner: l.Owner},
		}}})
	}
}

// steal takes a lease from a living worker that hands nothing over.
func (m *Machine) steal(now Instant, e *entry) {
	e.steals++
	m.takes++
	m.begin(now, e, &op{kind: opTake, steal: true, write: Write{Update: m.takeUpdate(now, e.lease)}})
}

// stealAgain follows a counter that moved between the look and the attempt, as KCL 2 reads a lease again before it takes
// it. It reports whether it did.
func (m *Machine) stealAgain(now Instant, e *entry, victim string) bool {
	l := &e.lease
	if m.drains || !e.known || l.Finished() || l.Owner != victim || l.CheckpointOwner != "" || e.steals >= maxSteals {
		e.steals = 0
		return false
	}
	m.steal(now, e)
	return true
}

// await keeps track of a row that names this worker as its owner while it does not hold it: it asked for the lease, or
// somebody gave it.
func (m *Machine) await(now Instant, e *entry) {
	l := &e.lease
	mine := e.known && e.held == nil && l.Owner == m.cfg.Worker && !l.Finished()
	waits := mine && l.CheckpointOwner != "" && l.CheckpointOwner != m.cfg.Worker
	// Without the request it may be a lease of an earlier process of the same name that still lives. One that another
	// worker of this program took last was given by that one.
	e.given = mine && l.CheckpointOwner == "" && (e.waits || e.given || l.Worker != "" && l.Worker != m.cfg.Worker)
	switch {
	case waits && !e.waits:
		e.waitsSince = now.Mono
		m.awaited++
	case !waits && e.waits:
		m.awaited--
	}
	e.waits = waits
	e.undo = e.undo && waits
}

// overdue reports whether a request was not answered in the time that a holder has, although that one is alive.
func (m *Machine) overdue(now Instant, e *entry) bool {
	return e.waits && now.Mono-e.waitsSince >= HandOverTimeout+m.cfg.Duration && !m.expired(now, e)
}

// giveBack is the write that takes back a request, or gives up a lease that was given to a worker that no longer takes
// any; nil when there is nothing to give back.
func (m *Machine) giveBack(e *entry) *op {
	l := &e.lease
	switch {
	case e.waits && (e.undo || m.drains):
		holder := l.CheckpointOwner
		return &op{kind: opGiveBack, write: Write{Update: &Update{
			Key: e.key, Request: true, If: Condition{Owner: m.cfg.Worker, CheckpointOwner: holder},
			Set: Changes{Owner: &holder, EndHandover: true},
		}}}
	case e.given && m.drains:
		nobody := ""
		return &op{kind: opGiveBack, write: Write{Update: &Update{
			Key: e.key, Nonce: m.nonce(), If: Condition{Counter: l.Counter, Owner: m.cfg.Worker}, Set: Changes{Owner: &nobody},
		}}}
	}
	return nil
}
