package lease

import (
	"cmp"
	"time"

	"kinesis-snowflake/internal/row"
)

// entry is what a Machine knows of one row.
type entry struct {
	key   string
	known bool          // the row exists
	lease Lease         // as it was last seen
	seen  time.Duration // when its counter was first seen to have this value
	moved bool          // the counter was seen to change, so its owner was alive then
	asOf  time.Duration // scans that began earlier may show an older row

	held *held
	user uint64 // the opened holding whose user has not closed it, which may be over already; 0 = none
	op   *op    // the only write of this row that is in flight or in doubt

	tries   int           // failed writes in a row
	retryAt time.Duration // no write before

	wake time.Duration
	slot int // in the heap; -1 when it is not there
}

// held is a lease that this worker owns.
type held struct {
	gen     uint64
	renewed Instant       // start of the last successful write
	due     time.Duration // of the next renewal
	taken   time.Duration // when the answer of the take came
	opened  bool

	pending   row.Position // committed and not yet written; zero when there is none
	pendingAt time.Duration
	wants     []wanting
	finish    *finish

	asker   string        // another worker that asks for the lease
	asked   bool          // the user was told so
	askedAt time.Duration // when that began
	handing bool          // the user is done: hand it over
}

// wanting is a request that a successful write answers.
type wanting struct {
	token uint64
	want  want
}

type want uint8

const (
	confirm     want = iota // any write
	markOffsets             // one that also sets the mark
)

type opKind uint8

const (
	opTake opKind = iota
	opRenew
	opRelease // also a hand-over
	opEnd
	opCreate
	opDelete
)

// op is a write from its first attempt until its outcome is known.
type op struct {
	kind     opKind
	key      string
	write    Write
	first    Instant // start of the first attempt that may have taken effect
	inFlight bool
	doubt    bool // an attempt's outcome is unknown
	wants    []wanting
}

func (m *Machine) entry(key string) *entry {
	e, ok := m.entries[key]
	if !ok {
		e = &entry{key: key, slot: -1}
		m.entries[key] = e
	}
	return e
}

// forget drops an entry of which nothing is left.
func (m *Machine) forget(e *entry) {
	if e.known || e.held != nil || e.user != 0 || e.op != nil {
		return
	}
	m.schedule(e, never)
	delete(m.dirty, e.key)
	delete(m.entries, e.key)
}

// begin sends the first attempt of a write.
func (m *Machine) begin(now Instant, e *entry, o *op) {
	o.key = e.key
	o.write.ID = m.id()
	m.ops[o.write.ID] = o
	e.op = o
	m.send(now, o)
}

// send makes an attempt. As long as none is in doubt, the renewal counts from this one.
func (m *Machine) send(now Instant, o *op) {
	if !o.doubt {
		o.first = now
	}
	o.inFlight = true
	m.out.Writes = append(m.out.Writes, o.write)
}

// drop ends a write, whatever became of it.
func (m *Machine) drop(e *entry) {
	if e.op == nil {
		return
	}
	if e.op.kind == opTake {
		m.takes--
	}
	if e.op.kind == opCreate {
		m.sync.inFlight--
	}
	delete(m.ops, e.op.write.ID)
	e.op = nil
}

type wakeHeap []*entry

func (h wakeHeap) Len() int { return len(h) }
func (h wakeHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].wake, h[j].wake), cmp.Compare(h[i].key, h[j].key)) < 0
}
func (h wakeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *wakeHeap) Push(x any) {
	e := x.(*entry)
	e.slot = len(*h)
	*h = append(*h, e)
}

func (h *wakeHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	e.slot = -1
	return e
}
