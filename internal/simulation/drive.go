package simulation

import (
	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/source/lease"
)

// leasing has the lease machine decide, after it was told something.
func (p *process) leasing() {
	p.leasesDue = true
	p.pump()
}

// delivering has the delivery machine decide, after it was told something.
func (p *process) delivering() {
	p.deliveryDue = true
	p.pump()
}

// pump asks both machines until neither was told anything more.
func (p *process) pump() {
	if p.pumping {
		return
	}
	p.pumping = true
	for !p.dead && (p.leasesDue || p.deliveryDue) {
		if p.leasesDue {
			p.leasesDue = false
			p.advanceLeases()
		}
		if p.deliveryDue && !p.dead {
			p.deliveryDue = false
			p.advanceDelivery()
		}
	}
	p.pumping = false
}

func (p *process) advanceLeases() {
	s := p.s
	out := p.leases.Advance(p.clock())
	s.note(noteLeases, int64(p.w.n), int64(len(out.Writes)), int64(len(out.Events)), int64(out.Wake))
	if out.Fatal != nil {
		s.fail("w%d: leases end with: %v", p.w.n, out.Fatal)
		return
	}
	for _, w := range out.Writes {
		s.oracle.sent(p, w)
		p.write(w)
	}
	for _, e := range out.Events {
		p.leaseEvent(e)
	}
	if out.Scan {
		p.reading(toDynamoDB, func() func(lease.Instant, error) {
			scan := s.table.scan()
			return func(now lease.Instant, err error) {
				if err != nil {
					scan = lease.Scan{}
				}
				p.leases.Scanned(now, scan, err)
			}
		})
	}
	if req := out.List; req != nil {
		began := epoch.Add(s.now)
		p.reading(toKinesis, func() func(lease.Instant, error) {
			l := s.stream.list(req.Start)
			l.Time = began
			if req.Start != nil {
				p.tipListed = s.now
			}
			return func(now lease.Instant, err error) {
				if err != nil {
					l = lease.Listing{}
				}
				p.leases.Listed(now, *req, l, err)
			}
		})
	}
	if out.Stopped {
		p.stopped()
		return
	}
	p.set(&p.leaseAlarm, out.Wake, p.leasing)
}

func (p *process) leaseEvent(e lease.Event) {
	s := p.s
	if s.trace != nil && e.Kind != lease.Answered {
		s.say("w%d lease event %d %s gen %d %v %v", p.w.n, e.Kind, e.Key, e.Gen, e.Lease.Checkpoint, e.Err)
	}
	switch e.Kind {
	case lease.Opened:
		p.open(e)
	case lease.Gone, lease.Ended, lease.Asked:
		r := p.byGen[e.Gen]
		if r == nil || r.gone {
			s.fail("w%d: event %d of %s, whose holding is over", p.w.n, e.Kind, e.Key)
			return
		}
		switch e.Kind {
		case lease.Gone:
			r.lose()
		case lease.Ended:
			r.over()
		default:
			r.handover()
		}
	case lease.Answered:
		if f := p.byToken[e.Token]; f != nil {
			delete(p.byToken, e.Token)
			f(e.Err)
		}
	}
}

func (p *process) advanceDelivery() {
	s := p.s
	out := p.delivery.Advance(p.mono())
	s.note(noteDelivery, int64(p.w.n), int64(len(out.Events)), int64(out.Wake))
	for _, e := range out.Events {
		p.deliveryEvent(e)
	}
	if out.Fatal != nil {
		s.fail("w%d: delivery ends with: %v", p.w.n, out.Fatal)
		return
	}
	if out.Op != nil {
		p.do(*out.Op)
	}
	if out.Done && p.stopping && !p.flushed {
		p.flushed = true
		s.oracle.releasing(p)
		p.leases.Stop()
		p.leasesDue = true
	}
	wake := out.Wake
	if wake == delivery.Never {
		wake = never
	}
	p.set(&p.deliveryAlarm, wake, p.delivering)
}

func (p *process) deliveryEvent(e delivery.Event) {
	s := p.s
	r := p.byRef[e.Shard]
	if s.trace != nil && e.Kind != delivery.Woken {
		id := ""
		if r != nil {
			id = r.sh.id
		}
		s.say("w%d delivery event %d %s %v batch %d %+v %v", p.w.n, e.Kind, id, e.At, e.Batch, e.Counts, e.Err)
	}
	switch e.Kind {
	case delivery.Checkpoint:
		if r != nil {
			p.leases.Checkpoint(p.clock(), r.sh.id, r.gen, e.At)
			p.leasesDue = true
		}
	case delivery.Finish:
		if r != nil {
			r.finished = true
			p.leases.Finish(p.clock(), r.sh.id, r.gen, r.children)
			p.leasesDue = true
		}
	case delivery.Drained:
		if r != nil {
			r.drained()
		}
	case delivery.Woken:
		if r != nil {
			p.after(0, r.retry)
		}
	case delivery.Discard:
		delete(p.batches, e.Batch)
	case delivery.Forgotten:
		delete(p.byRef, e.Shard)
	case delivery.WentBack:
		p.dropped = true
	case delivery.Trouble:
		s.note(noteTrouble, int64(p.w.n), int64(e.Pause))
	}
}

// do begins a step of delivery.
func (p *process) do(op delivery.Op) {
	switch op.Kind {
	case delivery.Confirm, delivery.Mark:
		errs := make([]error, len(op.Shards))
		left := len(op.Shards)
		for i, ref := range op.Shards {
			answered := func(err error) {
				errs[i] = err
				if left--; left > 0 {
					return
				}
				if op.Kind == delivery.Confirm {
					p.delivery.Confirmed(p.mono(), op.ID, errs)
				} else {
					p.delivery.Marked(p.mono(), op.ID, errs)
				}
				p.deliveryDue = true
			}
			r := p.byRef[ref]
			p.tokens++
			p.byToken[p.tokens] = answered
			if op.Kind == delivery.Confirm {
				p.leases.Confirm(p.clock(), r.sh.id, r.gen, p.tokens)
			} else {
				p.leases.MarkOffsets(p.clock(), r.sh.id, r.gen, p.tokens)
			}
		}
		p.leasesDue = true
	case delivery.Acquire:
		p.acquiring, p.aborted = map[string]bool{}, false
		for _, w := range op.Wanted {
			p.acquiring[w.Shard] = true
		}
		p.loader.acquire(op)
	case delivery.Load:
		p.loader.load(op)
	}
}
