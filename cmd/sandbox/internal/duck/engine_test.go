package duck

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kinesis-snowflake/internal/standin/snowflake"
)

var (
	number38  = snowflake.Type{Kind: snowflake.KindNumber, Precision: 38}
	text      = snowflake.Type{Kind: snowflake.KindVarchar, Length: snowflake.MaxVarchar}
	variant   = snowflake.Type{Kind: snowflake.KindVariant}
	testTable = snowflake.TableName{Database: "DB", Schema: "S", Table: "T"}
)

func open(t *testing.T) *Engine {
	t.Helper()
	e, err := Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func scanAll(t testing.TB, e *Engine, columns []string) (ids []int64, rows [][]snowflake.Value) {
	t.Helper()
	must(t, e.Scan(t.Context(), testTable, columns, func(id int64, row []snowflake.Value) error {
		ids = append(ids, id)
		rows = append(rows, append([]snowflake.Value{}, row...))
		return nil
	}))
	return ids, rows
}

func TestValuesComeBackExactly(t *testing.T) {
	types := []snowflake.Type{
		number38,
		{Kind: snowflake.KindNumber, Precision: 38, Scale: 37},
		{Kind: snowflake.KindNumber, Precision: 5, Scale: 2},
		{Kind: snowflake.KindFloat},
		{Kind: snowflake.KindBoolean},
		text,
		{Kind: snowflake.KindBinary, Length: 100},
		variant,
		{Kind: snowflake.KindObject},
		{Kind: snowflake.KindArray},
		{Kind: snowflake.KindDate},
		{Kind: snowflake.KindTime, Scale: 9},
		{Kind: snowflake.KindTimestampNTZ, Scale: 9},
		{Kind: snowflake.KindTimestampLTZ, Scale: 9},
		{Kind: snowflake.KindTimestampTZ, Scale: 9},
	}
	nines := strings.Repeat("9", 38)
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.FixedZone("", -9*3600-1800))
	early, late := time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	json := snowflake.JSONValue
	row := func(n1, n2, n3 string, f float64, b bool, s, bin, v, o, a string, days, clock int64, at time.Time) []snowflake.Value {
		return []snowflake.Value{
			snowflake.NumberValue(n1), snowflake.NumberValue(n2), snowflake.NumberValue(n3), snowflake.FloatValue(f), snowflake.BoolValue(b),
			snowflake.TextValue(s), {Kind: snowflake.KindBinary, Text: bin},
			json(snowflake.KindVariant, v), json(snowflake.KindObject, o), json(snowflake.KindArray, a),
			{Kind: snowflake.KindDate, Int: days}, {Kind: snowflake.KindTime, Int: clock},
			snowflake.TimestampValue(snowflake.KindTimestampNTZ, at), snowflake.TimestampValue(snowflake.KindTimestampLTZ, at),
			snowflake.TimestampValue(snowflake.KindTimestampTZ, at),
		}
	}
	want := [][]snowflake.Value{
		row(nines, "9."+nines[1:], "999.99", 0.1, true, "héllo \U0001F600 'quoted' \\", "\x00\xff", `{ "a" : 0.12345678901234567890 , "a":1E2}`, `{"n":123456789012345678901234567890.10}`, `[1.0, 1e400 ]`, 19782, 86399999999999, at),
		row("-"+nines, "-0."+strings.Repeat("0", 36)+"1", "-0.05", math.Inf(-1), false, "", "", "null", "{}", "[]", -719162, 0, early),
		row("0", "0."+strings.Repeat("0", 37), "0.00", math.NaN(), true, "line\nbreak\x00nul", "", `"\ud800"`, `{"":""}`, `[[[]]]`, 2932896, 1, late),
		row("123456789012345678", "1."+strings.Repeat("0", 37), "1.00", math.Copysign(0, -1), true, "\t", "a", "1.50", `{"a":{"b":[1,2]}}`, `["x"]`, 0, 1000, time.Unix(0, 0)),
		make([]snowflake.Value, len(types)),
	}
	e := open(t)
	var columns []snowflake.Column
	for i, typ := range types {
		columns = append(columns, snowflake.Column{Name: fmt.Sprintf("C%d", i), Type: typ})
	}
	must(t, e.CreateTable(t.Context(), testTable, columns))
	change := snowflake.Change{Table: testTable}
	for i, r := range want {
		change.Insert = append(change.Insert, snowflake.Row{ID: int64(i + 1), Values: r})
	}
	must(t, e.Apply(t.Context(), []snowflake.Change{change}))
	_, got := scanAll(t, e, nil)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// Every value may also be shown by the view, but the half surrogate, which DuckDB takes for no JSON.
	if _, err := e.Query(t.Context(), "SELECT * EXCLUDE (C7) FROM DB.S.T", snowflake.SessionInfo{}); err != nil {
		t.Error(err)
	}
}

func TestNumbersOfAnySizeAreKept(t *testing.T) {
	e := open(t)
	rapid.Check(t, func(r *rapid.T) {
		scale := rapid.IntRange(0, 37).Draw(r, "scale")
		numbers := rapid.SliceOfN(rapid.StringMatching(`-?[1-9][0-9]{0,37}`), 1, 20).Draw(r, "unscaled")
		typ := snowflake.Type{Kind: snowflake.KindNumber, Precision: 38, Scale: scale}
		must(t, e.CreateTable(context.Background(), testTable, []snowflake.Column{{Name: "N", Type: typ}}))
		defer func() { must(t, e.DropTable(context.Background(), testTable)) }()
		change := snowflake.Change{Table: testTable}
		for i, n := range numbers {
			sign := ""
			if n[0] == '-' {
				sign, n = "-", n[1:]
			}
			if len(n) <= scale {
				n = strings.Repeat("0", scale+1-len(n)) + n
			}
			if scale > 0 {
				n = n[:len(n)-scale] + "." + n[len(n)-scale:]
			}
			change.Insert = append(change.Insert, snowflake.Row{ID: int64(i + 1), Values: []snowflake.Value{snowflake.NumberValue(sign + n)}})
		}
		must(t, e.Apply(context.Background(), []snowflake.Change{change}))
		_, got := scanAll(t, e, nil)
		for i, row := range change.Insert {
			if got[i][0] != row.Values[0] {
				r.Fatalf("%s came back as %s", row.Values[0].Text, got[i][0].Text)
			}
		}
	})
}

func TestChangesAreOneTransactionInOrderOfIDs(t *testing.T) {
	e := open(t)
	must(t, e.CreateTable(t.Context(), testTable, []snowflake.Column{{Name: "N", Type: number38}}))
	row := func(id int64) snowflake.Row {
		return snowflake.Row{ID: id, Values: []snowflake.Value{snowflake.IntValue(id * 10)}}
	}
	must(t, e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Insert: []snowflake.Row{row(1), row(2), row(3)}}}))
	must(t, e.Apply(t.Context(), []snowflake.Change{{
		Table: testTable, Delete: []int64{2}, Insert: []snowflake.Row{row(4)},
		Update: []snowflake.Row{{ID: 1, Values: []snowflake.Value{snowflake.IntValue(11)}}},
	}}))
	ids, rows := scanAll(t, e, nil)
	if fmt.Sprint(ids) != "[1 3 4]" || rows[0][0].Text != "11" || rows[1][0].Text != "30" {
		t.Errorf("ids %v, rows %v", ids, rows)
	}
	// The second part fails, hence the first has no effect either.
	missing := snowflake.TableName{Database: "DB", Schema: "S", Table: "NONE"}
	if err := e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Truncate: true}, {Table: missing}}); err == nil {
		t.Error("a change of a missing table is accepted")
	}
	bad := snowflake.Row{ID: 9, Values: []snowflake.Value{snowflake.NumberValue("1x")}}
	if err := e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Delete: []int64{1}, Insert: []snowflake.Row{row(8), bad}}}); err == nil {
		t.Error("a number with letters is accepted")
	}
	if ids, _ = scanAll(t, e, []string{}); fmt.Sprint(ids) != "[1 3 4]" {
		t.Errorf("after failed changes the ids are %v", ids)
	}
	must(t, e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Truncate: true, Insert: []snowflake.Row{row(10)}}}))
	if ids, _ = scanAll(t, e, []string{}); fmt.Sprint(ids) != "[10]" {
		t.Errorf("after a truncate the ids are %v", ids)
	}
}

func TestScanStopsWithItsFunction(t *testing.T) {
	e := open(t)
	must(t, e.CreateTable(t.Context(), testTable, nil))
	must(t, e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Insert: []snowflake.Row{{ID: 1}, {ID: 2}}}}))
	enough := errors.New("enough")
	n := 0
	err := e.Scan(t.Context(), testTable, nil, func(int64, []snowflake.Value) error {
		n++
		must(t, e.Scan(t.Context(), testTable, nil, func(int64, []snowflake.Value) error { return nil }))
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestTablesChangeTheirShape(t *testing.T) {
	e := open(t)
	must(t, e.CreateTable(t.Context(), testTable, []snowflake.Column{{Name: "A", Type: number38}, {Name: "a", Type: text}}))
	row := func(id int64, values ...snowflake.Value) {
		must(t, e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Insert: []snowflake.Row{{ID: id, Values: values}}}}))
	}
	row(1, snowflake.IntValue(1), snowflake.TextValue("x"))
	added := []snowflake.Column{{Name: "V", Type: variant}, {Name: "AT", Type: snowflake.Type{Kind: snowflake.KindTimestampTZ, Scale: 9}}}
	must(t, e.AlterTable(t.Context(), testTable, snowflake.Alteration{Add: added}))
	at := snowflake.TimestampValue(snowflake.KindTimestampTZ, time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)))
	row(2, snowflake.IntValue(2), snowflake.Value{}, snowflake.JSONValue(snowflake.KindVariant, "1.0"), at)
	must(t, e.AlterTable(t.Context(), testTable, snowflake.Alteration{Rename: &snowflake.ColumnRename{From: "a", To: "b"}}))
	must(t, e.AlterTable(t.Context(), testTable, snowflake.Alteration{Retype: &snowflake.Column{Name: "b", Type: text}}))
	must(t, e.AlterTable(t.Context(), testTable, snowflake.Alteration{Drop: []string{"A"}}))
	_, rows := scanAll(t, e, []string{"AT", "b"})
	want := [][]snowflake.Value{{{}, snowflake.TextValue("x")}, {at, {}}}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	// Names that differ in case alone are two names, also for dropped tables that nobody can write.
	for _, name := range []string{"t", "dropped\x00\"1"} {
		to := snowflake.TableName{Database: "DB", Schema: "S", Table: name}
		must(t, e.CreateTable(t.Context(), to, []snowflake.Column{{Name: "X", Type: number38}}))
		must(t, e.RenameTable(t.Context(), to, snowflake.TableName{Database: "D2", Schema: "S", Table: name}))
	}
	if err := e.RenameTable(t.Context(), testTable, snowflake.TableName{Database: "D2", Schema: "S", Table: "t"}); err == nil {
		t.Error("a table takes the name of another")
	}
	must(t, e.DropTable(t.Context(), testTable))
	if err := e.Scan(t.Context(), testTable, nil, nil); err == nil {
		t.Error("a dropped table is read")
	}
}

func TestFileIsKeptAndNotOverwritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.duckdb")
	e, err := Open(t.Context(), file)
	must(t, err)
	must(t, e.CreateTable(t.Context(), testTable, []snowflake.Column{{Name: "N", Type: number38}}))
	must(t, e.Close())
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), "name a new file") {
		t.Errorf("the file is opened again: %v", err)
	}
}
