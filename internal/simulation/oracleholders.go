package simulation

import (
	"maps"
	"slices"
	"time"
)

// opened judges the begin of a holding.
func (o *oracle) opened(r *reader) {
	s, sh := o.s, r.sh
	for _, p := range sh.parents {
		if !p.complete() {
			s.fail("w%d reads %s before its parent %s is committed to its end", r.p.w.n, sh.id, p.id)
		}
	}
	if sh.deleted {
		s.fail("w%d reads %s again, whose lease was deleted", r.p.w.n, sh.id)
	}
	l, _ := s.table.row(sh.id)
	switch start := r.start.Checkpoint; {
	case l.Owner == r.p.w.name && start.Compare(l.Checkpoint) < 0:
		s.fail("w%d reads %s from %v, and its lease says %v", r.p.w.n, sh.id, start, l.Checkpoint)
	case sh.upTo(start) > sh.done:
		s.fail("w%d reads %s from %v, user record %d, and the table has %d", r.p.w.n, sh.id, start, sh.upTo(start), sh.done)
	}
	if sh.orphan >= 0 {
		waited := s.now - max(sh.orphan, o.changed)
		o.reread = max(o.reread, waited)
		sh.orphan = -1
		if s.plan.quiet && waited > s.plan.lease+quickly {
			s.fail("%s waited %v for a reader after its worker had died", sh.id, waited)
		}
	}
	o.opens++
	sh.holders = append(sh.holders, r)
	o.alone(sh)
}

// released notes the end of a holding.
func (o *oracle) released(r *reader) {
	r.sh.holders = slices.DeleteFunc(r.sh.holders, func(h *reader) bool { return h == r })
	delete(o.asked, r)
}

// releasing notes that a process that stops has nothing left to commit: it gives up all that it holds.
func (o *oracle) releasing(p *process) {
	for _, gen := range slices.Sorted(maps.Keys(p.byGen)) {
		o.released(p.byGen[gen])
	}
}

// handing judges the end of a holding that is handed over: what was read is committed.
func (o *oracle) handing(r *reader) {
	if r.read > r.sh.done && !r.p.dropped {
		o.s.fail("w%d hands %s over, of which it has read %d user records and the table has %d", r.p.w.n, r.sh.id, r.read, r.sh.done)
	}
	o.released(r)
}

// glance is how soon one that was away looks at its clocks.
func (o *oracle) glance() time.Duration { return o.s.plan.lease/10 + time.Millisecond }

// alone holds the rule that leases are for: of those who are running, one at most believes that it holds a shard. One
// that was away looks at its clocks soon after.
func (o *oracle) alone(sh *shard) {
	s := o.s
	var awake []*reader
	for _, h := range sh.holders {
		if h.p.dead {
			continue
		}
		if h.p.w.until > 0 && s.now <= h.p.w.until+o.glance() {
			s.after(h.p.w.until+o.glance()+time.Millisecond-s.now, func() { o.alone(sh) })
			continue
		}
		awake = append(awake, h)
	}
	if len(awake) > 1 {
		s.fail("w%d and w%d both hold %s", awake[0].p.w.n, awake[1].p.w.n, sh.id)
	}
}
