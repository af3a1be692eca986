package delivery

import "kinesis-snowflake/internal/row"

// steal has another worker take a shard, and load some of it. The machine may be told at once, later or when it asks.
func (w *world) steal(s *stream) {
	h := s.holding
	if h == nil || h.finished {
		return
	}
	h.stolen = true
	s.offset.Epoch++
	from := s.begin
	if s.offset.At.Compare(from) > 0 {
		from = s.offset.At
	}
	if s.lease.Compare(from) > 0 {
		from = s.lease
	}
	rows := s.rows(from, row.Position{Sequence: row.ShardEnd})
	if rows = rows[:min(len(rows), w.dice("others' rows", 4))]; len(rows) > 0 {
		w.write(s, rows)
		s.offset.At = rows[len(rows)-1]
	}
	if w.dice("others' checkpoint", 2) == 0 && s.offset.At.Compare(s.lease) > 0 {
		s.lease = s.offset.At
	}
}

// lose tells the machine that a lease is lost, whether another worker has it or not.
func (w *world) lose(h *holding) {
	h.stolen, h.told = true, true
	w.m.Lost(w.now, h.ref)
	w.advance()
}

func (w *world) drain(s *stream) {
	if h := s.holding; h != nil && h.in == nil && !h.told && !h.leaving && !h.finished {
		h.leaving = true
		w.m.Drain(w.now, h.ref)
		w.advance()
	}
}

// answer ends the op that is under way.
func (w *world) answer() {
	op := w.op
	if op == nil {
		return
	}
	w.op = nil
	w.kinds[map[OpKind]string{Confirm: "confirm", Acquire: "acquire", Mark: "mark", Load: "load"}[op.Kind]]++
	switch op.Kind {
	case Confirm:
		w.m.Confirmed(w.now, op.ID, w.writes(op, "confirm fails", func(*stream) {}))
	case Mark:
		w.m.Marked(w.now, op.ID, w.writes(op, "mark fails", func(s *stream) { s.marked = true }))
	case Acquire:
		w.acquire(op)
	case Load:
		out, err := w.load(op)
		w.m.Loaded(w.now, op.ID, out, err)
	}
	w.advance()
}

// writes writes leases. One that another worker has cannot be written, which the machine is told first.
func (w *world) writes(op *Op, what string, do func(*stream)) []error {
	errs := make([]error, len(op.Shards))
	for i, ref := range op.Shards {
		h := w.refs[ref]
		switch {
		case h.stolen:
			w.lose(h)
			errs[i] = errPasses
		case w.fails(what, 5):
			errs[i] = errPasses
		default:
			do(h.stream)
		}
	}
	return errs
}

func (w *world) acquire(op *Op) {
	if w.fails("acquire fails", 8) {
		w.m.Acquired(w.now, op.ID, nil, errPasses)
		return
	}
	claims := map[string]row.Claim{}
	for _, want := range op.Wanted {
		s := w.stream(want.Shard)
		s.offset.Epoch++
		claims[s.id] = s.offset
	}
	if w.fails("acquire's answer is lost", 8) {
		w.m.Acquired(w.now, op.ID, nil, errPasses)
		return
	}
	w.m.Acquired(w.now, op.ID, claims, nil)
}

func (w *world) stream(id string) *stream {
	for _, s := range w.shards {
		if s.id == id {
			return s
		}
	}
	panic(id)
}

// load commits a batch as the ledger does.
func (w *world) load(op *Op) (out row.Outcome, err error) {
	if w.dropped[op.Batch] {
		w.breaks("batch %d is loaded after it was discarded", op.Batch)
	}
	if w.fails("files fail", 8) {
		w.useless[op.Batch] = true
		return out, errFiles
	}
	if w.fails("load fails", 4) {
		return out, errPasses
	}
	if moved, ok := w.doubt[op.Batch]; ok {
		return row.Outcome{Committed: true, Moved: moved}, nil
	}
	out.Fenced = map[string]row.Claim{}
	for _, p := range op.Parts {
		if s := w.stream(p.Shard); s.offset != p.Claim {
			out.Fenced[p.Shard] = s.offset
			w.kinds["fenced"]++
		}
	}
	if len(out.Fenced) > 0 {
		return out, nil
	}
	out.Committed, out.Moved = true, map[string]int64{}
	for _, p := range op.Parts {
		s := w.stream(p.Shard)
		var rows []row.Position
		for _, r := range w.batches[op.Batch] {
			if r.shard == p.Shard && !(p.Skip.IsNumber() && r.at.Compare(p.Skip) <= 0) {
				rows = append(rows, r.at)
			}
		}
		if len(rows) == 0 {
			continue
		}
		w.write(s, rows)
		s.offset.At = p.To
		w.complete(s, p.To, "offset")
		out.Moved[p.Shard] = int64(len(rows))
	}
	if w.fails("commit's answer is lost", 6) {
		w.doubt[op.Batch] = out.Moved
		return row.Outcome{}, errPasses
	}
	return out, nil
}
