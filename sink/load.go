package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// maxFits bounds how often one Load meets a table that changed under it, or a file that vanished, before it hands the
// error back. The caller tries again later.
const maxFits = 5

// Load commits the parts of a batch, all or nothing, exactly once; rows of shards without a part are left out. A nil
// error means that the outcome is known. An error means that nothing is committed, and that the same batch may be
// loaded again.
func (s *Sink) Load(ctx context.Context, b *Batch, parts []row.Part) (row.Outcome, error) {
	for fit := 1; ; fit++ {
		out, err := s.try(ctx, b, parts)
		if err = s.sayable(err); err == nil || fit == maxFits {
			return out, err
		}
		switch snowflake.ClassOf(err) {
		case snowflake.File:
			s.log.WarnContext(ctx, "uploading the batch again", "batch", b.id, "error", err)
		case snowflake.Drift, snowflake.Data:
			if err := s.refit(ctx, b, parts, err); err != nil {
				return out, err
			}
		default:
			code := b.suspect(err)
			if code == 0 {
				return out, err
			}
			s.log.WarnContext(ctx, "snowflake answers the same error again and again: looking whether a row is to blame", "batch", b.id, "error", err)
			if s.bisect(ctx, b, s.plan.Load(), parts, code) != nil {
				return out, err
			}
		}
	}
}

// try brings the table, the files and the transaction about once.
func (s *Sink) try(ctx context.Context, b *Batch, parts []row.Part) (row.Outcome, error) {
	var out row.Outcome
	if b.empty() {
		return row.Outcome{Committed: true}, nil // a table is not made for no row
	}
	plan, err := s.shape.cover(ctx, s.plan.Load(), b.seen())
	if err != nil {
		return out, err
	}
	s.plan.Store(plan)
	files, moved, err := b.finish(plan, newFilter(parts, b.refused))
	if err != nil {
		return out, err
	}
	if plan, files, moved, err = s.widen(ctx, b, parts, plan, files, moved); err != nil {
		return out, err
	}
	if null := append(plan.Unfilled(), b.stats().MissingNotNull(plan)...); len(null) > 0 {
		st := b.stats()
		unfit := func(column string) bool { return st.Unfit(plan, column) }
		if err := s.shape.acceptNull(ctx, null, unfit); err != nil {
			return out, err
		}
		if plan, err = table.NewPlan(s.shape.config, s.shape.columns, b.seen(), plan); err != nil {
			return out, err
		}
		s.plan.Store(plan)
		if files, moved, err = b.finish(plan, newFilter(parts, b.refused)); err != nil {
			return out, err
		}
	}
	if len(files) == 0 {
		s.settled(ctx, b, parts)
		return row.Outcome{Committed: true, Moved: moved}, nil
	}
	folder, copyStmt, err := s.stageFiles(ctx, b, plan, files)
	if err != nil {
		return out, err
	}
	if err := s.shape.unchanged(ctx, plan); err != nil {
		s.stage.remove(ctx, folder)
		return out, err
	}
	batch := snowflake.Batch{ID: b.id, Copy: copyStmt, Files: len(files)}
	for _, p := range parts {
		if n := moved[p.Shard]; n > 0 {
			batch.Rows += n
			batch.Moves = append(batch.Moves, snowflake.Move{Shard: p.Shard, Epoch: p.Claim.Epoch, From: p.Claim.At, To: p.To, Rows: n})
		}
	}
	if out, err = s.ledger.Commit(ctx, batch); err != nil || !out.Committed {
		if err == nil || snowflake.ClassOf(err) != snowflake.Gone {
			// The next attempt uploads anew. A grant that is missing for a day would fill the stage else.
			s.stage.remove(ctx, folder)
		}
		return out, err
	}
	out.Moved = moved
	s.settled(ctx, b, parts)
	s.stage.remove(ctx, folder)
	s.stage.sweep(ctx, time.Now())
	s.latest.keep(ctx, time.Now())
	return out, nil
}

// widen gives columns the width that the batch's values want, where they can have it, and fits the batch again.
func (s *Sink) widen(ctx context.Context, b *Batch, parts []row.Part, plan *table.Plan, files []string, moved map[string]int64) (*table.Plan, []string, map[string]int64, error) {
	for range maxDDLRounds {
		wide := s.shape.mayWiden(b.stats().Widen(plan))
		if len(wide) == 0 {
			break
		}
		err := s.shape.widen(ctx, wide)
		if err != nil {
			return nil, nil, nil, err
		}
		if plan, err = table.NewPlan(s.shape.config, s.shape.columns, b.seen(), plan); err != nil {
			return nil, nil, nil, err
		}
		s.plan.Store(plan)
		if files, moved, err = b.finish(plan, newFilter(parts, b.refused)); err != nil {
			return nil, nil, nil, err
		}
	}
	return plan, files, moved, nil
}

// stageFiles uploads the files under names never used before, and makes the COPY for them.
func (s *Sink) stageFiles(ctx context.Context, b *Batch, plan *table.Plan, files []string) (string, snowflake.Text, error) {
	b.attempt++
	folder := s.stage.path(b.id, b.attempt)
	names, err := s.stage.put(ctx, folder, files)
	if err != nil {
		return "", "", err
	}
	text, err := table.CopyStatement(s.opts.Table.String(), s.stage.at(folder), names, plan, s.opts.StreamName)
	return folder, snowflake.Text(text), err
}

// refit prepares a batch for another try after COPY refused it. If the table is another than the plan says, it is
// fitted again; if not, the rows that cannot be loaded are found and left out.
func (s *Sink) refit(ctx context.Context, b *Batch, parts []row.Part, cause error) error {
	plan, changed, err := s.shape.again(ctx, b.observe, s.plan.Load())
	if err != nil {
		return errors.Join(err, cause) // the class is the first one's: a connection that is gone passes, whatever the cause
	}
	s.log.WarnContext(ctx, "snowflake refused the batch", "batch", b.id, "table_changed", changed, "error", cause)
	if changed {
		s.plan.Store(plan)
		b.hopeless, b.since = nil, 0
		return nil
	}
	if snowflake.ClassOf(cause) != snowflake.Data {
		return fmt.Errorf("%w: the table's columns are what they were", cause)
	}
	if b.hopeless != nil {
		// Hundreds of trials, each minute anew, would keep a warehouse busy for nothing.
		if b.since++; !rarely(b.since, 10) {
			return b.hopeless
		}
	}
	suspect := 0
	var e *snowflake.Error
	if errors.As(cause, &e) && e.Unlisted() {
		suspect = e.Code
	}
	err = s.bisect(ctx, b, plan, parts, suspect)
	if errors.Is(err, errTooManyRefused) && b.hopeless == nil {
		b.hopeless = err
	}
	return err
}

// settled says what became of the values and rows of a committed batch. Rows of shards that left the batch are their
// new owner's to speak of.
func (s *Sink) settled(ctx context.Context, b *Batch, parts []row.Part) {
	for _, r := range b.reasons {
		if !slices.ContainsFunc(parts, func(p row.Part) bool { return p.Shard == r.shard }) {
			continue
		}
		s.opts.Refused(ctx, r.shard, &r.row, &row.Failure{Stage: row.StageLoad, Reason: r.reason})
	}
	st := b.stats()
	if st.Lacked > 0 {
		s.lacking(ctx, b, parts)
	}
	if st.NumbersAsText > 0 {
		s.log.InfoContext(ctx, "numbers inside values are loaded as texts: as numbers they would have changed", "batch", b.id, "numbers", st.NumbersAsText)
	}
	if st.RescuedTotal() == 0 {
		return
	}
	if st.Rescued[table.ReasonNoColumn] > 0 {
		s.shape.warnIfFull(ctx, s.plan.Load(), st.First[table.ReasonNoColumn])
	}
	attrs := []slog.Attr{slog.String("batch", b.id)}
	for _, reason := range table.Reasons() {
		if n := st.Rescued[reason]; n > 0 {
			attrs = append(attrs, slog.Group(reason.String(), slog.Int64("values", n), slog.String("first", st.First[reason])))
		}
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "values that did not fit their columns are in _RESCUED", attrs...)
}

// lacking speaks of the rows that were left out because they lack a value that their table must have. They may be the
// whole batch, so they are not remembered but found again.
func (s *Sink) lacking(ctx context.Context, b *Batch, parts []row.Part) {
	filter, plan := newFilter(parts, b.refused), s.plan.Load()
	var st table.Stats
	var line []byte
	for _, l := range b.lanes {
		if l.spool == nil || l.stats.Lacked == 0 {
			continue
		}
		n := int64(0)
		err := l.spool.Scan(func(i int, r *row.Row) error {
			n++
			if !filter.keeps(l, i, n-1, r) {
				return nil
			}
			if line = table.AppendRow(line[:0], plan, l.shards[i].id, r, &st); len(line) > 0 {
				return nil
			}
			c := st.Lacking(plan)
			s.opts.Refused(ctx, l.shards[i].id, r, &row.Failure{Stage: row.StageValidate,
				Reason: fmt.Sprintf("no value that fits column %s %s, which must have one", table.Quote(c.Name), c.Type)})
			return nil
		})
		if err != nil {
			s.log.ErrorContext(ctx, "cannot read again which rows were left out for want of a value", "batch", b.id, "rows", l.stats.Lacked, "error", err)
		}
	}
}
