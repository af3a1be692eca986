package sink

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/loadfile"
	"kinesis-snowflake/sink/table"
)

// lane is one goroutine's share of a batch.
type lane struct {
	store  *loadfile.Store
	keys   *row.Keys
	name   string // of the load file
	expect int64  // bytes of payload that the batch may grow to
	shards []laneShard
	index  map[string]int
	seen   table.Observation
	spool  *loadfile.Spool

	// file holds the first live rows of the spool as lines under plan; nil before the first, and once it is done.
	file    *loadfile.File
	done    *loadfile.Info
	plan    *table.Plan
	live    int64
	kept    map[string]int64 // rows in file, by shard
	stats   table.Stats
	uncover bool // a row came that plan does not cover: later rows are spooled only
	made    recipe
	line    []byte
	failed  error
}

type laneShard struct {
	id    string
	first row.Position // of the first row
	rows  int64
}

// recipe is what a finished load file was made by. Equal recipes make equal files.
type recipe struct {
	plan   *table.Plan
	filter string
}

func (s *Sink) newLane(batch string, i int) *lane {
	return &lane{store: s.store, keys: s.opts.Keys, expect: s.opts.MaxBytes, name: fmt.Sprintf("%s-%d%s", batch, i, loadfile.Suffix),
		seen: s.shape.config.Observation(), index: map[string]int{}, kept: map[string]int64{}}
}

// append spools a row, and encodes it at once as long as plan, which may be nil, covers all that came before.
func (l *lane) append(plan *table.Plan, shard string, r *row.Row) error {
	if l.failed != nil {
		return l.failed
	}
	l.failed = l.tryAppend(plan, shard, r)
	return l.failed
}

func (l *lane) tryAppend(plan *table.Plan, shard string, r *row.Row) error {
	if l.spool == nil {
		spool, err := l.store.Spool(l.keys, l.expect)
		if err != nil {
			return err
		}
		l.spool, l.plan, l.uncover = spool, plan, plan == nil
	}
	i, ok := l.index[shard]
	if !ok {
		i = len(l.shards)
		l.index[shard] = i
		l.shards = append(l.shards, laneShard{id: shard, first: row.Position{Sequence: string(r.Sequence), Subsequence: r.Subsequence}})
	}
	l.shards[i].rows++
	if err := l.spool.Append(i, r); err != nil {
		return err
	}
	if !l.uncover && !l.plan.Covers(r) {
		l.uncover = true
	}
	if l.uncover {
		l.seen.Add(r)
		return nil
	}
	if l.file == nil {
		if err := l.create(); err != nil {
			return err
		}
	}
	l.live++
	return l.encode(l.plan, shard, r)
}

func (l *lane) encode(plan *table.Plan, shard string, r *row.Row) error {
	l.line = table.AppendRow(l.line[:0], plan, shard, r, &l.stats)
	if len(l.line) == 0 {
		return nil // it is spoken of once the batch is committed
	}
	l.kept[shard]++
	return l.file.Append(l.line)
}

// finish makes the load file complete under plan, with what the filter keeps. It encodes only what it must, and
// nothing if the file was made by the same recipe before.
func (l *lane) finish(plan *table.Plan, f *filter) error {
	if l.spool == nil || l.failed != nil {
		return l.failed
	}
	want := recipe{plan: plan, filter: f.key}
	if l.done != nil && l.made == want {
		return nil
	}
	from := l.live
	if l.file == nil || !plan.Extends(l.plan) || f.touches(l) {
		if err := l.reset(); err != nil {
			return err
		}
		from = 0
	}
	if err := l.encodeFrom(from, plan, f); err != nil {
		return errors.Join(err, l.removeFile()) // it holds some of the lines: the next attempt begins it anew
	}
	info, err := l.file.Finish()
	l.file = nil
	if err != nil {
		return err
	}
	l.done, l.made = &info, want
	return nil
}

// encodeFrom encodes the spool's rows after the first from ones.
func (l *lane) encodeFrom(from int64, plan *table.Plan, f *filter) error {
	if from == l.spool.Rows() {
		return nil
	}
	n := int64(0)
	return l.spool.Scan(func(i int, r *row.Row) error {
		n++
		if n <= from || !f.keeps(l, i, n-1, r) {
			return nil
		}
		return l.encode(plan, l.shards[i].id, r)
	})
}

func (l *lane) create() (err error) {
	l.file, err = l.store.Create(l.name, l.expect)
	return err
}

// reset begins the load file anew.
func (l *lane) reset() error {
	if err := l.removeFile(); err != nil {
		return err
	}
	l.stats.Reset()
	clear(l.kept)
	l.live = 0
	return l.create()
}

func (l *lane) removeFile() (err error) {
	switch {
	case l.file != nil:
		err = l.file.Abort()
	case l.done != nil:
		err = l.store.Remove(l.done.Path)
	}
	l.file, l.done = nil, nil
	return err
}

func (l *lane) discard() error {
	err := l.removeFile()
	if l.spool != nil {
		err = errors.Join(err, l.spool.Close())
		l.spool = nil
	}
	return err
}
