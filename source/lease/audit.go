package lease

import (
	"fmt"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// audit creates rows that the stream's lineage demands and the table lacks. What seems missing must still be missing
// in a scan that began after it was noticed: another worker may be creating it just now.
func (m *Machine) audit(now Instant) {
	start := m.cfg.Start.Position
	for _, e := range m.ordered() {
		key := e.key
		s, listed := m.sync.shards[key]
		if !e.known || !listed {
			continue
		}
		if e.lease.StartHash != "" && (e.lease.StartHash != s.StartHash || e.lease.EndHash != s.EndHash) {
			m.fatal(&Error{
				Op: "compare lease " + key + " with the stream", Class: ClassPermanent,
				Err:  fmt.Errorf("its hash range is %s to %s, the shard's is %s to %s", e.lease.StartHash, e.lease.EndHash, s.StartHash, s.EndHash),
				Hint: "the application name belongs to another stream: choose another one",
			})
			return
		}
	}
	needs := missing(m.sync.shards, func(id string) state {
		e, ok := m.entries[id]
		switch {
		case m.broken[id]:
			return live
		case !ok || !e.known:
			return bare
		case e.lease.Finished():
			return done
		default:
			return live
		}
	}, start)
	for _, id := range m.cfg.Offsets {
		if e, ok := m.entries[id]; ok && e.known || m.broken[id] {
			continue
		}
		if _, listed := m.sync.shards[id]; listed && !m.superseded(id) {
			needs[id] = row.TrimHorizon
		}
	}

	anew, millis := m.startAgain(now)
	rows, unsure := map[string]Lease{}, false
	for id, checkpoint := range needs {
		noticed, ok := m.sync.missing[id]
		switch {
		case !ok:
			m.sync.missing[id] = now.Mono
			unsure = true
		case m.scan.doneAt < noticed:
			unsure = true
		default:
			if checkpoint == start {
				checkpoint = anew
			}
			at := millis
			if checkpoint == row.TrimHorizon {
				at = 0
			}
			rows[id] = m.newLease(m.sync.shards[id], checkpoint, at, slices.Contains(m.cfg.Offsets, id))
		}
	}
	for id := range m.sync.missing {
		if _, still := needs[id]; !still {
			delete(m.sync.missing, id)
		}
	}
	switch {
	case unsure:
		m.scan.next = now.Mono
		m.list.next = now.Mono + m.cfg.Duration/20
	case len(rows) == 0:
		m.sync.done = true
	default:
		m.list.next = now.Mono // once these are created
	}
	m.enqueue(rows)
}

// startAgain returns the start of a shard whose lineage the table does not know, with the time that it stands for. LATEST is
// for the first start of all: that of a first sync that was cut short, as the rows which it has made say. In a table that was
// begun otherwise, or so long ago that none of those rows is left, the shard's row was lost, or it came while nobody
// looked, with its parents gone already. Then nobody knows how much of it was to be read, so all that is left is.
func (m *Machine) startAgain(now Instant) (position string, millis int64) {
	position, millis = m.cfg.Start.Position, m.startMillis(now, time.Time{})
	if position != row.Latest {
		return position, millis
	}
	timed, begun := false, false
	for _, e := range m.ordered() {
		l := &e.lease
		switch {
		case !e.known:
		case l.StartMillis != 0:
			timed, millis = true, min(millis, l.StartMillis)
		case l.Checkpoint.Sequence == row.Latest: // made just now by KCL
		case len(l.Parents) == 0: // a child of a timed row has no time of its own, but this one has no parent
			return row.TrimHorizon, 0
		default:
			begun = true
		}
	}
	if begun && !timed {
		return row.TrimHorizon, 0
	}
	return position, millis
}

// superseded reports whether a closed shard without a row needs none: its children have rows, or need none either. Its
// own was deleted when it and they were finished.
func (m *Machine) superseded(id string) bool {
	any := false
	for _, key := range m.sync.childrenOf(id) {
		e, ok := m.entries[key]
		if !(ok && e.known || m.broken[key] || m.superseded(key)) {
			return false
		}
		any = true
	}
	return any && m.sync.shards[id].Closed
}

// clean deletes finished leases, oldest first: no parent of theirs may still have a row.
//
// Once the stream no longer has the shard, its children must have begun, which is KCL's rule. While it has it, KCL
// deletes too; here the children must be finished themselves. A lost row of a child can then still be made again from the
// child's beginning, because the table says that its parent is done; with the parent's row gone as well, the audit would
// have to start over with the parent, or with LATEST pass over what the child holds. What stays is one generation, not
// all that a long retention keeps. No audit makes the deleted rows again: it looks up the lineage only from an open shard
// without a row.
func (m *Machine) clean(now Instant) {
	rows := m.ordered()
	children := map[string][]*entry{}
	for _, e := range rows {
		for _, p := range e.lease.Parents {
			children[p] = append(children[p], e)
		}
	}
	for _, e := range rows {
		if !e.known || !e.lease.Finished() || e.held != nil || e.op != nil {
			continue
		}
		if e.lease.Owner != "" && !m.expired(now, e) {
			continue // a KCL worker keeps finished leases, and cleans up after itself
		}
		over, n := Lease.begun, 0
		_, listed := m.sync.shards[e.key]
		if listed {
			over = Lease.Finished
		}
		ok := !slices.ContainsFunc(e.lease.Parents, func(id string) bool { p, row := m.entries[id]; return row && p.known || m.broken[id] })
		for _, id := range e.lease.Children {
			c, row := m.entries[id]
			ok = ok && row && c.known && over(c.lease)
			n++
		}
		for _, c := range children[e.key] {
			ok = ok && (!c.known || over(c.lease))
		}
		if ok && (n > 0 || !listed) {
			m.begin(now, e, &op{kind: opDelete, write: Write{Delete: &Delete{Key: e.key, Counter: e.lease.Counter}}})
		}
	}
}
