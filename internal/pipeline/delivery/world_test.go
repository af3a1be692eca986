package delivery

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// world is a stream, a lease table and a sink around one machine, on one thread: dice decide what happens next. The sink
// moves an offset only under its epoch and from where the claim says; besides, another worker takes shards now and then.
// The rules are checked as things happen.
type world struct {
	m       *Machine
	now     time.Duration
	dice    func(what string, n int) int // 0..n-1
	shards  []*stream
	refs    map[Ref]*holding
	batches map[BatchID][]stored
	useless map[BatchID]bool // their files failed
	dropped map[BatchID]bool
	doubt   map[BatchID]map[string]int64 // committed, but the machine was told an error
	op      *Op
	wake    time.Duration
	done    bool
	calm    bool // nothing fails any more
	kinds   map[string]int
}

// stream is one shard: its log, its lease, and its share of the sink.
type stream struct {
	id       string
	log      []record
	end      bool         // closed after the log
	begin    row.Position // what was done before the connector came
	lease    row.Position
	finished bool
	marked   bool
	offset   row.Claim
	table    []row.Position
	holding  *holding
}

type record struct {
	at  row.Position
	row bool
}

type stored struct {
	shard string
	at    row.Position
}

// holding is one holding of a lease by the machine.
type holding struct {
	*stream
	ref     Ref
	next    int          // of the log
	read    row.Position // what was handled last, not rewound since
	in      *Entry       // an answer is being appended
	until   int          // where it ends in the log
	batches []BatchID    // that hold its rows, since the last rewind
	waits   bool         // for Woken
	stolen  bool         // another worker has the lease; the machine does not know yet
	told    bool         // it does
	leaving bool
	drained bool
}

var (
	errPasses = errors.New("passes")
	errFiles  = errors.New("files are of no use")
	errFinal  = errors.New("final")
	errMend   = errors.New("somebody must mend it")
)

func sortErrors(err error) Severity {
	switch {
	case errors.Is(err, errFiles):
		return Lost
	case errors.Is(err, errFinal):
		return Stop
	case errors.Is(err, errMend):
		return Operator
	}
	return Transient
}

func newWorld(broken mutant.Set, dice func(string, int) int) *world {
	cfg := Config{Interval: 5 * time.Second, MaxBytes: 1000, MaxRows: 8, Gather: 3 * time.Second, Retry: time.Second, MaxRetry: 4 * time.Second,
		Sort: sortErrors, Broken: broken}
	w := &world{m: New(cfg), dice: dice, refs: map[Ref]*holding{}, batches: map[BatchID][]stored{}, dropped: map[BatchID]bool{}, useless: map[BatchID]bool{},
		doubt: map[BatchID]map[string]int64{}, kinds: map[string]int{}}
	for i := range 1 + dice("shards", 3) {
		s := &stream{id: "shard-" + strconv.Itoa(i), begin: row.Position{Sequence: row.TrimHorizon}, end: dice("end", 2) == 0}
		for seq := 8; seq < 10+dice("records", 12); seq++ { // from one digit to two: text order would be wrong
			for sub := range 1 + dice("aggregate", 3) {
				s.log = append(s.log, record{row.Position{Sequence: strconv.Itoa(seq), Subsequence: int64(sub)}, dice("row", 4) > 0})
			}
		}
		if dice("begun", 4) == 0 { // by an application that stopped inside an aggregate
			s.begin = s.log[dice("at", len(s.log))].at
		}
		s.lease = s.begin
		w.shards = append(w.shards, s)
	}
	return w
}

type broken string

// breaks ends the world: a rule is broken.
func (w *world) breaks(format string, args ...any) {
	panic(broken(fmt.Sprintf("at %v: ", w.now) + fmt.Sprintf(format, args...)))
}

// rows are those of the log in (after, to].
func (s *stream) rows(after, to row.Position) (out []row.Position) {
	for _, r := range s.log {
		if r.row && r.at.Compare(after) > 0 && r.at.Compare(to) <= 0 {
			out = append(out, r.at)
		}
	}
	return out
}

// write puts rows into the table, which has each row once and in order.
func (w *world) write(s *stream, rows []row.Position) {
	for _, at := range rows {
		if n := len(s.table); n > 0 && at.Compare(s.table[n-1]) <= 0 {
			w.breaks("row %v of %s is loaded after %v", at, s.id, s.table[n-1])
		}
		s.table = append(s.table, at)
	}
}

// complete checks that every row up to a position is in the table.
func (w *world) complete(s *stream, to row.Position, what string) {
	if want := s.rows(s.begin, to); len(s.table) < len(want) {
		w.breaks("%s %v of %s, whose table holds %v of %v", what, to, s.id, s.table, want)
	}
}

// advance does what the machine wants, but for the op, which waits for an answer.
func (w *world) advance() {
	out := w.m.Advance(w.now)
	for _, e := range out.Events {
		w.tell(e)
	}
	if out.Op != nil {
		if w.op != nil {
			w.breaks("op %v while %v is under way", out.Op, w.op)
		}
		w.op = out.Op
	}
	if out.Fatal != nil {
		w.breaks("fatal: %v", out.Fatal)
	}
	w.wake, w.done = out.Wake, out.Done
}

func (w *world) tell(e Event) {
	h := w.refs[e.Shard]
	w.kinds[fmt.Sprint("event ", e.Kind)]++
	switch e.Kind {
	case Checkpoint:
		if !h.stolen { // else the write of the lease fails
			w.complete(h.stream, e.At, "checkpoint")
			if e.At.Compare(h.lease) > 0 {
				h.lease = e.At
			}
		}
	case Finish:
		if !h.stolen {
			w.complete(h.stream, row.Position{Sequence: row.ShardEnd}, "finish at")
			h.finished = true
		}
	case Woken:
		h.waits = false
	case WentBack:
		w.breaks("the offset of %s is said to have gone back", h.id)
	case Drained:
		if h.drained || !h.leaving || h.told {
			w.breaks("%s is drained unasked", h.id)
		}
		h.drained = true
		dropped := slices.ContainsFunc(h.batches, func(b BatchID) bool { return w.useless[b] })
		if !h.stolen && !dropped && h.read.Compare(h.lease) > 0 {
			w.breaks("%s is drained at %v, its checkpoint is %v", h.id, h.read, h.lease)
		}
	case Discard:
		w.dropped[e.Batch] = true
		delete(w.batches, e.Batch)
	case Forgotten:
		if h.holding == h {
			w.breaks("%s is forgotten while it is held", h.id)
		}
		delete(w.refs, e.Shard)
	}
}
