package lease

import (
	"slices"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// finish is the end of a held lease under way.
type finish struct {
	since    time.Duration // listings that began earlier do not count
	children []Shard
	none     bool // the shard is gone and has no children
}

func (f *finish) ids() []string {
	ids := make([]string, 0, len(f.children))
	for _, c := range f.children {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// stepFinish brings the end of a lease forward and reports whether SHARD_END may be written: every child has a row.
func (m *Machine) stepFinish(now Instant, e *entry) bool {
	f := e.held.finish
	if f == nil || !m.findChildren(now, e, f) {
		return false
	}
	ready := true
	for _, child := range f.children {
		// A row that is there needs no guard, and may never pass it: where a merge is read again, the other parent may
		// have been finished and deleted long ago, while the stream lists it still.
		if c, ok := m.entries[child.ID]; ok && c.known {
			continue
		}
		ready = false
		if m.mayCreate(now, e.key, f, child) && !m.stops {
			m.create(now, m.entry(child.ID), m.newLease(child, row.TrimHorizon, 0, false))
		}
	}
	return ready || m.cfg.Broken.Has(mutant.EarlyEnd)
}

// findChildren looks children up in a listing when the service named none.
func (m *Machine) findChildren(now Instant, e *entry, f *finish) bool {
	if len(f.children) > 0 || f.none {
		return true
	}
	if !m.listedSince(f.since) {
		m.list.next = min(m.list.next, now.Mono)
		return false
	}
	for _, id := range m.sync.childrenOf(e.key) {
		f.children = append(f.children, m.sync.shards[id])
	}
	if len(f.children) > 0 {
		return true
	}
	if _, listed := m.sync.shards[e.key]; listed {
		// A closed shard has children; the listing is behind. ListShards allows 1000 calls a second a stream.
		f.since = now.Mono
		m.list.next = min(m.list.next, now.Mono+time.Second)
		return false
	}
	f.none = true
	return true
}

// mayCreate guards the child of a merge: while its other parent is on the stream and has no row yet (its own parents
// are still being read), a child's row would let the child be read before that parent.
func (m *Machine) mayCreate(now Instant, key string, f *finish, child Shard) bool {
	for _, p := range child.Parents {
		if other, ok := m.entries[p]; p == key || ok && other.known || m.broken[p] {
			continue
		}
		if !m.listedSince(f.since) {
			m.list.next = min(m.list.next, now.Mono)
			return false
		}
		if _, listed := m.sync.shards[p]; listed {
			return false // a later scan will show the row
		}
	}
	return true
}

// listedSince reports whether a full listing that began at or after t is known.
func (m *Machine) listedSince(t time.Duration) bool { return m.sync.shards != nil && m.sync.at >= t }

// newLease returns the row of a shard that nobody has read yet.
func (m *Machine) newLease(s Shard, checkpoint string, startMillis int64, offsets bool) Lease {
	return Lease{
		Key:           s.ID,
		Checkpoint:    row.Position{Sequence: checkpoint},
		Parents:       slices.Compact(slices.Sorted(slices.Values(s.Parents))),
		StartHash:     s.StartHash,
		EndHash:       s.EndHash,
		StartMillis:   startMillis,
		Offsets:       offsets,
		StreamCreated: m.cfg.StreamCreated,
	}
}

// create writes a row unless that is already under way.
func (m *Machine) create(now Instant, e *entry, l Lease) {
	if e.known || e.op != nil {
		return
	}
	l.Nonce = m.nonce()
	m.sync.inFlight++
	m.begin(now, e, &op{kind: opCreate, write: Write{Create: &l}})
}

// created takes in a row that exists now. Whether this worker or another created it does not matter: a take shows
// what really stands in it.
func (m *Machine) created(now Instant, e *entry, o *op) {
	if !e.known {
		m.observe(now, e, o.write.Create)
	}
	m.offer(e, now)
	m.touchWaiting()
}
