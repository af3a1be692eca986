package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// maxSuspects is how many rows may be refused for an error that is not known to be a row's: finding them costs time, and the
// next attempt may well succeed without.
const maxSuspects = 5

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
// suspect, if not zero, is the code of an error that is not known to be a row's. A row is then to blame only if, after
// all the others could be loaded, it still cannot: what passes is no row's.
func (s *Sink) bisect(ctx context.Context, b *Batch, plan *table.Plan, parts []row.Part, suspect int) (err error) {
	marked, reasons := maps.Clone(b.refused), len(b.reasons)
	defer func() {
		if err != nil {
			b.refused, b.reasons = marked, b.reasons[:reasons]
		}
	}()
	t := &trial{sink: s, batch: b, plan: plan, filter: newFilter(parts, b.refused), suspect: suspect}
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
	// suspect is the code of an error that may be a row's, or 0; found are the rows that met it, with their lanes.
	suspect int
	found   []finding
}

type finding struct {
	lane *lane
	n    int64
}

// blames reports whether an error of a trial is its rows'.
func (t *trial) blames(err error) bool {
	var e *snowflake.Error
	return snowflake.ClassOf(err) == snowflake.Data || t.suspect != 0 && errors.As(err, &e) && e.Code == t.suspect
}

// confirm loads the rows that met the suspect error once more.
func (t *trial) confirm(ctx context.Context) error {
	for _, f := range t.found {
		if err := t.load(ctx, f.lane, []int64{f.n}); !t.blames(err) {
			return errors.Join(&snowflake.Error{Class: snowflake.Retry, Code: t.suspect, Statement: "COPY INTO", Err: errNoRow}, err)
		}
	}
	return nil
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
		if t.suspect != 0 && len(t.found) == maxSuspects {
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
	defer func() { _ = l.store.Remove(path) }() // what stays goes with the sink's folder
	folder, stmt, err := t.sink.stageFiles(ctx, t.batch, t.plan, []string{path})
	if err != nil {
		return err
	}
	defer t.sink.stage.remove(ctx, folder)
	return t.sink.client.Try(ctx, stmt)
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
