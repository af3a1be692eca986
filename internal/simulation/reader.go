package simulation

import (
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

// reader reads one holding of a shard, as the source does: answers come one at a time, each enters a batch whole, and a
// reader that has stopped is closed before its lease is given on.
type reader struct {
	p        *process
	sh       *shard
	gen      uint64
	ref      delivery.Ref
	start    lease.Lease
	at       time.Time // of a start at the tip
	next     int       // record
	skip     int64     // user records up to it are left out: reading begins at a record, a checkpoint may stand inside of it
	pending  *answer
	busy     bool // an answer is being appended
	ending   bool // the last answer was read
	children []lease.Shard

	stopped  bool // no more answers
	asked    bool // by another worker
	drains   bool
	gone     bool // the holding is over
	finished bool // committed to the shard's end
	closed   bool
	read     int64 // user records up to which it has read
}

// batch is what lies in the spool of a batch: in the order in which it came.
type batch struct {
	id      string
	rows    []span
	attempt int
}

// open begins the reading of a lease.
func (p *process) open(e lease.Event) {
	sh := p.s.stream.byID[e.Key]
	if r := p.readers[e.Key]; r != nil {
		p.s.fail("w%d: %s is opened again before it was closed", p.w.n, e.Key)
		return
	}
	r := &reader{p: p, sh: sh, gen: e.Gen, start: e.Lease, at: e.Time}
	p.readers[e.Key], p.byGen[e.Gen] = r, r
	r.ref = p.delivery.Open(p.mono(), delivery.Lease{Shard: e.Key, Start: e.Lease.Checkpoint, HasOffsets: e.Lease.Offsets})
	p.byRef[r.ref] = r
	r.seek(e.Lease.Checkpoint)
	p.s.oracle.opened(r)
	p.after(p.s.latency(), r.poll)
}

// poll asks for the next answer.
func (r *reader) poll() {
	if r.stopped {
		return
	}
	s := r.p.s
	if s.now < r.p.w.cut[toKinesis] || s.once(s.faults.throttles) {
		r.p.after(s.between(200*time.Millisecond, 2*time.Second), r.poll)
		return
	}
	ans := s.stream.get(r.sh, r.next)
	r.handle(&ans)
}

// handle takes one answer.
func (r *reader) handle(ans *answer) {
	if r.stopped {
		return
	}
	p, s := r.p, r.p.s
	a, b := max(r.sh.users(ans.a), r.skip), r.sh.users(ans.b)
	end := ans.end || r.ending
	if len(ans.children) > 0 {
		r.children = ans.children
	}
	if b <= a {
		e := p.delivery.Idle(p.mono(), r.ref, ans.behind, end)
		if r.turned(e, ans) {
			return
		}
		r.next = ans.b
		r.ending = end
		p.delivering()
		r.again(ans.behind > 0)
		return
	}
	e := p.delivery.Enter(p.mono(), r.ref)
	if r.turned(e, ans) {
		return
	}
	data := p.batches[e.Batch]
	if data == nil {
		data = &batch{id: p.loader.batchID()}
		p.batches[e.Batch] = data
	}
	r.busy = true
	p.after(s.upTo(20*time.Millisecond), func() {
		r.busy = false
		from := max(a, r.sh.upTo(e.Skip))
		out := delivery.Answer{Last: r.sh.last(ans.b - 1), Behind: ans.behind, End: end}
		if from < b {
			data.rows = append(data.rows, span{r.sh, from, b})
			out.Records, out.Rows, out.Bytes = b-from, b-from, b-from
		}
		if s.once(s.faults.spool) {
			out.Err = errSpool
			p.dropped = true
		}
		r.next, r.ending, r.read = ans.b, end, b
		p.delivery.Leave(p.mono(), r.ref, e.Batch, out)
		r.settle()
		p.delivering()
		r.again(ans.behind > 0)
	})
}

// turned follows an answer that has entered no batch.
func (r *reader) turned(e delivery.Entry, ans *answer) bool {
	switch e.Verdict {
	case delivery.Full:
		r.pending = ans
	case delivery.Rewound:
		r.ending = false
		if r.seek(e.After); !e.After.IsNumber() {
			r.seek(r.start.Checkpoint)
		}
		r.p.after(r.p.s.latency(), r.poll)
	case delivery.Gone:
	default:
		return false
	}
	r.p.delivering()
	return true
}

// seek goes to just after a position: to its record, the user records up to it left out.
func (r *reader) seek(after row.Position) {
	r.next, r.skip = 0, 0
	switch k, ok := record(after); {
	case ok:
		r.next, r.skip = k, r.sh.upTo(after)
	case after.Sequence == row.Latest:
		r.next = r.sh.from(r.at.Sub(epoch))
	}
}

// retry hands in the answer that found no room.
func (r *reader) retry() {
	if ans := r.pending; ans != nil {
		r.pending = nil
		r.handle(ans)
	}
}

// again asks for the next answer: soon, if there is more.
func (r *reader) again(more bool) {
	s := r.p.s
	pause := s.plan.poll
	if more {
		pause = 200 * time.Millisecond // five calls a second
	}
	r.p.after(pause+s.latency(), r.poll)
}

// end stops the reading. An answer that is being appended is finished first.
func (r *reader) end() {
	r.stopped = true
	r.pending = nil
	r.settle()
}

// settle goes on with what waits for the reading to be over.
func (r *reader) settle() {
	if !r.stopped || r.busy || r.closed {
		return
	}
	p := r.p
	switch {
	case r.gone || p.stopping:
		r.close()
	case r.asked && !r.drains:
		r.drains = true
		p.delivery.Drain(p.mono(), r.ref)
		p.deliveryDue = true
	}
}

// handover stops the reading because another worker asked for the lease.
func (r *reader) handover() {
	r.asked = true
	r.p.s.oracle.asked[r] = r.p.mono()
	r.end()
}

// drained: everything that was read is committed.
func (r *reader) drained() {
	if r.closed {
		return
	}
	p := r.p
	p.s.oracle.handing(r)
	r.closed = true
	p.delivery.Close(p.mono(), r.ref)
	p.leasesDue, p.deliveryDue = true, true
	p.leases.HandOver(p.clock(), r.sh.id, r.gen)
	r.shut()
}

// lose ends a holding that another worker has, or may have.
func (r *reader) lose() {
	p := r.p
	r.finish()
	if r.closed {
		return
	}
	// The reader hears of it a moment later, on its own goroutine.
	p.after(p.s.upTo(10*time.Millisecond), func() {
		p.delivery.Lost(p.mono(), r.ref)
		r.end()
		p.delivering()
	})
}

// over ends a holding whose shard is finished.
func (r *reader) over() {
	r.finish()
	r.end()
}

func (r *reader) finish() {
	r.p.s.oracle.released(r)
	delete(r.p.byGen, r.gen)
	r.gone = true
}

func (r *reader) close() {
	r.closed = true
	r.p.delivery.Close(r.p.mono(), r.ref)
	r.p.deliveryDue = true
	r.shut()
}

// shut gives the holding back to the leases.
func (r *reader) shut() {
	p := r.p
	p.after(p.s.upTo(5*time.Millisecond), func() {
		delete(p.readers, r.sh.id)
		p.leases.Closed(p.clock(), r.sh.id, r.gen)
		p.ended()
		p.leasing()
	})
}
