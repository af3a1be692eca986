package lease

import "kinesis-snowflake/internal/row"

// holding returns the entry of a holding that is not over.
func (m *Machine) holding(key string, gen uint64) (*entry, bool) {
	e, ok := m.entries[key]
	if !ok || e.held == nil || e.held.gen != gen {
		return nil, false
	}
	return e, true
}

// Checkpoint asks that p be written. Positions that do not lie after the last one are ignored.
func (m *Machine) Checkpoint(now Instant, key string, gen uint64, p row.Position) {
	e, ok := m.holding(key, gen)
	if !ok || !p.IsNumber() {
		return
	}
	h := e.held
	if p.Compare(e.lease.Checkpoint) <= 0 || p.Compare(h.pending) <= 0 {
		return
	}
	if h.pending.Sequence == "" {
		h.pendingAt = now.Mono
	}
	h.pending = p
	m.touch(e)
}

// Confirm asks for an Answered event after the next write that begins from now on.
func (m *Machine) Confirm(now Instant, key string, gen, token uint64) {
	m.request(key, gen, wanting{token, confirm})
}

// MarkOffsets asks for the mark, and for an Answered event once it is written.
func (m *Machine) MarkOffsets(now Instant, key string, gen, token uint64) {
	if e, ok := m.holding(key, gen); ok && e.lease.Offsets {
		m.answer([]wanting{{token, markOffsets}}, nil)
		return
	}
	m.request(key, gen, wanting{token, markOffsets})
}

func (m *Machine) request(key string, gen uint64, w wanting) {
	e, ok := m.holding(key, gen)
	if !ok {
		m.answer([]wanting{w}, ErrLost)
		return
	}
	e.held.wants = append(e.held.wants, w)
	m.touch(e)
}

// HandOver tells that the user of a lease that was asked for has ended its reading and has handed in its last
// checkpoint. The lease goes to the asker. If the request was taken back meanwhile the holding ends all the same, and the
// lease is opened anew once it is closed.
func (m *Machine) HandOver(now Instant, key string, gen uint64) {
	e, ok := m.holding(key, gen)
	if !ok || !e.held.opened {
		return
	}
	e.held.handing = true
	m.touch(e)
}

// Finish asks that the lease be ended; no children means that they are looked up.
func (m *Machine) Finish(now Instant, key string, gen uint64, children []Shard) {
	e, ok := m.holding(key, gen)
	if !ok {
		return
	}
	h := e.held
	if h.finish == nil {
		h.finish = &finish{since: now.Mono}
	}
	if len(h.finish.children) == 0 {
		h.finish.children = children
	}
	m.wait(e)
	m.touch(e)
}

// Closed tells that the user of an opened lease has ended. Only then is the row taken again.
func (m *Machine) Closed(now Instant, key string, gen uint64) {
	e, ok := m.entries[key]
	if !ok || e.user != gen {
		return
	}
	e.user = 0
	m.touch(e)
	m.offer(e, now)
	m.forget(e)
}

// Drain ends taking and opening.
func (m *Machine) Drain() {
	m.drains = true
	m.queue, m.asks, m.takeAt = nil, nil, never
	for _, e := range m.ordered() {
		if e.waits || e.given {
			m.touch(e)
		}
	}
}

// Stop drains and releases everything.
func (m *Machine) Stop() {
	m.Drain()
	m.stops = true
	m.sync.creates = nil
	for _, e := range m.ordered() {
		if e.held != nil {
			m.touch(e)
		}
	}
}
