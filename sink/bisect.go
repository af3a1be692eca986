package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/loadfile"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// maxSuspects is how many rows may be refused for an error that is not known to be a row's: finding them costs time, and the
// next attempt may well succeed without.
const maxSuspects = 5

// rounds is how often such a row must be refused again while a row of nothing is not.
const rounds = 3

// maxRefused is how many rows of one batch may be refused by Snowflake. The encoder proves that every value fits, so
// more means that something is wrong that leaving rows out would hide.
const maxRefused = 100

var errTooManyRefused = errors.New("snowflake refuses too many rows")

type refusal struct {
	shard  string
	row    row.Row // a copy
	reason string
}

// bisect finds the rows that COPY refuses, by loading halves in transactions that are rolled back, and marks them as
// refused. Every row of the batch stays in its place: the batch is still committed as one. After an error no row is
// marked that was not before: by the next attempt the cause may be mended.
//
// suspect, if not zero, is the code of an error that is not known to be a row's. A row is then to blame only if it is refused
// again and again while a row of nothing can be loaded: what passes is no row's, and what meets each COPY neither.
func (s *Sink) bisect(ctx context.Context, b *Batch, plan *table.Plan, parts []row.Part, suspect int) (err error) {
	marked, reasons := maps.Clone(b.refused), len(b.reasons)
	defer func() {
		if err != nil {
			b.refused, b.reasons = marked, b.reasons[:reasons]
		}
	}()
	t := &trial{sink: s, batch: b, plan: plan, filter: newFilter(parts, b.refused), suspect: suspect}
	if err := t.control(ctx); err != nil {
		return err
	}
	before := len(b.refused)
	for _, l := range b.lanes {
		if l.spool == nil {
			continue
		}
		var kept []int64
		n := int64(0)
		err := l.spool.Scan(func(i int, r *row.Row) error {
			if t.filter.keeps(l, i, n, r) {
				kept = append(kept, n)
			}
			n++
			return nil
		})
		if err != nil {
			return err
		}
		if err := t.search(ctx, l, kept); err != nil {
			return err
		}
	}
	if err := t.confirm(ctx); err != nil {
		return err
	}
	if len(b.refused) == before {
		return &snowflake.Error{Class: snowflake.Retry, Statement: "COPY INTO", Err: errNoRow}
	}
	return nil
}

// trial loads parts of a batch to see whether they can be.
type trial struct {
	sink   *Sink
	batch  *Batch
	plan   *table.Plan
	filter *filter
	// suspect is the code of an error that may be a row's, or 0; found are the rows that were refused, with their lanes.
	suspect int
	found   []finding
}

type finding struct {
	lane *lane
	n    int64
}

// blames reports whether an error of a trial is its rows'.
func (t *trial) blames(err error) bool {
	return snowflake.ClassOf(err) == snowflake.Data || t.suspects(err)
}

func (t *trial) suspects(err error) bool {
	var e *snowflake.Error
	return t.suspect != 0 && errors.As(err, &e) && e.Code == t.suspect
}

// confirm loads the rows that were refused for want of a better reason again, in turn with one of nothing.
func (t *trial) confirm(ctx context.Context) error {
	if t.suspect == 0 {
		return nil
	}
	for range rounds {
		for _, f := range t.found {
			if err := t.load(ctx, f.lane, []int64{f.n}); !t.blames(err) {
				return t.noRow(err)
			}
		}
		if err := t.control(ctx); err != nil {
			return err
		}
	}
	return nil
}

// control returns an error if a row of nothing meets the suspect error, too. Where a column must have a value it is refused
// for another reason, which shows as well that rows are looked at.
func (t *trial) control(ctx context.Context) error {
	if t.suspect == 0 {
		return nil
	}
	path, err := t.nothing()
	if err != nil {
		return err
	}
	err = t.copy(ctx, path)
	if err == nil || snowflake.ClassOf(err) == snowflake.Data && !t.suspects(err) {
		return nil
	}
	return t.noRow(err)
}

func (t *trial) noRow(err error) error {
	return errors.Join(&snowflake.Error{Class: snowflake.Retry, Code: t.suspect, Statement: "COPY INTO", Err: errNoRow}, err)
}

// errNoRow says that what Snowflake refuses is no row's fault.
var errNoRow = errors.New("the batch is refused, but no row of it alone")

func (t *trial) search(ctx context.Context, l *lane, rows []int64) error {
	if len(rows) == 0 {
		return nil
	}
	err := t.load(ctx, l, rows)
	switch {
	case err == nil:
		return nil
	case !t.blames(err):
		return err
	case len(rows) == 1:
		if snowflake.ClassOf(err) != snowflake.Data && len(t.found) == maxSuspects {
			return err
		}
		t.found = append(t.found, finding{l, rows[0]})
		return t.refuse(l, rows[0], err)
	}
	half := len(rows) / 2
	if err := t.search(ctx, l, rows[:half]); err != nil {
		return err
	}
	return t.search(ctx, l, rows[half:])
}

// load copies the rows into the table and rolls back.
func (t *trial) load(ctx context.Context, l *lane, rows []int64) error {
	path, err := t.write(l, rows)
	if err != nil {
		return err
	}
	return t.copy(ctx, path)
}

// copy copies a load file into the table, rolls back, and removes the file.
func (t *trial) copy(ctx context.Context, path string) error {
	defer func() { _ = t.sink.store.Remove(path) }() // what stays goes with the sink's folder
	folder, stmt, err := t.sink.stageFiles(ctx, t.batch, t.plan, []string{path})
	if err != nil {
		return err
	}
	defer t.sink.stage.remove(ctx, folder)
	return t.sink.sayable(t.sink.client.Try(ctx, stmt))
}

// nothing makes a load file of one row that has no value.
func (t *trial) nothing() (string, error) {
	file, err := t.sink.store.Create("trial"+loadfile.Suffix, 0)
	if err != nil {
		return "", err
	}
	if err := file.Append([]byte("[]\n")); err != nil {
		return "", errors.Join(err, file.Abort())
	}
	info, err := file.Finish()
	return info.Path, err
}

// write makes a load file of some rows of a lane.
func (t *trial) write(l *lane, rows []int64) (string, error) {
	file, err := l.store.Create("trial-"+l.name, l.expect)
	if err != nil {
		return "", err
	}
	var line []byte
	var st table.Stats
	next, n := 0, int64(0)
	err = l.spool.Scan(func(i int, r *row.Row) error {
		if next < len(rows) && rows[next] == n {
			next++
			if line = table.AppendRow(line[:0], t.plan, l.shards[i].id, r, &st); len(line) == 0 {
				n++
				return nil
			}
			if err := file.Append(line); err != nil {
				return err
			}
		}
		n++
		return nil
	})
	if err != nil {
		return "", errors.Join(err, file.Abort())
	}
	info, err := file.Finish()
	return info.Path, err
}

func (t *trial) refuse(l *lane, n int64, cause error) error {
	if len(t.batch.refused) >= maxRefused {
		return fmt.Errorf("%w: over %d rows of one batch: %w", errTooManyRefused, maxRefused, cause)
	}
	t.batch.refused[rowID{l.name, n}] = struct{}{}
	at := int64(0)
	return l.spool.Scan(func(i int, r *row.Row) error {
		if at == n {
			t.batch.reasons = append(t.batch.reasons, refusal{shard: l.shards[i].id, row: cloneRow(r), reason: cause.Error()})
		}
		at++
		return nil
	})
}

func cloneRow(r *row.Row) row.Row {
	c := *r
	c.Sequence, c.PartitionKey = append([]byte(nil), r.Sequence...), append([]byte(nil), r.PartitionKey...)
	c.Fields = make([]row.Field, len(r.Fields))
	for i, f := range r.Fields {
		f.Name, f.Value = append([]byte(nil), f.Name...), append([]byte(nil), f.Value...)
		c.Fields[i] = f
	}
	return c
}
