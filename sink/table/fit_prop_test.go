package table

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

// evolve does what a worker does: it observes the rows, adds the columns that are missing, and plans again.
func evolve(t interface{ Fatal(...any) }, config Config, columns []Column, seen *Observation, prev *Plan) (*Plan, []Column) {
	p, err := NewPlan(config, columns, seen, prev)
	if err != nil {
		t.Fatal(err)
	}
	if ext := p.Extend(seen); ext.Replan {
		columns = append(columns, ext.Add...)
		if p, err = NewPlan(config, columns, seen, prev); err != nil {
			t.Fatal(err)
		}
	}
	return p, columns
}

// TestEveryValueIsGivenBack: for any rows and any table, an independent reader of the load lines finds every value in
// its column or in _RESCUED, and no cast rounds or fails.
func TestEveryValueIsGivenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := row.NewKeys()
		var columns []Column
		if rapid.Bool().Draw(t, "existing table") {
			columns = genTable(t)
		}
		config := Config{Keys: keys, Limit: rapid.SampledFrom([]int{0, -1, 2, 4}).Draw(t, "limit")}
		var prev *Plan
		var st Stats
		var held [][]byte // lines of earlier plans
		var heldRows []*row.Row
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			var rows []*row.Row
			var seen Observation
			for range rapid.IntRange(1, 3).Draw(t, "rows") {
				r := genRow(t, keys)
				rows = append(rows, r)
				seen.Add(r)
			}
			var p *Plan
			p, columns = evolve(t, config, columns, &seen, prev)
			if !p.Extends(prev) {
				t.Fatalf("plan does not extend the one before")
			}
			for _, r := range rows {
				if !p.Covers(r) {
					t.Fatalf("plan does not cover %s", describe(r))
				}
				line := AppendRow(nil, p, "shardId-0", r, &st)
				held, heldRows = append(held, line), append(heldRows, r)
			}
			for i, line := range held {
				loaded, err := readLine(line, p)
				if err != nil {
					t.Fatalf("%v\n%s\n%s", err, describe(heldRows[i]), line)
				}
				if err := checkRow(p, heldRows[i], loaded, i >= len(held)-len(rows)); err != nil {
					t.Fatalf("%v\n%s\n%s", err, describe(heldRows[i]), line)
				}
			}
			prev = p
		}
	})
}

func describe(r *row.Row) string {
	var b strings.Builder
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "%q(%d): %s, ", f.Name, f.Key, f.Value)
	}
	return b.String()
}

// checkRow accounts for every field of r. exact says that the line was encoded under this very plan.
func checkRow(p *Plan, r *row.Row, loaded *loadedRow, exact bool) error {
	seq, sub := string(r.Sequence), fmt.Sprint(r.Subsequence)
	if loaded.meta[0] != "shardId-0" || loaded.meta[3] != seq || loaded.meta[4] != json.Number(sub) ||
		loaded.meta[5] != seq+strings.Repeat("0", 20-len(sub))+sub {
		return fmt.Errorf("metadata %v", loaded.meta)
	}
	if (loaded.meta[6] != nil) != r.Multi {
		return fmt.Errorf("row index %v", loaded.meta[6])
	}
	winner := map[string]int{}
	for i, f := range r.Fields {
		if name, ok := ColumnName(string(f.Name)); ok && f.Kind != row.Null {
			winner[name] = i
		}
	}
	rescued := map[string]any{}
	for name, v := range loaded.rescued {
		rescued[name] = v
	}
	for c, column := range p.Columns() {
		i, ok := winner[column.Name]
		if v := loaded.values[c]; v != nil {
			if !ok || !holds(column.Type, v, &r.Fields[i]) {
				return fmt.Errorf("column %s %s holds %v", column.Name, column.Type, v)
			}
			delete(winner, column.Name)
			r = without(r, i)
			for name, j := range winner {
				if j > i {
					winner[name] = j - 1
				}
			}
		}
	}
	fields := slices.DeleteFunc(slices.Clone(r.Fields), func(f row.Field) bool { return f.Kind == row.Null })
	if len(fields) != len(rescued) || !match(rescued, fields) {
		return fmt.Errorf("_RESCUED %v does not give back the rest", rescued)
	}
	return nil
}

// match pairs every field with its own member of _RESCUED: under its key or column name, perhaps with a suffix.
func match(rescued map[string]any, fields []row.Field) bool {
	if len(fields) == 0 {
		return true
	}
	f := &fields[0]
	key := strings.ReplaceAll(strings.ReplaceAll(string(f.Name), "\x00", `\u0000`), "\xed\xa0\x80", `\ud800`)
	column, _ := ColumnName(string(f.Name))
	for name, v := range rescued {
		base := name
		if i := strings.LastIndexByte(name, '#'); i >= 0 && name != key && name != column {
			base = name[:i]
		}
		if base != key && base != column || !rescuedHolds(v, f) {
			continue
		}
		rest := maps.Clone(rescued)
		delete(rest, name)
		if match(rest, fields[1:]) {
			return true
		}
	}
	return false
}

func without(r *row.Row, i int) *row.Row {
	c := *r
	c.Fields = slices.Delete(slices.Clone(r.Fields), i, i+1)
	return &c
}
