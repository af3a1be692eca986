package lease

// Status is what a worker knows of the table.
type Status struct {
	Synced  bool // the table was scanned and has a lease for every shard that needs one
	Leases  int  // all of them
	Done    int  // finished
	Held    int  // held by this worker
	Open    int  // handed out and unfinished
	Others  int  // unfinished and held by workers whose counters were seen to move
	Pending int  // unfinished and free, or held here but not yet open, or held by a worker not yet seen alive
}

// Waits reports whether this worker has no lease, none to take and none that it has asked for.
func (m *Machine) Waits() bool {
	return m.scan.done && m.held == 0 && m.takes == 0 && len(m.queue) == 0 && len(m.asks) == 0 && m.requests == 0 && m.awaited == 0 && m.unfinished > 0
}

// Status returns a snapshot.
func (m *Machine) Status(now Instant) Status {
	s := Status{Synced: m.scan.done && m.sync.done && !m.sync.empty && !m.creating()}
	for _, e := range m.entries {
		if !e.known {
			continue
		}
		s.Leases++
		switch {
		case e.lease.Finished():
			s.Done++
		case e.held != nil && e.held.opened:
			s.Open++
		case e.held == nil && (e.lease.Owner != "" || e.lease.CheckpointOwner != "") && e.moved && now.Mono-e.seen < m.cfg.Duration:
			s.Others++
		default:
			s.Pending++
		}
	}
	s.Held = m.held
	return s
}
