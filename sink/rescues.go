package sink

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
)

// Rescue is how many values of one column, or of a key that has none, are in _RESCUED for one reason.
type Rescue struct {
	Name   string
	Reason string
	Values int
}

// Rescued says which values of a batch that was loaded last are in _RESCUED. It belongs to the goroutine of Load.
func (s *Sink) Rescued(b *Batch, parts []row.Part) ([]Rescue, error) {
	if b.empty() || b.stats().RescuedTotal() == 0 {
		return nil, nil
	}
	return b.rescues(s.plan.Load(), newFilter(parts, b.refused), &table.Stats{}, func(string, *row.Row) {})
}

// Foresee says which values of a batch would go to _RESCUED if it were loaded now, and tells Refused of the rows that would
// be left out for want of a value. It asks for the table's columns, and writes nothing.
func (s *Sink) Foresee(ctx context.Context, b *Batch, parts []row.Part) ([]Rescue, error) {
	if b.empty() {
		return nil, nil
	}
	filter := newFilter(parts, b.refused)
	exists, columns, err := s.shape.read(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := b.observe()
	if err != nil {
		return nil, err
	}
	var all []Rescue
	for range maxDDLRounds {
		plan, err := table.NewPlan(s.shape.config, columns, seen, nil)
		if err != nil {
			return nil, err
		}
		if !exists && plan.Frozen() {
			return nil, fmt.Errorf("create table %s: %w", s.opts.Table, errNoColumns)
		}
		var st table.Stats
		ext := plan.Extend(seen)
		if len(ext.Add) == 0 {
			if all, err = b.rescues(plan, filter, &st, func(string, *row.Row) {}); err != nil {
				return nil, err
			}
			if ext.Widen = st.Widen(plan); len(ext.Widen) == 0 {
				if st.Lacked == 0 {
					return all, nil
				}
				_, err = b.rescues(plan, filter, &st, func(shard string, r *row.Row) { s.opts.Refused(ctx, shard, r, lacks(plan, &st)) })
				return all, err
			}
		}
		columns, exists = slices.Concat(columns, ext.Add), true
		for _, wide := range ext.Widen {
			if i := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == wide.Name }); i >= 0 {
				columns[i].Type = wide.Type
			}
		}
	}
	return all, nil
}

// rescues fits the rows that a filter keeps once more, and calls lacking for those that have no value for a column that must
// have one.
func (b *Batch) rescues(plan *table.Plan, f *filter, st *table.Stats, lacking func(shard string, r *row.Row)) (all []Rescue, err error) {
	at := map[Rescue]int{}
	var line []byte
	for _, l := range b.lanes {
		if l.spool == nil {
			continue
		}
		n := int64(0)
		err := l.spool.Scan(func(i int, r *row.Row) error {
			n++
			if !f.keeps(l, i, n-1, r) {
				return nil
			}
			before := st.Rescued
			line = table.AppendRow(line[:0], plan, l.shards[i].id, r, st)
			switch {
			case len(line) == 0:
				lacking(l.shards[i].id, r)
				return nil
			case st.Rescued == before:
				return nil
			}
			var why []string
			for _, reason := range table.Reasons() {
				if st.Rescued[reason] > before[reason] {
					why = append(why, reason.Explain())
				}
			}
			names, err := table.RescuedNames(line)
			for _, name := range names {
				one := Rescue{Name: name, Reason: strings.Join(why, ", or ")}
				if _, known := at[one]; !known {
					at[one] = len(all)
					all = append(all, one)
				}
				all[at[one]].Values++
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the batch's rows again: %w", err)
		}
	}
	return all, nil
}

// lacks is why the row failed that was fitted last.
func lacks(plan *table.Plan, st *table.Stats) *row.Failure {
	c := st.Lacking(plan)
	return &row.Failure{Stage: row.StageValidate, Reason: fmt.Sprintf("no value that fits column %s %s, which must have one", table.Quote(c.Name), c.Type)}
}
