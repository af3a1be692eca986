package lease

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Wrote tells the outcome of an attempt at a write.
func (m *Machine) Wrote(now Instant, id uint64, l Lease, err error) {
	o, ok := m.ops[id]
	if !ok {
		return // the lease was lost meanwhile
	}
	e := o.entry
	o.inFlight = false
	m.touch(e)
	if err == nil {
		m.drop(e)
		e.tries, e.retryAt = 0, 0
		m.applied(now, e, o, l)
		m.forget(e)
		return
	}
	switch ClassOf(err) {
	case ClassLost:
		m.drop(e)
		e.tries, e.retryAt = 0, 0
		var found *Lease
		if se, ok := errors.AsType[*Error](err); ok {
			found = se.Found
		}
		m.refused(now, e, o, found)
		m.forget(e)
		return
	case ClassPermanent:
		m.drop(e)
		m.unanswered(e, o)
		m.fatal(err)
	case ClassThrottled:
		// Not written. What is composed anew can carry more; but a write in doubt must be repeated as it was.
		if !o.doubt && (o.kind <= opEnd && o.kind != opTake || o.kind >= opAsk) {
			m.drop(e)
			m.unanswered(e, o)
		}
	case ClassRetry:
		o.doubt = true
	}
	e.retryAt = now.Mono + m.backoff(e.tries)
	e.tries++
	if m.stops && o.kind == opGiveBack && e.tries >= 5 {
		// It is only a kindness: what is not given back expires.
		m.drop(e)
		e.undo, e.given = false, false
		if e.waits {
			e.waits = false
			m.awaited--
		}
	}
}

// unanswered puts back the requests that a dropped write would have answered.
func (m *Machine) unanswered(e *entry, o *op) {
	if e.held != nil {
		e.held.wants = append(o.wants, e.held.wants...)
	}
}

// applied handles a write that took effect and left l behind.
func (m *Machine) applied(now Instant, e *entry, o *op, l Lease) {
	switch o.kind {
	case opCreate:
		m.created(now, e, o)
		return
	case opDelete:
		e.known = false
		return
	case opTake:
		m.took(now, e, o, l)
		return
	case opAsk, opGiveBack:
		m.observe(now, e, &l)
		return
	}
	h := e.held
	m.observe(now, e, &l)
	if h == nil {
		return
	}
	h.renewed = o.first
	h.due = o.first.Mono + m.jitter(m.cfg.Duration/renewals, 0.1)
	if l.Checkpoint.Compare(h.pending) >= 0 {
		h.pending = row.Position{}
	}
	switch o.kind {
	case opEnd:
		m.answer(o.wants, nil)
		m.ended(e)
		return
	case opRelease:
		m.answer(o.wants, nil)
		if h.asker != "" {
			m.lose(e, errHanded)
		} else {
			m.lose(e, errReleased)
		}
		return
	}
	m.answer(o.wants, nil)
	m.checkOwner(now, e, l)
}

// refused handles a write whose condition did not hold. found is the row, nil when there is none.
func (m *Machine) refused(now Instant, e *entry, o *op, found *Lease) {
	h := e.held
	expected := e.lease.Counter
	if o.kind == opAsk && o.doubt && found != nil && found.Owner == m.cfg.Worker {
		e.given = true // asked for by a write whose answer was lost, and handed over since
	}
	m.observe(now, e, found)
	switch {
	case o.kind == opTake && o.steal && m.stealAgain(now, e, o.write.Update.If.Owner):
		return
	case h == nil || o.kind == opTake || o.kind == opCreate || o.kind == opDelete:
		m.offer(e, now)
		return
	}
	if o.kind == opEnd && o.doubt && (found == nil || found.Finished()) {
		// The lost answer was a yes, and somebody has handled the finished lease since.
		m.answer(o.wants, ErrLost)
		m.ended(e)
		return
	}
	if found != nil && found.Counter == expected && found.Holder() == m.cfg.Worker && found.Owner != "" {
		m.unanswered(e, o) // asked for, or no longer
		m.checkOwner(now, e, *found)
		return
	}
	m.answer(o.wants, ErrLost)
	m.lose(e, fmt.Errorf("%w: %s", ErrLost, describe(found)))
}

// checkOwner notices that another worker asks for a held lease, or no longer does, or has it.
func (m *Machine) checkOwner(now Instant, e *entry, l Lease) {
	h := e.held
	switch {
	case l.Owner == m.cfg.Worker && l.CheckpointOwner == "":
		h.asker = ""
	case l.CheckpointOwner == m.cfg.Worker && l.Owner != "":
		if h.asker == "" {
			h.askedAt = now.Mono
		}
		h.asker = l.Owner
		switch {
		case !h.opened, m.cfg.Broken.Has(mutant.EarlyTransfer):
			// Nobody reads it yet, so nothing is to be waited for.
			h.handing = true
		case !h.asked:
			h.asked = true
			m.event(Event{Kind: Asked, Key: e.key, Gen: h.gen})
		}
		m.touch(e)
	default:
		m.lose(e, fmt.Errorf("%w: %s", ErrLost, describe(&l)))
	}
}

func (m *Machine) answer(wants []wanting, err error) {
	for _, w := range wants {
		m.event(Event{Kind: Answered, Token: w.token, Err: err})
	}
}

// lose ends a holding. A write of it that is in flight may still take effect; it can only prolong what is lost.
func (m *Machine) lose(e *entry, why error) {
	h := e.held
	if e.op != nil {
		m.answer(e.op.wants, ErrLost)
		m.drop(e)
	}
	m.answer(h.wants, ErrLost)
	m.gone(e, why)
	m.unhold(e)
}

// gone tells the user of an opened lease, once, that it is over.
func (m *Machine) gone(e *entry, why error) {
	if h := e.held; h.opened {
		h.opened = false
		m.event(Event{Kind: Gone, Key: e.key, Gen: h.gen, Err: why})
	}
}

// reopen ends a holding whose user has drained it for nothing, and begins another one without giving the lease up.
func (m *Machine) reopen(e *entry) {
	h := e.held
	m.gone(e, errReopened)
	h.gen, h.asked, h.handing = m.id(), false, false
	m.wait(e)
}

func (m *Machine) ended(e *entry) {
	h := e.held
	m.answer(h.wants, ErrLost)
	if h.opened {
		m.event(Event{Kind: Ended, Key: e.key, Gen: h.gen})
	}
	m.unhold(e)
	m.touchWaiting() // children
}

func (m *Machine) unhold(e *entry) {
	e.held = nil
	m.held--
	e.waiting = false
	m.touch(e)
}
