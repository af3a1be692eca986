package plan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/plan"
	"kinesis-snowflake/sink/table"
)

var (
	fixKeys   = []string{"id", "ID", "At", "amount", "a.b", "n", "a: #1", "customerName"}
	fixValues = []string{
		`1`, `-7`, `12345678901`, `1517966773840`, `1517966773`, `123456789012345678901234567890123456789`, `0.5`, `1.25e-7`, `0.1234567890123456789`, `1e400`, `-0`,
		`true`, `false`, `null`, `""`, `"x"`, `"TRUE"`, `"007"`, `"12"`, `"1.5"`, `"2026-04-13T10:00:00Z"`, `"2026-04-13"`, `"10:00:00"`, `"soon"`, `"a longer text than most"`,
		`{}`, `{"p": 1}`, `[]`, `[1, "x"]`, `"\ud800"`, `"\u0000"`, `"😀"`,
	}
	fixTypes = []string{
		"NUMBER(38,0)", "NUMBER(5,2)", "FLOAT", "BOOLEAN", "VARCHAR", "VARCHAR(3)", "VARIANT", "DATE", "TIME(9)", "TIMESTAMP_NTZ(9)", "TIMESTAMP_TZ(9)", "TIMESTAMP_LTZ(3)", "OBJECT", "ARRAY", "BINARY(10)",
	}
)

// TestFixesSettle: whatever the records, the pins and the table, the fix that a plan shows is good YAML, and pasted it settles every
// conflict that it is for, without another one. No message fails for it, neither then nor later.
func TestFixesSettle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom(fixKeys), 1, 3, rapid.ID).Draw(r, "keys")
		records := func(most int) string {
			var lines []string
			for range rapid.IntRange(1, most).Draw(r, "records") {
				var members []string
				for _, key := range keys {
					if rapid.IntRange(0, 4).Draw(r, "absent") > 0 {
						members = append(members, fmt.Sprintf("%q: %s", key, rapid.SampledFrom(fixValues).Draw(r, "value")))
					}
				}
				lines = append(lines, "{"+strings.Join(members, ", ")+"}")
			}
			return strings.Join(lines, "\n")
		}
		sample, later := records(6), records(6)
		var options, pins []string
		var columns []table.Column
		if rapid.Bool().Draw(r, "table") {
			columns = []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")}}
		}
		for _, key := range keys {
			if rapid.IntRange(0, 2).Draw(r, "pinned") == 0 {
				pin := fmt.Sprintf("{type: %q", rapid.SampledFrom(fixTypes).Draw(r, "pin"))
				if !strings.Contains(strings.Join(pins, ""), "name:") && rapid.Bool().Draw(r, "named") {
					pin += ", name: Named"
				}
				if key != "ID" { // the pin of id is for both
					pins = append(pins, fmt.Sprintf("%q: %s}", key, pin))
				}
			}
			if columns != nil && key != "ID" && rapid.IntRange(0, 2).Draw(r, "there") == 0 {
				columns = append(columns, table.Column{Name: table.FoldKey(key), Type: table.ParseType(rapid.SampledFrom(fixTypes).Draw(r, "type"))})
			}
		}
		if len(pins) > 0 {
			options = append(options, "columns: {"+strings.Join(pins, ", ")+"}")
		}
		if rapid.Bool().Draw(r, "detects") {
			options = append(options, "detect_timestamps: true")
		}
		if rapid.IntRange(0, 3).Draw(r, "frozen") == 0 {
			options = append(options, "evolution: freeze")
		}
		more := ""
		if len(options) > 0 {
			more = "transform: {" + strings.Join(options, ", ") + "}\n"
		}
		made := func(more, sample string) *plan.Report {
			cfg, err := config.Parse("orders.yaml", []byte(fileHead+more), func(string) (string, bool) { return "", false })
			if err != nil {
				r.Fatalf("%v in\n%s", err, more)
			}
			p, err := plan.OfTable(cfg, columns, strings.NewReader(sample))
			if err != nil {
				r.Fatal(err)
			}
			return p
		}
		first := made(more, sample)
		left := map[string]bool{}
		for _, c := range first.Conflicts {
			if len(c.Fix) == 0 {
				left[c.Column] = true
				if !strings.Contains(more, "freeze") {
					r.Errorf("no fix for column %s %s", c.Column, c.Type)
				}
			}
		}
		if first.Fix == "" {
			return
		}
		mended := paste(t, more, first.Fix)
		again := made(mended, sample)
		for _, c := range again.Conflicts {
			if !left[c.Column] {
				r.Errorf("column %s is in conflict still: %s\nof %s\nwith the fix\n%s\nto\n%s", c.Column, c.Why, sample, first.Fix, more)
			}
		}
		if again.Sample.Failed > first.Sample.Failed {
			r.Errorf("%d messages fail, before the fix %d: %s\nwith the fix\n%s", again.Sample.Failed, first.Sample.Failed, sample, first.Fix)
		}
		if before, after := made(more, later).Sample.Failed, made(mended, later).Sample.Failed; after > before {
			r.Errorf("of later records %d fail, before the fix %d: %s\nwith the fix\n%s\nof %s", after, before, later, first.Fix, sample)
		}
	})
}

// One pin is for all the ways to write a key, so another one beside it would be refused.
func TestFixTakesThePlaceOfAPin(t *testing.T) {
	const more = "transform: {columns: {id: BOOLEAN}}\n"
	columns := []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")}, {Name: "ID", Type: table.ParseType("BOOLEAN")}}
	r, err := plan.OfTable(file(t, more), columns, strings.NewReader(`{"ID": "x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "transform:\n  columns:\n    id: {type: VARCHAR, name: ID_VARCHAR}\n"; r.Fix != want {
		t.Errorf("fix %s, want %s", r.Fix, want)
	}
	if again, err := plan.OfTable(file(t, paste(t, more, r.Fix)), columns, strings.NewReader(`{"ID": "x"}`)); err != nil || len(again.Conflicts) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

// What the schema says of a column's type is not said of what a cast makes of its values, so the fix pins it.
func TestFixKeepsTheSchemasType(t *testing.T) {
	schema := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(schema, []byte(`{"properties": {"at": {"type": "string", "format": "date-time"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	more := "transform: {json_schema: " + schema + ", schema_mode: warn}\n"
	lines := []string{`{"at": "2026-04-13T10:00:00Z"}`, `{"at": 1776074400}`}
	r := offline(t, more, lines...)
	const want = "transform:\n  steps:\n    - cast: {at: {type: TIMESTAMP_TZ, from: epoch_s}}\n      on_error: keep\n  columns:\n    at: TIMESTAMP_TZ(9)\n"
	if again := offline(t, paste(t, more, r.Fix), lines...); r.Fix != want || len(again.Conflicts) != 0 || again.Columns[2].Type != r.Columns[2].Type {
		t.Errorf("fix %s, columns before %+v, then %+v", r.Fix, r.Columns, again.Columns)
	}
}

// A cast that settles a column of the table makes no message fail: what it cannot cast goes to _RESCUED as before.
func TestFixMakesNoMessageFail(t *testing.T) {
	columns := []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")}, {Name: "OK", Type: table.ParseType("VARCHAR")}, {Name: "D", Type: table.ParseType("DATE")}}
	r, err := plan.OfTable(file(t, ""), columns, strings.NewReader(`{"ok": {"a": 1}, "d": 1776074400}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = "transform:\n  steps:\n    - cast: {ok: VARCHAR}\n      on_error: keep\n    - cast: {d: {type: DATE, from: epoch_s}}\n      on_error: keep\n"
	if r.Fix != want {
		t.Errorf("fix %s", r.Fix)
	}
	later, err := plan.OfTable(file(t, r.Fix), columns, strings.NewReader(`{"d": "soon"}`))
	if err != nil || later.Sample.Rows != 1 || len(later.Rescued) != 1 {
		t.Errorf("%+v, %v", later, err)
	}
}

// What gives a column its type, and which conflicts remain.
func TestByAndWhatRemains(t *testing.T) {
	columns := []table.Column{
		{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")},
		{Name: "OLD", Type: table.ParseType("NUMBER(38,0)")}, {Name: "D", Type: table.ParseType("DATE")},
	}
	const lines = `{"old": "x", "d": 1776074400, "n": "5"}`
	r, err := plan.OfTable(file(t, "transform: {evolution: freeze, columns: {d: DATE}}\n"), columns, strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	if text := printed(t, r); !strings.Contains(text, "To settle 1 of them, add to") {
		t.Error(text)
	}
	schema := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(schema, []byte(`{"properties": {"s": {"type": "integer"}, "n": {"type": "string"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err = plan.OfTable(file(t, "transform: {json_schema: "+schema+", columns: {p: VARCHAR}, steps: [{cast: {n: NUMBER}}]}\n"), columns, strings.NewReader(`{"old": 1, "p": "x", "n": "5", "s": 1, "i": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]plan.By{}
	for _, c := range r.Columns {
		by[c.Name] = c.By
	}
	for name, want := range map[string]plan.By{"OLD": plan.ByTable, "P": plan.ByPin, "N": plan.ByCast, "S": plan.BySchema, "I": plan.ByInference, table.RescuedColumn: plan.ByItself} {
		if by[name] != want {
			t.Errorf("column %s is by %q, not %q", name, by[name], want)
		}
	}
}
