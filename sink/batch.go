package sink

import (
	"errors"
	"slices"
	"strings"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// Batch is where rows wait to be loaded. Each lane is used by one goroutine at a time; Load is called when none is.
type Batch struct {
	sink     *Sink
	id       string
	lanes    []*lane
	refused  map[rowID]struct{}
	reasons  []refusal
	attempt  int
	errors   map[int]int // COPYs that met an error which is not known to be a row's, by its code
	hopeless error       // too many rows were refused when it was last looked for them
	since    int         // attempts that were refused since then
}

// NewBatch returns an empty batch. It makes no file before its first row.
func (s *Sink) NewBatch() *Batch {
	id := s.opts.NewID()
	b := &Batch{sink: s, id: id, lanes: make([]*lane, s.opts.Lanes), refused: map[rowID]struct{}{}}
	for i := range b.lanes {
		b.lanes[i] = s.newLane(id, i)
	}
	return b
}

// suspect takes note of an error that Snowflake answered a COPY with and whose cause is not known. It returns its code when it
// has come often enough to look whether a row is to blame, which costs time: the third time, the thirtieth, and so on.
func (b *Batch) suspect(err error) int {
	var e *snowflake.Error
	if !errors.As(err, &e) || !e.Unlisted() || !strings.HasPrefix(e.Statement, "COPY") {
		return 0
	}
	if b.errors == nil {
		b.errors = map[int]int{}
	}
	if b.errors[e.Code]++; !rarely(b.errors[e.Code], 3) {
		return 0
	}
	return e.Code
}

// rarely reports whether n is first, or ten times that, or a hundred times...
func rarely(n, first int) bool {
	for n > first && n%10 == 0 {
		n /= 10
	}
	return n == first
}

// Append adds a row of a shard, copying its bytes. Rows of a shard come in order, in whichever lanes. After an error
// the batch is of no use.
func (b *Batch) Append(i int, shard string, r *row.Row) error {
	return b.lanes[i].append(b.sink.plan.Load(), shard, r)
}

// Discard removes the batch's files. Idempotent.
func (b *Batch) Discard() {
	for _, l := range b.lanes {
		if err := l.discard(); err != nil {
			// What stays goes with the sink's folder.
			b.sink.log.Warn("cannot remove a spool file", "error", err)
		}
	}
}

func (b *Batch) empty() bool {
	return !slices.ContainsFunc(b.lanes, func(l *lane) bool { return l.spool != nil || l.failed != nil })
}

func (b *Batch) seen() *table.Observation {
	var all table.Observation
	for _, l := range b.lanes {
		all.Merge(&l.seen)
	}
	return &all
}

// observe is seen after a look at every row, also at those that were encoded unseen because the plan covered them.
func (b *Batch) observe() (*table.Observation, error) {
	for _, l := range b.lanes {
		if l.spool == nil {
			continue
		}
		err := l.spool.Scan(func(_ int, r *row.Row) error {
			l.seen.Add(r)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return b.seen(), nil
}

// finish makes every lane's load file, and returns those that hold a row, with the rows of each shard.
func (b *Batch) finish(plan *table.Plan, f *filter) (files []string, moved map[string]int64, err error) {
	moved = map[string]int64{}
	for _, l := range b.lanes {
		if l.spool == nil {
			continue
		}
		if err := l.finish(plan, f); err != nil {
			return nil, nil, err
		}
		if l.done.Lines > 0 {
			files = append(files, l.done.Path)
		}
		for shard, n := range l.kept {
			moved[shard] += n
		}
	}
	return files, moved, nil
}

// stats are those of the last finish.
func (b *Batch) stats() *table.Stats {
	var all table.Stats
	for _, l := range b.lanes {
		all.Add(&l.stats)
	}
	return &all
}
