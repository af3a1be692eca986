package pipeline_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

// typesReshaped are the rows of the page whose records cannot be printed: their records, made from those that can.
var typesReshaped = map[string]func(record []byte) []byte{
	"line breaks between tokens": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(" "), []byte("\r\n")) },
}

// typesLoaders are the rows of the page that take more than one worker that loads one batch after another.
var typesLoaders = map[string]func(t *testing.T, tb *typesTable, batches [][][]byte){
	"two workers at once, number first": loadAtCreation,
	"two workers at once, text first":   loadAtCreation,
	"two workers add a column at once":  loadAtAddition,
}

// typesOwnTests are the rows of the page that have a test function of their own.
var typesOwnTests = []string{"1,500 keys", "1,500 keys, later"}

// TestTypesPage runs every row of docs/types.md that says what a value becomes.
func TestTypesPage(t *testing.T) {
	account := newTypesAccount(t)
	met := map[string]bool{}
	for _, cells := range pageTables(t, "what", "JSON", "column type", "value in the column", "in _RESCUED") {
		what := cells[0]
		if met[what] {
			t.Fatalf("two rows are named %q", what)
		}
		met[what] = true
		if slices.Contains(typesOwnTests, what) {
			continue
		}
		t.Run(what, func(t *testing.T) { testPageRow(t, account.table(), what, cells[1:]) })
	}
	for name := range typesReshaped {
		if !met[name] {
			t.Errorf("no row %q", name)
		}
	}
	for name := range typesLoaders {
		if !met[name] {
			t.Errorf("no row %q", name)
		}
	}
	for _, name := range typesOwnTests {
		if !met[name] {
			t.Errorf("no row %q", name)
		}
	}
}

// TestTypesPageExisting runs the rows of the page for columns that exist already.
func TestTypesPageExisting(t *testing.T) {
	account := newTypesAccount(t)
	for _, cells := range pageTables(t, "what", "JSON", "existing column", "value in the column", "in _RESCUED") {
		t.Run(cells[0], func(t *testing.T) {
			tb := account.table()
			column := pageSpans(t, cells[2])[0].code
			account.mustExec(t, "CREATE TABLE "+table.Qualified("RAW", "KINESIS", tb.name)+` ("V" `+column+`)`)
			batches := pageBatches(t, cells[1])
			loadInTurn(t, tb, batches)
			checkPageRow(t, tb, len(batches[0]), []string{cells[1], strings.ReplaceAll(cells[2], " NOT NULL", ""), cells[3], cells[4]})
		})
	}
}

func testPageRow(t *testing.T, tb *typesTable, what string, cells []string) {
	batches := pageBatches(t, cells[0])
	records := 0
	for _, b := range batches {
		records += len(b)
		if f := typesReshaped[what]; f != nil {
			for i := range b {
				b[i] = f(b[i])
			}
		}
	}
	load := typesLoaders[what]
	if load == nil {
		load = loadInTurn
	}
	load(t, tb, batches)
	checkPageRow(t, tb, records, cells)
}

func checkPageRow(t *testing.T, tb *typesTable, records int, cells []string) {
	t.Helper()
	got := tb.read(t)
	columns := pageColumns(t, cells[1])
	checkPageColumns(t, got.columns, columns)
	if len(columns) > 1 && records > 1 {
		t.Fatal("no way to write the values of several columns in several records")
	}
	for i, want := range pageValues(t, cells[2], max(records, len(columns))) {
		n, column := i, 0
		if len(columns) > 1 {
			n, column = 0, i
		}
		if len(columns) == 0 {
			break
		}
		row := got.rows[got.order[n]]
		if have := row.show(t, got.columns[column].Name); have != want {
			t.Errorf("record %d: column %s is %s, want %s", n+1, got.columns[column].Name, pageShort(have), pageShort(want))
		}
	}
	for n, want := range pageValues(t, cells[3], records) {
		if have := showTypesValue(t, got.rows[got.order[n]].rescued); have != want {
			t.Errorf("record %d: _RESCUED is %s, want %s", n+1, pageShort(have), pageShort(want))
		}
	}
}

// pageColumn is a column as the page names it; a name ends in _HASH that ends in a hash.
type pageColumn struct{ name, typ string }

func pageColumns(t *testing.T, cell string) (columns []pageColumn) {
	t.Helper()
	spans := pageSpans(t, cell)
	if len(spans) == 0 && cell != "none" {
		t.Fatalf("no column type in %q", cell)
	}
	for _, s := range spans {
		c := pageColumn{"V", s.code}
		if strings.HasPrefix(s.code, `"`) {
			end := strings.LastIndexByte(s.code, '"')
			c.name = strings.ReplaceAll(s.code[1:end], `""`, `"`)
			c.typ = strings.TrimSpace(s.code[end+1:])
		}
		columns = append(columns, c)
	}
	return columns
}

func checkPageColumns(t *testing.T, got []service.Column, want []pageColumn) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("columns %v, want %v", got, want)
	}
	for i, c := range got {
		name := c.Name
		if prefix, ok := strings.CutSuffix(want[i].name, "HASH"); ok && len(name) == len(prefix)+16 && strings.Trim(name[len(prefix):], "0123456789ABCDEF") == "" {
			name = prefix + "HASH"
		}
		if typ := table.ParseType(c.Type.String()).String(); name != want[i].name || typ != want[i].typ {
			t.Fatalf("column %q %s, want %q %s", c.Name, typ, want[i].name, want[i].typ)
		}
		if slices.ContainsFunc(got[:i], func(d service.Column) bool { return d.Name == c.Name }) {
			t.Fatalf("two columns %q", c.Name)
		}
	}
}

// pageValues reads the n values of a cell; those of an empty one are NULL.
func pageValues(t *testing.T, cell string, n int) []string {
	t.Helper()
	spans := pageSpans(t, cell)
	if len(spans) == 0 {
		return slices.Repeat([]string{"NULL"}, n)
	}
	if len(spans) != n {
		t.Fatalf("%d values in %q, want %d", len(spans), pageShort(cell), n)
	}
	values := make([]string, n)
	for i, s := range spans {
		if values[i] = s.code; s.code != "NULL" {
			values[i] = typesEncode(typesDecode(t, s.code))
		}
	}
	return values
}

func loadInTurn(t *testing.T, tb *typesTable, batches [][][]byte) {
	t.Helper()
	w := tb.worker(t, "0")
	defer w.close(t)
	for _, b := range batches {
		w.load(t, b...)
	}
}

// TestTypesGuard is the page's rows of 1,500 keys.
func TestTypesGuard(t *testing.T) {
	const keys, guard = 1500, 500 // as the page says
	tb := newTypesAccount(t).table()
	w := tb.worker(t, "0")
	defer w.close(t)
	var b strings.Builder
	for i := range keys {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	w.load(t, []byte("{"+b.String()[1:]+"}"))
	w.load(t, []byte(`{"k0": -1, "k1499": -2, "new": -3}`))
	got := tb.read(t)
	if len(got.columns) != guard {
		t.Fatalf("%d columns, want %d", len(got.columns), guard)
	}
	first, second := got.rows["1"], got.rows["2"]
	rescued := typesDecode(t, first.rescued.Text).(map[string]any)
	for i := range keys {
		name, value := fmt.Sprintf("k%d", i), fmt.Sprint(i)
		if i < guard {
			if c := got.columns[i]; c.Name != strings.ToUpper(name) || first.show(t, c.Name) != value {
				t.Errorf("column %d is %s with %s", i, c.Name, first.show(t, c.Name))
			}
		} else if fmt.Sprint(rescued[name]) != value {
			t.Errorf("_RESCUED has %v for %s", rescued[name], name)
		}
	}
	if len(rescued) != keys-guard {
		t.Errorf("%d values in _RESCUED, want %d", len(rescued), keys-guard)
	}
	if v, r := second.show(t, "K0"), showTypesValue(t, second.rescued); v != "-1" || len(second.values) != 1 || r != `{"k1499":-2,"new":-3}` {
		t.Errorf("the later record is %v, K0 %s, _RESCUED %s", second.values, v, r)
	}
	warned := w.logs.with("the table has as many columns as are added by inference; values of further keys go to _RESCUED")
	if len(warned) != 1 || warned[0]["level"] != "WARN" {
		t.Errorf("warnings: %v", warned)
	}
}
