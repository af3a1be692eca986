package plan

import (
	"encoding/json"
	"fmt"
	"slices"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
)

// fate is what became of one value that is not null.
type fate struct {
	row, field int
	reason     table.Reason // ReasonNone: it is in its column
}

// land fits the rows, and finds out what became of each of their values.
func (a *analysis) land() {
	alone, err := a.lenient()
	if err != nil {
		return // the same columns made a plan before
	}
	a.alone = alone
	var st, one table.Stats
	var line []byte
	for i := range a.rows {
		r := &a.rows[i].Row
		before, lacked := st.Rescued, st.Lacked
		line = table.AppendRow(line[:0], a.shape.plan, a.shardOf(i), r, &st)
		if st.Lacked > lacked {
			a.lacking[i] = true
			a.lack(i, st.Lacking(a.shape.plan))
			continue
		}
		duplicates := st.Rescued[table.ReasonDuplicate] - before[table.ReasonDuplicate]
		if st.Rescued == before {
			for f := range r.Fields {
				if r.Fields[f].Kind != row.Null {
					a.fates = append(a.fates, fate{i, f, table.ReasonNone})
				}
			}
			continue
		}
		for f := range r.Fields {
			if r.Fields[f].Kind == row.Null {
				continue
			}
			var reason table.Reason
			if duplicates > 0 && a.beaten(r, f) {
				reason = table.ReasonDuplicate
				duplicates--
			} else {
				reason = reasonAlone(alone, r, f, &one, &line)
			}
			a.fates = append(a.fates, fate{i, f, reason})
		}
	}
	a.asText = int(st.NumbersAsText)
}

// reasonAlone says why a value has no place, were it the only one of its row.
func reasonAlone(p *table.Plan, r *row.Row, f int, st *table.Stats, line *[]byte) table.Reason {
	before := st.Rescued
	only := *r
	only.Fields = r.Fields[f : f+1]
	*line = table.AppendRow((*line)[:0], p, "", &only, st)
	for _, reason := range table.Reasons() {
		if st.Rescued[reason] > before[reason] {
			return reason
		}
	}
	return table.ReasonNone
}

// landed is a value that has a column, as it stands in it.
func (a *analysis) landed(v fate, c *column) string {
	only := a.rows[v.row].Row
	only.Fields = only.Fields[v.field : v.field+1]
	var st table.Stats
	var elements []json.RawMessage
	at := atValues + slices.IndexFunc(a.alone.Columns(), func(t table.Column) bool { return t.Name == c.Name })
	if json.Unmarshal(table.AppendRow(nil, a.alone, "", &only, &st), &elements) != nil || at < atValues || at >= len(elements) {
		return string(only.Fields[0].Value)
	}
	return string(landedValue(c.Type, elements[at]))
}

// lenient is the plan, but no row is failed under it for want of a value.
func (a *analysis) lenient() (*table.Plan, error) {
	config := a.target.config
	config.Pins, config.Hints = slices.Clone(config.Pins), slices.Clone(config.Hints)
	for i := range config.Pins {
		config.Pins[i].NotNull = false
	}
	columns := slices.Clone(a.shape.columns)
	for i := range columns {
		columns[i].NotNull = false
	}
	return table.NewPlan(config, columns, &a.seen, nil)
}

// beaten reports whether a later value of the row takes the column of field f.
func (a *analysis) beaten(r *row.Row, f int) bool {
	mine := a.columnOf(&r.Fields[f])
	if !mine.ok {
		return false
	}
	for i := f + 1; i < len(r.Fields); i++ {
		later := &r.Fields[i]
		if later.Kind == row.Null {
			continue
		}
		if a.target.config.Variant {
			if string(later.Name) == string(r.Fields[f].Name) {
				return true
			}
		} else if a.columnOf(later) == mine {
			return true
		}
	}
	return false
}

func (a *analysis) columnOf(f *row.Field) naming {
	if f.Flags&row.HostileKey != 0 {
		return naming{}
	}
	n, known := a.naming[string(f.Name)]
	if !known {
		n.column, n.ok = a.target.config.ColumnOf(string(f.Name))
		a.naming[string(f.Name)] = n
	}
	return n
}

// lack counts a row that has no value for a column that must have one.
func (a *analysis) lack(i int, c table.Column) {
	a.parts++
	reason := fmt.Sprintf("no value that fits column %s %s, which must have one", table.Quote(c.Name), c.Type)
	for f := range a.failed {
		if a.failed[f].Reason == reason {
			a.failed[f].Messages++
			return
		}
	}
	r := &a.records[a.rows[i].record]
	a.failed = append(a.failed, Failed{Stage: string(row.StageValidate), Reason: reason, Messages: 1, Where: r.where(), Row: a.rows[i].Index, Payload: short(string(r.Data))})
}
