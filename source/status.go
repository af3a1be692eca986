package source

// Status is a snapshot for a progress display and for running until caught up.
type Status struct {
	Synced bool // the lease table was scanned and has its leases
	Leases int  // of all workers
	Done   int  // finished
	Held   int  // by this worker
	Open   int  // being read by this worker, or at their end and not yet finished
	Others int  // unfinished, and of workers that are seen alive
	// Pending leases are unfinished and free, or held by this worker but waiting for their parents, or held by a worker
	// that was not yet seen alive: it may be a dead one's. Whoever waits for the end of a stream waits for them too.
	Pending int
}

// Status returns a snapshot. Before Run it is the zero Status.
func (s *Source) Status() Status {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return Status{}
	}
	l := r.leases.Status()
	return Status{Synced: l.Synced, Leases: l.Leases, Done: l.Done, Held: l.Held, Open: l.Open, Others: l.Others, Pending: l.Pending}
}
