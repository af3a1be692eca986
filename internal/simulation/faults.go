package simulation

import "time"

// trouble does something to somebody, again and again until the calm.
func (s *Simulation) trouble() {
	if s.now >= s.plan.calm {
		return
	}
	s.after(s.often(s.faults.trouble), s.trouble)
	what := trouble(s.rng.IntN(int(troubles)))
	if s.plan.quiet {
		what = []trouble{crashes, stops, joins}[s.rng.IntN(3)]
	}
	w := s.workers[s.rng.IntN(len(s.workers))]
	span := s.upTo(4 * s.plan.lease)
	s.note(noteFault, int64(what), int64(w.n), int64(span))
	if s.trace != nil {
		s.say("trouble %d for w%d: %v", what, w.n, span)
	}
	switch what {
	case pauses:
		if !w.asleep {
			w.halt(max(w.until, s.now) + span)
		}
	case suspends:
		s.suspend(w, span)
	case crashes:
		if w.p == nil || w.p.dead || w.leaves {
			return
		}
		w.p.crash()
		s.again(w, span)
	case stops:
		if w.p == nil || w.p.dead || w.p.stopping {
			return
		}
		p := w.p
		p.after(0, p.terminate)
	case jumps:
		if s.now < w.fooled {
			return
		}
		w.fooled = s.now + 2*s.plan.lease
		w.skew += s.upTo(10*time.Minute) - 5*time.Minute
		if w.p != nil && !w.p.dead {
			w.p.after(0, w.p.leasing)
		}
	case joins:
		if len(s.workers) < 2*s.plan.workers {
			s.join().start()
		}
	case partitions:
		service := service(s.rng.IntN(int(services)))
		w.cut[service] = s.now + span
	case outages:
		service := service(s.rng.IntN(int(services)))
		for _, w := range s.workers {
			w.cut[service] = max(w.cut[service], s.now+span/2)
		}
	}
}

// suspend stops a machine, its monotonic clock with it.
func (s *Simulation) suspend(w *worker, span time.Duration) {
	if s.now < w.fooled || s.now < w.until {
		return
	}
	w.asleep = true
	w.frozen += span
	w.fooled = s.now + span + 2*s.plan.lease
	w.halt(s.now + span)
}

// moment is the worst one to stop a worker at: its transaction has the lock, and others will end it.
func (s *Simulation) moment(w *worker) {
	if !s.once(s.faults.moments) || w.asleep {
		return
	}
	span := s.between(s.plan.lease/2, 4*s.plan.lease)
	s.note(noteFault, int64(troubles), int64(w.n), int64(span))
	if s.trace != nil {
		s.say("w%d stops running for %v, with the offsets' lock", w.n, span)
	}
	if s.once(2) {
		s.suspend(w, span)
	} else {
		w.halt(max(w.until, s.now) + span)
	}
}

// again has a worker come back with a new process, sometimes never.
func (s *Simulation) again(w *worker, in time.Duration) {
	if s.now < s.plan.calm && s.once(4) && s.alive() > 1 {
		w.leaves = true
		return
	}
	s.after(in, func() {
		if w.p.dead && !w.leaves {
			w.start()
		}
	})
}

func (s *Simulation) alive() (n int) {
	for _, w := range s.workers {
		if w.p == nil || !w.p.dead || !w.leaves {
			n++
		}
	}
	return n
}
