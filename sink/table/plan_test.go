package table

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

func rowOf(keys *row.Keys, pairs ...string) *row.Row {
	r := &row.Row{Sequence: []byte("1")}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields = append(r.Fields, field(keys, pairs[i], pairs[i+1]))
	}
	return r
}

func observe(rows ...*row.Row) *Observation {
	var seen Observation
	for _, r := range rows {
		seen.Add(r)
	}
	return &seen
}

func spell(columns []Column) string {
	var parts []string
	for _, c := range columns {
		parts = append(parts, c.Name+" "+c.Type.String())
	}
	return strings.Join(parts, ", ")
}

func TestInference(t *testing.T) {
	huge := "1" + strings.Repeat("0", 38)
	for _, c := range []struct{ values, want string }{
		{"1", "NUMBER(38,0)"}, {"1 1.5", "FLOAT"}, {"1.5 1", "FLOAT"}, {"1e3", "FLOAT"}, {"true false", "BOOLEAN"}, {`"a"`, "VARCHAR"}, {`"a" 1 1.5 true`, "VARCHAR"},
		{"true 1", "VARCHAR"}, {"false 1.5", "VARCHAR"}, {"{}", "VARIANT"}, {"[]", "VARIANT"}, {`[] "a"`, "VARIANT"}, {"1 {}", "VARIANT"}, {"null 1", "NUMBER(38,0)"}, {"null", ""},
		{huge, "VARCHAR"}, {strings.Repeat("9", 38), "NUMBER(38,0)"}, {"-" + huge[:38], "NUMBER(38,0)"}, {huge + " 1.5", "VARCHAR"},
	} {
		keys := row.NewKeys()
		var parts [2]Observation // as two goroutines would see them
		for i, v := range strings.Fields(c.values) {
			parts[i%2].Add(rowOf(keys, "c", v))
		}
		parts[0].Merge(&parts[1])
		p, err := NewPlan(Config{Keys: keys}, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := `KINESISMETADATA OBJECT, _RESCUED VARIANT`
		if c.want != "" {
			want += ", C " + c.want
		}
		if got := spell(p.Extend(&parts[0]).Add); got != want {
			t.Errorf("%s: %s, want %s", c.values, got, want)
		}
		parts[0].Reset()
		if got := p.Extend(&parts[0]).Add; len(got) != 2 {
			t.Errorf("%s: after reset %s", c.values, spell(got))
		}
	}
}

func TestKeysOfOneColumnAreInferredTogether(t *testing.T) {
	keys := row.NewKeys()
	p, _ := NewPlan(Config{Keys: keys, Pins: []Spec{{Key: "p", Type: ParseType("NUMBER(10,2)")}}}, nil, nil, nil)
	seen := observe(rowOf(keys, "b", "1", "a", "1", "p", `"x"`), rowOf(keys, "A", "1.5", "B", "null"))
	ext := p.Extend(seen)
	if got, want := spell(ext.Add[2:]), "P NUMBER(10,2), B NUMBER(38,0), A FLOAT"; got != want || !ext.Replan {
		t.Errorf("%+v: %s, want %s", ext, got, want)
	}
}

func TestPlanOfExistingTable(t *testing.T) {
	keys := row.NewKeys()
	columns := []Column{{Name: "B", Type: varcharType}, {Name: "GEO", Type: ParseType("GEOGRAPHY")}, {Name: "SUM", Type: numberType, Computed: true}, {Name: "A", Type: numberType}, {Name: "C", Type: numberType}}
	first := rowOf(keys, "a", "1", "geo", "1", "sum", "2", "a", "null")
	p, err := NewPlan(Config{Keys: keys}, columns, observe(first), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := spell(p.Columns()); got != "A NUMBER(38,0)" {
		t.Errorf("columns %s", got)
	}
	if !p.Covers(first) {
		t.Errorf("values of columns that cannot be loaded are not decided")
	}
	second := rowOf(keys, "b", "1", "new", "null")
	if p.Covers(second) {
		t.Errorf("a column that the COPY does not list is covered")
	}
	seen := observe(second)
	ext := p.Extend(seen)
	if got := spell(ext.Add); got != "KINESISMETADATA OBJECT, _RESCUED VARIANT" || !ext.Replan {
		t.Errorf("%+v", ext)
	}
	q, err := NewPlan(Config{Keys: keys}, append(ext.Add, columns...), seen, p)
	if err != nil {
		t.Fatal(err)
	}
	if got := spell(q.Columns()); got != "A NUMBER(38,0), B VARCHAR" || !q.Extends(p) || p.Extends(q) || !q.Extends(nil) {
		t.Errorf("columns %s, extends %t", got, q.Extends(p))
	}
	if !q.Covers(second) || q.Covers(rowOf(keys, "new", "1")) {
		t.Errorf("a null needs a column, or a value none")
	}
	if ext := q.Extend(seen); ext.Replan || len(ext.Add) > 0 {
		t.Errorf("nothing is missing, but %+v", ext)
	}
	changed := slices.Clone(columns)
	changed[3].Type = varcharType
	if r, _ := NewPlan(Config{Keys: keys}, changed, nil, q); r.Extends(q) || spell(r.Columns()) != "A VARCHAR, B VARCHAR" {
		t.Errorf("a changed type goes unnoticed: %s", spell(r.Columns()))
	}
	if r, _ := NewPlan(Config{Keys: keys}, changed[:3], nil, q); r.Extends(q) || spell(r.Columns()) != "B VARCHAR" {
		t.Errorf("a dropped column goes unnoticed: %s", spell(r.Columns()))
	}
}

func TestOwnColumnsOfWrongType(t *testing.T) {
	for name, typ := range map[string]string{RescuedColumn: "VARCHAR", MetadataColumn: "VARCHAR"} {
		_, err := NewPlan(Config{Keys: row.NewKeys()}, []Column{{Name: name, Type: ParseType(typ)}}, nil, nil)
		var wrong *ColumnTypeError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), Quote(name)+" is VARCHAR, but must be ") {
			t.Errorf("%s %s: %v", name, typ, err)
		}
	}
}

func TestLimitOfColumns(t *testing.T) {
	keys := row.NewKeys()
	var rows []*row.Row
	for i := range 600 {
		rows = append(rows, rowOf(keys, fmt.Sprintf("k%d", i), "1"))
	}
	again := rowOf(keys, "K599", "1")
	rows = append(rows, again)
	seen := observe(rows...)
	p, columns := evolve(t, Config{Keys: keys}, nil, seen, nil)
	if len(columns) != 2+DefaultColumnLimit || len(p.Columns()) != DefaultColumnLimit || !p.Full() {
		t.Fatalf("%d columns, %d planned, full: %t", len(columns), len(p.Columns()), p.Full())
	}
	if empty, _ := NewPlan(Config{Keys: keys}, nil, nil, nil); empty.Full() || len(empty.Extend(seen).Add) != 2+DefaultColumnLimit {
		t.Errorf("%d columns to add", len(empty.Extend(seen).Add))
	}
	if ext := p.Extend(seen); ext.Replan || len(ext.Add) > 0 {
		t.Errorf("a full table is extended: %+v", ext)
	}
	for _, r := range append(rows, rowOf(keys, "younger", "1")) {
		if !p.Covers(r) {
			t.Fatalf("%s is not covered", r.Fields[0].Name)
		}
	}
	// Keys that the dictionary had no room for still find their columns.
	var st Stats
	r := rowOf(keys, "K0", "7", "k599", "8")
	r.Fields[0].Key, r.Fields[1].Key = row.NoKey, row.NoKey
	if line := string(AppendRow(nil, p, "s", r, &st)); !p.Covers(r) || !strings.HasSuffix(line, `,{"k599":8},7]`+"\n") {
		t.Errorf("line %s", line)
	}
}

// TestPlansOfWorkersAgree: whatever the order in which two workers see keys, and whoever adds the columns, their plans
// give a key the same column.
func TestPlansOfWorkersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var columns []Column
		var plans []*Plan
		var configs []Config
		var seen [2]Observation
		for range 2 {
			configs = append(configs, Config{Keys: row.NewKeys()})
			plans = append(plans, nil)
		}
		for range rapid.IntRange(1, 6).Draw(t, "turns") {
			w := rapid.IntRange(0, 1).Draw(t, "worker")
			seen[w].Add(genRow(t, configs[w].Keys))
			before := plans[w]
			plans[w], columns = evolve(t, configs[w], columns, &seen[w], before)
			if !plans[w].Extends(before) {
				t.Fatal("plan does not extend the one before")
			}
		}
		for w, p := range plans {
			if p == nil {
				continue
			}
			for key := range configs[w].Keys.Len() {
				slot := p.slot(&row.Field{Key: row.Key(key)})
				name, ok := ColumnName(configs[w].Keys.Name(row.Key(key)))
				switch {
				case slot >= 0 && (!ok || p.Columns()[slot].Name != name):
					t.Fatalf("key of column %q goes to %q", name, p.Columns()[slot].Name)
				case slot == slotRescue && ok:
					t.Fatalf("key of column %q is rescued", name)
				}
			}
		}
	})
}

// TestHostileKeyHasNoColumn: such a key's name is raw text, and a column of that name belongs to another key.
func TestHostileKeyHasNoColumn(t *testing.T) {
	keys := row.NewKeys()
	r := rowOf(keys, `a\u0000`, "1")
	p, _ := evolve(t, Config{Keys: keys}, nil, observe(r), nil)
	r.Fields = append(r.Fields, row.Field{Key: row.NoKey, Kind: row.Int, Flags: row.HostileKey, Name: []byte(`a\u0000`), Value: []byte("2")})
	var st Stats
	if line := string(AppendRow(nil, p, "s", r, &st)); !p.Covers(r) || !strings.HasSuffix(line, `,{"a\\u0000":2},1]`+"\n") {
		t.Errorf("line %s", line)
	}
}
