package simulation

import (
	"errors"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/source/lease"
)

// leaseTable is the simulated DynamoDB: rows with conditional writes, one at a time. How requests and answers travel is
// the process's matter.
type leaseTable struct {
	s    *Simulation
	rows []lease.Lease // by key
}

func (t *leaseTable) find(key string) (int, bool) {
	return slices.BinarySearchFunc(t.rows, key, func(l lease.Lease, key string) int { return strings.Compare(l.Key, key) })
}

func (t *leaseTable) row(key string) (lease.Lease, bool) {
	i, ok := t.find(key)
	if !ok {
		return lease.Lease{}, false
	}
	return t.rows[i], true
}

// scan returns all rows as they are. The real one takes a while and is no snapshot; the machine must not care, as every
// row stands for itself.
func (t *leaseTable) scan() lease.Scan { return lease.Scan{Leases: slices.Clone(t.rows)} }

var errRow = errors.New("row has changed")

// apply runs a write as the service does.
func (t *leaseTable) apply(w lease.Write, by *process) (lease.Lease, error) {
	t.s.note(noteWrite, int64(w.ID), int64(by.w.n))
	switch {
	case w.Create != nil:
		i, found := t.find(w.Create.Key)
		if !found {
			l := *w.Create
			l.Owner, l.CheckpointOwner, l.Counter, l.OwnerSwitches, l.Children = "", "", 0, 0, nil
			t.rows = slices.Insert(t.rows, i, l)
			t.s.oracle.created(l, by)
			if t.s.trace != nil {
				t.s.say("w%d creates lease %s at %v", by.w.n, l.Key, l.Checkpoint)
			}
		}
		return lease.Lease{}, nil
	case w.Delete != nil:
		i, found := t.find(w.Delete.Key)
		if found && (t.rows[i].Counter != w.Delete.Counter || !t.rows[i].Finished()) {
			l := t.rows[i]
			return lease.Lease{}, &lease.Error{Op: "delete", Class: lease.ClassLost, Found: &l, Err: errRow}
		}
		if found {
			t.s.oracle.deleting(t.rows[i])
			t.rows = slices.Delete(t.rows, i, i+1)
		}
		return lease.Lease{}, nil
	}
	u := w.Update
	i, found := t.find(u.Key)
	if !found {
		return lease.Lease{}, &lease.Error{Op: "write", Class: lease.ClassLost, Err: errRow}
	}
	before := t.rows[i]
	switch {
	case u.Written(before):
		return before, nil
	case !u.Holds(before):
		return lease.Lease{}, &lease.Error{Op: "write", Class: lease.ClassLost, Found: &before, Err: errRow}
	}
	t.rows[i] = u.Apply(before)
	t.s.oracle.written(by, before, t.rows[i])
	return t.rows[i], nil
}

// writes runs the machine's writes: each takes its time, may be refused at the door, may be late, and may be lost, or its
// answer may.
func (p *process) write(w lease.Write) {
	s := p.s
	timeout := s.plan.lease / 4
	answer := func(in time.Duration, l lease.Lease, err error) {
		p.after(in, func() {
			p.leases.Wrote(p.clock(), w.ID, l, err)
			p.leasing()
		})
	}
	lost := &lease.Error{Op: "write", Class: lease.ClassRetry, Err: errLost}
	go1 := s.latency()
	if s.once(s.faults.delays) {
		go1 = s.upTo(s.plan.lease + s.plan.lease/2)
	}
	switch {
	case s.now < p.w.cut[toDynamoDB]:
		answer(timeout, lease.Lease{}, lost)
		return
	case s.once(s.faults.throttles):
		answer(go1, lease.Lease{}, &lease.Error{Op: "write", Class: lease.ClassThrottled, Err: errThrottled})
		return
	case s.once(s.faults.losses):
		answer(timeout, lease.Lease{}, lost)
		return
	}
	back := s.latency()
	silent := s.once(s.faults.losses)
	if go1+back > timeout || silent {
		answer(timeout, lease.Lease{}, lost)
	}
	s.after(go1, func() {
		l, err := s.table.apply(w, p)
		if go1+back <= timeout && !silent {
			if s.now+back < p.w.cut[toDynamoDB] { // the partition began meanwhile
				answer(timeout-go1, lease.Lease{}, lost)
				return
			}
			answer(back, l, err)
		}
	})
}

// reading runs a scan or a listing, which change nothing.
func (p *process) reading(service service, read func() func(now lease.Instant, err error)) {
	s := p.s
	go1, back := s.latency(), s.latency()
	failed := s.once(s.faults.throttles)
	s.after(go1, func() {
		done := read()
		var err error
		if failed || s.now < p.w.cut[service] {
			err, back = errThrottled, back+s.upTo(2*time.Second)
		}
		p.after(back, func() {
			done(p.clock(), err)
			p.leasing()
		})
	})
}

var (
	errLost      = errors.New("no answer")
	errThrottled = errors.New("throttled")
)
