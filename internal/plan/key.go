package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kinesis-snowflake/sink/table"
)

// unkeyed counts the rows that lack a part of sink.key: the view of the newest rows shows all of them.
func (a *analysis) unkeyed() (lack int) {
	have := map[int][]string{}
	for _, v := range a.fates {
		if v.reason != table.ReasonNone {
			continue
		}
		f := &a.rows[v.row].Fields[v.field]
		name := string(f.Name)
		if !a.target.config.Variant {
			name = a.columnOf(f).column
		}
		have[v.row] = append(have[v.row], name)
	}
	for i := range a.rows {
		if a.lacking[i] {
			continue
		}
		if slices.ContainsFunc(a.target.key, func(key string) bool {
			if !a.target.config.Variant {
				key, _ = a.target.config.ColumnOf(key)
			}
			return !slices.Contains(have[i], key)
		}) {
			lack++
		}
	}
	return lack
}

// noteKey says how many rows lack a part of sink.key.
func (a *analysis) noteKey(r *Report) {
	if len(a.target.key) == 0 || a.shape.plan == nil {
		return
	}
	if r.Sample.Unkeyed = a.unkeyed(); r.Sample.Unkeyed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s of %s without a part of sink.key, %s: the view of the newest rows shows each of them", thousands(r.Sample.Unkeyed),
			plural(r.Sample.Rows, "row"), strings.Join(a.target.key, ", ")))
	}
}

// noteNumbers says how many numbers a VARIANT takes as texts only.
func (a *analysis) noteNumbers(r *Report) {
	if r.Sample.AsText = a.asText; a.asText > 0 {
		r.Notes = append(r.Notes, plural(a.asText, "number")+" within VARIANT columns or "+table.RescuedColumn+" would land as texts, since Snowflake would round or refuse them there")
	}
}

// whole fills in the column that has whole records.
func (a *analysis) whole(c *column) {
	var st table.Stats
	for i := range a.rows {
		if a.lacking[i] {
			continue
		}
		if c.filled++; c.filled > 1 {
			continue
		}
		var elements []json.RawMessage
		line := table.AppendRow(nil, a.shape.plan, "", &a.rows[i].Row, &st)
		at := atValues + slices.IndexFunc(a.shape.plan.Columns(), func(t table.Column) bool { return t.Name == c.Name })
		if json.Unmarshal(line, &elements) == nil && at >= atValues && at < len(elements) {
			c.example = short(string(elements[at]))
		}
	}
}
