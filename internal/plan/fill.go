package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kinesis-snowflake/sink/table"
)

// DefaultRows is how many rows are shown.
const DefaultRows = 3

// report fills in everything but the fix.
func (a *analysis) report(r *Report, rows int) {
	r.Sample.Rows, r.Sample.Failed, r.Sample.LeftOut = len(a.rows)-len(a.lacking), a.parts, a.leftOut
	r.Paths = append(r.Paths, a.unmet...)
	r.DDL, r.Problems = append(r.DDL, a.shape.ddl...), append(r.Problems, a.shape.problems...)
	r.Notes = append(r.Notes, a.shape.notes...)
	r.Failed = append(r.Failed, a.failed...)
	slices.SortStableFunc(r.Failed, func(x, y Failed) int { return cmp.Compare(y.Messages, x.Messages) })
	r.Violations = append(r.Violations, a.loaded...)
	slices.SortStableFunc(r.Violations, func(x, y Failed) int { return cmp.Compare(y.Messages, x.Messages) })
	if len(a.rows) == 0 {
		r.Notes = append(r.Notes, "no record of the sample becomes a row")
		return
	}
	for _, c := range a.columns {
		if len(c.values) == 0 && c.by == ByTable {
			continue // nothing of the pipeline's
		}
		keys := append([]string{}, c.keys...)
		r.Columns = append(r.Columns, Column{Name: c.Name, Type: c.Type.String(), NotNull: c.NotNull, Keys: keys, By: c.by, Filled: c.filled, Example: c.example})
		if conflict := a.conflict(c); conflict != nil {
			r.Conflicts = append(r.Conflicts, *conflict)
		}
	}
	if !a.target.config.Variant {
		r.Names = a.names()
	}
	a.rescued(r)
	a.noteKey(r)
	a.noteNumbers(r)
	if a.shape.plan != nil {
		a.show(r, rows)
	}
}

// rescued lists the values without a place. Keys that came when the table had all the columns that inference adds are listed
// apart.
func (a *analysis) rescued(r *Report) {
	type group struct {
		name   string
		reason table.Reason
	}
	at, beyond := map[group]int{}, map[string]int{}
	full := a.shape.plan != nil && a.shape.plan.Full() && !a.target.config.Freeze
	for _, v := range a.fates {
		if v.reason == table.ReasonNone {
			continue
		}
		f := &a.rows[v.row].Fields[v.field]
		name, n := string(f.Name), a.columnOf(f)
		if n.ok && v.reason != table.ReasonNoColumn && v.reason != table.ReasonDuplicate {
			name = n.column
		}
		if v.reason == table.ReasonNoColumn && full && n.ok && a.byName[n.column] == nil {
			i, known := beyond[name]
			if !known {
				i = len(r.Beyond)
				beyond[name] = i
				r.Beyond = append(r.Beyond, Key{Key: name})
			}
			r.Beyond[i].Values++
			continue
		}
		i, known := at[group{name, v.reason}]
		if !known {
			i = len(r.Rescued)
			at[group{name, v.reason}] = i
			r.Rescued = append(r.Rescued, Rescued{Name: name, Reason: v.reason.Explain(), Example: short(string(f.Value)), Where: a.records[a.rows[v.row].record].where()})
		}
		r.Rescued[i].Values++
	}
}

// show adds the first rows, and the first of those that have something rescued.
func (a *analysis) show(r *Report, most int) {
	spoiled := map[int]bool{}
	for _, v := range a.fates {
		if v.reason != table.ReasonNone {
			spoiled[v.row] = true
		}
	}
	var shown []int
	for i := range a.rows {
		if !a.lacking[i] && len(shown) < most {
			shown = append(shown, i)
		}
	}
	for i := range a.rows {
		if spoiled[i] && !slices.Contains(shown, i) && len(shown) > 0 {
			shown[len(shown)-1] = i
			break
		}
	}
	slices.Sort(shown)
	var st table.Stats
	for _, i := range shown {
		line := table.AppendRow(nil, a.shape.plan, a.shardOf(i), &a.rows[i].Row, &st)
		if out, err := a.row(i, line); err == nil { // a line is an array, always
			r.Rows = append(r.Rows, out)
		}
	}
}

// The places of a load file's line before its columns.
const (
	atShard = iota
	atArrival
	atPartitionKey
	atSequence
	atSubsequence
	atSharded
	atRow
	atRescued
	atValues
)

// row reads a line of a load file as the COPY would.
func (a *analysis) row(i int, line []byte) (Row, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(line, &elements); err != nil || len(elements) < atValues {
		return Row{}, fmt.Errorf("read the line of a row: %w", err)
	}
	out := Row{Where: a.records[a.rows[i].record].where(), Values: []Value{}}
	var meta bytes.Buffer
	meta.WriteString(`{"stream":` + strconv.Quote(a.cfg.Source.Stream))
	for _, m := range []struct {
		name string
		at   int
	}{
		{"shardId", atShard}, {"approximateArrival", atArrival}, {"partitionKey", atPartitionKey}, {"sequenceNumber", atSequence},
		{"subSequenceNumber", atSubsequence}, {"shardedSequenceNumber", atSharded}, {"row", atRow},
	} {
		if v := elements[m.at]; string(v) != "null" {
			meta.WriteString(`,"` + m.name + `":`)
			meta.Write(v)
		}
	}
	meta.WriteByte('}')
	out.Metadata = meta.Bytes()
	if v := elements[atRescued]; string(v) != "null" {
		out.Rescued = v
	}
	for n, v := range elements[atValues:] {
		if string(v) == "null" {
			continue
		}
		c := &a.shape.plan.Columns()[n]
		out.Values = append(out.Values, Value{Column: c.Name, Value: landedValue(c.Type, v)})
	}
	return out, nil
}

// landedValue undoes that a number travels as a text, and that a time without a zone does with one.
func landedValue(t table.Type, v json.RawMessage) json.RawMessage {
	if (t.Base == table.Number || t.Base == table.Float) && strings.HasPrefix(string(v), `"`) {
		return v[1 : len(v)-1]
	}
	if local, ok := strings.CutSuffix(string(v), `+00:00"`); ok && t.Base == table.TimestampNTZ {
		return json.RawMessage(local + `"`)
	}
	return v
}
