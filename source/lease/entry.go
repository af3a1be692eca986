package lease

import (
	"cmp"
	"slices"
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
	stamp uint64        // the last look that showed it

	asOfWall time.Time    // asOf, by the wall clock
	seenWall time.Time    // seen, by the wall clock; for a broken rule
	scanned  row.Position // the checkpoint that the last look showed; for a broken rule
	renewed  bool         // its holder was seen to move the counter

	switched   bool // it was seen to change hands
	switchedAt time.Duration

	next    *peer // the owner
	holder  *peer // the checkpoint owner during a hand-over, else the owner
	counted *peer // the one for whom it counts
	live    bool  // it counts as unfinished

	vacant   bool // it was found free or expired
	vacantAt time.Duration
	queued   bool // for a take
	steals   int  // attempts to take it from a living worker, one after the other

	waits      bool // it was asked for, and its holder has not handed it over yet
	waitsSince time.Duration
	undo       bool // take the request back
	given      bool // it was handed over to this worker
	rank       int  // among the leases that could be asked for

	held *held
	user uint64 // the opened holding whose user has not closed it, which may be over already; 0 = none
	op   *op    // the only write of this row that is in flight or in doubt

	tries   int           // failed writes in a row
	retryAt time.Duration // no write before

	wake time.Duration
	slot int // in the heap; -1 when it is not there

	dirty     bool // the next Advance looks at it
	waiting   bool // held, and waiting for another row: a parent's end or a child's creation
	listed    bool // in the list of those that wait
	forgotten bool
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
	opAsk      // for a living worker's lease
	opGiveBack // a request, or what came of it
)

// op is a write from its first attempt until its outcome is known.
type op struct {
	kind     opKind
	steal    bool // of a take: from a living worker
	entry    *entry
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
		m.rows = append(m.rows, e)
		m.untidy = true
	}
	return e
}

// forget drops an entry of which nothing is left.
func (m *Machine) forget(e *entry) {
	if e.known || e.held != nil || e.user != 0 || e.op != nil {
		return
	}
	m.schedule(e, never)
	delete(m.entries, e.key)
	e.forgotten, m.untidy = true, true
	refer(&e.next, nil)
	refer(&e.holder, nil)
}

// ordered returns all entries in the order of their keys.
func (m *Machine) ordered() []*entry {
	if m.untidy {
		m.untidy = false
		m.rows = slices.DeleteFunc(m.rows, func(e *entry) bool { return e.forgotten })
		slices.SortFunc(m.rows, func(a, b *entry) int { return cmp.Compare(a.key, b.key) })
	}
	return m.rows
}

// begin sends the first attempt of a write.
func (m *Machine) begin(now Instant, e *entry, o *op) {
	o.entry = e
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
	switch e.op.kind {
	case opTake:
		m.takes--
	case opCreate:
		m.sync.inFlight--
	case opAsk, opGiveBack:
		m.requests--
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
