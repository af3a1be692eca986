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
		if p.Frozen() {
			return nil, columns
		}
		columns = append(slices.Clone(columns), ext.Add...)
		columns = widened(columns, ext.Widen)
		if p, err = NewPlan(config, columns, seen, prev); err != nil {
			t.Fatal(err)
		}
	}
	return p, columns
}

func widened(columns, wide []Column) []Column {
	for _, w := range wide {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == w.Name })
		if !widens(columns[i].Type, w.Type) {
			panic(fmt.Sprintf("%s is no wider than %s", w.Type, columns[i].Type))
		}
		columns[i].Type = w.Type
	}
	return columns
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
		config := genConfig(t, keys)
		var prev *Plan
		var st Stats
		var held [][]byte // lines of earlier plans
		var heldRows []*row.Row
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			var rows []*row.Row
			seen := config.Observation()
			for range rapid.IntRange(1, 3).Draw(t, "rows") {
				r := genRow(t, keys)
				rows = append(rows, r)
				seen.Add(r)
			}
			var p *Plan
			if p, columns = evolve(t, config, columns, &seen, prev); p == nil {
				return // nothing says what the table is to be
			}
			if !p.Extends(prev) && !wider(prev, p) {
				t.Fatalf("plan does not extend the one before")
			}
			if !p.Extends(prev) {
				held, heldRows = nil, nil // they would be encoded anew
			}
			var fit Stats
			for _, r := range rows {
				if !p.Covers(r) {
					t.Fatalf("plan does not cover %s", describe(r))
				}
				line := AppendRow(nil, p, "shardId-0", r, &fit)
				if len(line) == 0 {
					checkLacking(t, p, config, r, fit.Lacking(p))
					continue
				}
				held, heldRows = append(held, line), append(heldRows, r)
			}
			st.Add(&fit)
			for i, line := range held {
				loaded, err := readLine(line, p)
				if err != nil {
					t.Fatalf("%v\n%s\n%s", err, describe(heldRows[i]), line)
				}
				check := checkRow
				if config.Variant {
					check = checkRecord
				}
				if err := check(p, heldRows[i], loaded); err != nil {
					t.Fatalf("%v\n%s\n%s", err, describe(heldRows[i]), line)
				}
			}
			if wide := fit.Widen(p); len(wide) > 0 && rapid.Bool().Draw(t, "widen") {
				checkWidening(t, p, config, rows, wide)
				columns = widened(slices.Clone(columns), wide)
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

// wider reports whether all that keeps q from extending p is that types of p became wider.
func wider(p, q *Plan) bool {
	for i, c := range p.Columns() {
		if d := q.Columns()[i]; c.Name != d.Name || c.Type != d.Type && !widens(c.Type, d.Type) {
			return false
		}
	}
	return true
}

// relaxed is a plan for the same table that fails no row.
func relaxed(t *rapid.T, p *Plan, config Config, r *row.Row) *Plan {
	config.Freeze, config.Pins = false, slices.Clone(config.Pins)
	for i := range config.Pins {
		config.Pins[i].NotNull = false
	}
	config.Limit = -1
	q, err := NewPlan(config, p.table, observe(r), nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// checkLacking checks that a row which was failed has no value that fits for the column that is named, and that the
// column must have one.
func checkLacking(t *rapid.T, p *Plan, config Config, r *row.Row, c Column) {
	pinned := slices.ContainsFunc(config.Pins, func(s Spec) bool { name, ok := s.Column(); return ok && name == c.Name && s.NotNull })
	if !pinned && !config.Freeze {
		t.Fatalf("column %s may be NULL, and a row is failed for it", c.Name)
	}
	q := relaxed(t, p, config, r)
	var st Stats
	loaded, err := readLine(AppendRow(nil, q, "shardId-0", r, &st), q)
	if err != nil {
		t.Fatal(err)
	}
	for i, have := range q.Columns() {
		if have.Name == c.Name && loaded.values[i] != nil {
			t.Fatalf("column %s holds %v, and its row is failed: %s", c.Name, loaded.values[i], describe(r))
		}
	}
}

// checkWidening checks that values which asked for wider columns have a place in these, and that no value loses its own.
func checkWidening(t *rapid.T, p *Plan, config Config, rows []*row.Row, wide []Column) {
	seen := config.Observation()
	for _, r := range rows {
		seen.Add(r)
	}
	q, err := NewPlan(config, widened(slices.Clone(p.table), wide), &seen, p)
	if err != nil {
		t.Fatal(err)
	}
	var before, after Stats
	for _, r := range rows {
		AppendRow(nil, p, "shardId-0", r, &before)
		AppendRow(nil, q, "shardId-0", r, &after)
	}
	if after.RescuedTotal() >= before.RescuedTotal() && before.Lacked == 0 {
		t.Fatalf("%d values are rescued after widening to %s, and %d before", after.RescuedTotal(), spell(wide), before.RescuedTotal())
	}
	if again := after.Widen(q); len(again) > 0 {
		t.Fatalf("widened to %s, and again to %s", spell(wide), spell(again))
	}
}

// checkRecord accounts for every field of r in RECORD or _RESCUED.
func checkRecord(p *Plan, r *row.Row, loaded *loadedRow) error {
	record, ok := loaded.values[0].(map[string]any)
	if !ok {
		return fmt.Errorf("RECORD is %v", loaded.values[0])
	}
	left := *r
	left.Fields = slices.Clone(r.Fields)
	for name, v := range record {
		last := -1
		for i, f := range left.Fields {
			if string(f.Name) == name && f.Flags&(row.Hostile|row.HostileKey) == 0 {
				last = i
			}
		}
		if last < 0 || (v == nil) != (left.Fields[last].Kind == row.Null) || v != nil && !holds(variantType, v, &left.Fields[last]) {
			return fmt.Errorf("RECORD has %v for %q", v, name)
		}
		left.Fields = slices.Delete(left.Fields, last, last+1)
	}
	fields := slices.DeleteFunc(left.Fields, func(f row.Field) bool { return f.Kind == row.Null })
	if len(fields) != len(loaded.rescued) || !match(p, loaded.rescued, fields) {
		return fmt.Errorf("_RESCUED %v does not give back the rest", loaded.rescued)
	}
	return nil
}

// checkRow accounts for every field of r.
func checkRow(p *Plan, r *row.Row, loaded *loadedRow) error {
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
		if name, ok := p.wants.column(string(f.Name)); ok && f.Kind != row.Null {
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
	if len(fields) != len(rescued) || !match(p, rescued, fields) {
		return fmt.Errorf("_RESCUED %v does not give back the rest", rescued)
	}
	return nil
}

// match pairs every field with its own member of _RESCUED: under its key or column name, perhaps with a suffix.
func match(p *Plan, rescued map[string]any, fields []row.Field) bool {
	if len(fields) == 0 {
		return true
	}
	f := &fields[0]
	key := strings.ReplaceAll(strings.ReplaceAll(string(f.Name), "\x00", `\u0000`), "\xed\xa0\x80", `\ud800`)
	column, _ := p.wants.column(string(f.Name))
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
		if match(p, rest, fields[1:]) {
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
