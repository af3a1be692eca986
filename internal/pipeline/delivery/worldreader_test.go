package delivery

import (
	"fmt"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// release ends a holding whose reader has stopped.
func (w *world) release(h *holding) {
	if h.in != nil {
		return
	}
	h.holding = nil
	w.m.Close(w.now, h.ref)
	w.advance()
}

func (w *world) open(s *stream) {
	start := s.lease
	h := &holding{stream: s, read: start}
	h.ref = w.m.Open(w.now, Lease{Shard: s.id, Start: start, HasOffsets: s.marked})
	h.next = s.index(start)
	s.holding, w.refs[h.ref] = h, h
	w.advance()
}

// index is where reading after a position begins: with the aggregate that it stands in.
func (s *stream) index(after row.Position) int {
	if !after.IsNumber() {
		return 0
	}
	return slices.IndexFunc(append(slices.Clone(s.log), record{at: row.Position{Sequence: row.ShardEnd}}), func(r record) bool {
		return r.at.Sequence == after.Sequence || r.at.Compare(after) > 0
	})
}

// read makes the next step of a shard's reader.
func (w *world) read(s *stream) {
	h := s.holding
	switch {
	case h == nil && !s.finished:
		w.open(s)
	case h == nil:
	case h.in != nil:
		w.leave(h)
	case h.told || h.drained || h.finished:
		w.release(h)
	case h.leaving || h.waits:
	case h.next == len(h.log):
		e := w.m.Idle(w.now, h.ref, 0, h.end)
		w.verdict(h, e)
		w.advance()
	default:
		e := w.m.Enter(w.now, h.ref)
		if w.verdict(h, e) {
			h.in, h.until = &e, h.next
			for range 1 + w.dice("answer", 3) { // whole aggregates
				for seq := h.at(h.until); h.at(h.until) == seq && seq != ""; h.until++ {
				}
			}
			if n := int64(len(w.batches[e.Batch])); w.dropped[e.Batch] || n >= w.m.cfg.MaxRows {
				w.breaks("%s enters batch %d of %d rows, discarded: %t", h.id, e.Batch, n, w.dropped[e.Batch])
			}
		}
		w.advance()
	}
}

func (s *stream) at(i int) string {
	if i >= len(s.log) {
		return ""
	}
	return s.log[i].at.Sequence
}

// verdict obeys a rewind, and reports whether the answer is taken in.
func (w *world) verdict(h *holding, e Entry) bool {
	w.kinds[fmt.Sprint("verdict ", e.Verdict)]++
	if e.Verdict == Rewound {
		h.batches = nil
		h.next, h.read = h.index(e.After), e.After
		if !e.After.IsNumber() {
			h.read = h.begin
		}
	}
	h.waits = e.Verdict == Full
	return e.Verdict == Entered
}

// leave appends what is left of an answer.
func (w *world) leave(h *holding) {
	a := Answer{Last: h.log[h.until-1].at, End: h.end && h.until == len(h.log), Behind: time.Duration(len(h.log) - h.until)}
	if w.dropped[h.in.Batch] {
		w.breaks("batch %d was discarded while %s is appended to it", h.in.Batch, h.id)
	}
	for _, r := range h.log[h.next:h.until] {
		if h.in.Skip.IsNumber() && r.at.Compare(h.in.Skip) <= 0 {
			continue
		}
		a.Records++
		a.Bytes += 10
		if !r.row {
			a.Failed++
			continue
		}
		a.Rows++
		if w.fails("spool", 12) {
			a.Err = errPasses
			w.useless[h.in.Batch] = true
			break
		}
		w.batches[h.in.Batch] = append(w.batches[h.in.Batch], stored{h.id, r.at})
	}
	h.next, h.read = h.until, a.Last
	b := h.in.Batch
	h.in, h.batches = nil, append(h.batches, b)
	w.m.Leave(w.now, h.ref, b, a)
	w.advance()
}

func (w *world) fails(what string, oneIn int) bool {
	failed := !w.calm && w.dice(what, oneIn) == oneIn-1
	if failed {
		w.kinds[what]++
	}
	return failed
}
