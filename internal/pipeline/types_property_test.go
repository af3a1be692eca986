package pipeline_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/sink/table"
)

// TestTypesGiveBack: whatever objects come, in whatever batches, through whichever worker, the table gives them back.
// For long: -rapid.checks=100000 -timeout=0.
func TestTypesGiveBack(t *testing.T) {
	account := newTypesAccount(t)
	rapid.Check(t, func(t *rapid.T) {
		account := account.fresh()
		defer account.Close()
		tb := account.table()
		tb.loadDrawn(t, 4)
		checkTypesTable(t, tb)
	})
}

// TestTypesGiveBackPinned is the same of tables whose columns are pinned, frozen, or one for the whole record.
func TestTypesGiveBackPinned(t *testing.T) {
	account := newTypesAccount(t)
	rapid.Check(t, func(t *rapid.T) {
		account := account.fresh()
		defer account.Close()
		tb := account.table()
		tb.draw(t)
		if rapid.IntRange(0, 3).Draw(t, "existing") == 0 {
			account.mustExec(t, "CREATE TABLE "+table.Qualified("RAW", "KINESIS", tb.name)+` ("A" `+rapid.SampledFrom(typesPins).Draw(t, "column A")+`, "ID" `+rapid.SampledFrom(typesPins).Draw(t, "column ID")+`)`)
		}
		tb.loadDrawn(t, 3)
		if len(tb.records) > 0 {
			checkTypesTable(t, tb)
		}
	})
}

// loadDrawn loads up to so many batches of drawn records, through one or two workers.
func (tb *typesTable) loadDrawn(t *rapid.T, batches int) {
	var workers []*typesWorker
	for i := range rapid.IntRange(1, 2).Draw(t, "workers") {
		w := tb.worker(t, strconv.Itoa(i))
		defer w.close(t)
		workers = append(workers, w)
	}
	for range rapid.IntRange(1, batches).Draw(t, "batches") {
		var records [][]byte
		for range rapid.IntRange(1, 4).Draw(t, "records") {
			records = append(records, []byte(typesRecord(t)))
		}
		workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")].load(t, records...)
	}
}

var typesPins = []string{
	"NUMBER(38,0)", "NUMBER(38,37)", "NUMBER(10,2)", "NUMBER(3,0)", "FLOAT", "BOOLEAN", "VARCHAR", "VARCHAR(3)", "VARCHAR(1)", "BINARY(1)", "BINARY", "DATE", "TIME", "TIME(0)",
	"TIMESTAMP_NTZ", "TIMESTAMP_NTZ(3)", "TIMESTAMP_LTZ", "TIMESTAMP_LTZ(0)", "TIMESTAMP_TZ", "TIMESTAMP_TZ(6)", "VARIANT", "OBJECT", "ARRAY",
}

// draw draws what a pipeline file may say of a table.
func (tb *typesTable) draw(t *rapid.T) {
	tb.names, tb.failed = map[string]string{}, map[string]string{}
	c := &tb.shape
	c.Timestamps, c.Variant = rapid.Bool().Draw(t, "timestamps"), rapid.IntRange(0, 4).Draw(t, "variant") == 0
	c.Limit = rapid.SampledFrom([]int{1, 3, 500}).Draw(t, "limit")
	names := []string{"A", "B", "ID", "Other", "b"}
	for i, key := range []string{"a", "b", "id"} {
		if c.Variant || !rapid.Bool().Draw(t, "pinned") {
			continue
		}
		pin := table.Spec{Key: key, NotNull: rapid.IntRange(0, 5).Draw(t, "must") == 0}
		if rapid.IntRange(0, 5).Draw(t, "typed") > 0 {
			var err error
			if pin.Type, err = table.ParseColumnType(rapid.SampledFrom(typesPins).Draw(t, "type")); err != nil {
				t.Fatal(err)
			}
		}
		if rapid.IntRange(0, 2).Draw(t, "named") == 0 {
			pin.Name = names[(i+rapid.IntRange(0, 1).Draw(t, "name")*3)%len(names)]
			tb.names[strings.ToUpper(key)] = pin.Name
		}
		name, _ := pin.Column()
		if slices.ContainsFunc(c.Pins, func(s table.Spec) bool { n, _ := s.Column(); return n == name }) {
			delete(tb.names, strings.ToUpper(key))
			continue
		}
		c.Pins = append(c.Pins, pin)
	}
	c.Freeze = slices.ContainsFunc(c.Pins, func(s table.Spec) bool { return s.Type != table.Type{} }) && rapid.IntRange(0, 2).Draw(t, "freeze") == 0
}

// The keys, as JSON: few, so that they meet.
var typesKeys = append([]string{
	`"a"`, `"A"`, `"\u0061"`, `"b"`, `"id"`, `"Id"`, `"ID"`, `"x y"`, `"a.b"`, `"a\"b"`, `"it's"`, `"\\"`, `"é"`, `"É"`, `"e\u0301"`, `"\ud83d\ude42"`, `""`, `" "`,
	`"_rescued"`, `"_RESCUED"`, `"kinesisMetadata"`, `"select"`, `"current_date"`, `"CURRENT_DATE_"`, `"localtime"`, `"a#2"`, `"a#3"`, `"A#2"`,
	`"n\u0000"`, `"n\\u0000"`, `"N\\U0000"`, `"\ud800"`, `"\\ud800"`, `"\udc00\ud800"`, `"\b\f\n\r\t\/"`, `"b\f\n\r\t/"`, `"\u007f"`, `"\ufffd"`, `"$1"`, `"--"`, `"a;b"`, `"%"`,
}, `"`+strings.Repeat("k", 255)+`"`, `"`+strings.Repeat("k", 300)+`"`, `"`+strings.Repeat("K", 300)+`"`, `"`+strings.Repeat("é", 256)+`"`)

var typesScalars = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `7`, `9007199254740993`, `-9223372036854775808`, `18446744073709551615`,
	`99999999999999999999999999999999999999`, `100000000000000000000000000000000000000`, `1234567890123456789012345678901234567890`,
	`0.0`, `-0.0`, `1.0`, `1.50`, `0.1`, `-123.456`, `0.12345678901234567890`, `0.30000000000000004`, `0.30000000000000002`, `123456789012345.67`,
	`1e3`, `1E+2`, `2e-1`, `1e22`, `1e23`, `1e37`, `1e38`, `1e400`, `-1e400`, `1e-400`, `5e-324`, `4.9e-324`, `1.7976931348623157e308`, `1e99999999999999999999`, `0e99999999999999999999`,
	`""`, `"x"`, `"0"`, `"-0"`, `"007"`, `"1"`, `"1.5"`, `"1.50"`, `"1e3"`, `" 1"`, `"true"`, `"TRUE"`, `"null"`, `"\u0031"`, `"2026-04-13"`,
	`"2026-04-13T10:00:00Z"`, `"2026-04-13T10:00:00.123456789+05:30"`, `"2026-04-13 10:00:00.5"`, `"2026-02-30T10:00:00Z"`, `"10:00:00.5"`, `"24:00:00"`, `"AB"`, `"ab"`, `"ABC"`, `1000`, `1.005`, `123456789.25`,
	`"100000000000000000000000"`, `"9007199254740993"`, `"é\ud83d\ude42"`, `"\u0000"`, `"\ud800x"`, `"\udc00"`, `"\\u0000"`, `"\\\u0000"`, `"\"\\\/\b\f\n\r\t"`, `"\u2028"`, `"\ufeff"`, `"'; --"`, `"$1"`, `"\ufffd"`,
}

func typesRecord(t *rapid.T) string { return typesObject(t, 2, 7) }

func typesObject(t *rapid.T, depth, most int) string {
	var b strings.Builder
	space := func() { b.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "\n", "\t\r\n"}).Draw(t, "space")) }
	b.WriteByte('{')
	space()
	for i := range rapid.IntRange(0, most).Draw(t, "members") {
		if i > 0 {
			b.WriteByte(',')
			space()
		}
		b.WriteString(typesKey(t))
		space()
		b.WriteByte(':')
		space()
		b.WriteString(typesValue(t, depth))
		space()
	}
	b.WriteByte('}')
	return b.String()
}

func typesKey(t *rapid.T) string {
	if rapid.IntRange(0, 9).Draw(t, "other key") == 0 {
		return typesEncode(rapid.StringN(0, 5, -1).Draw(t, "key"))
	}
	if rapid.Bool().Draw(t, "usual key") {
		return rapid.SampledFrom(typesKeys[:7]).Draw(t, "key")
	}
	return rapid.SampledFrom(typesKeys).Draw(t, "key")
}

func typesValue(t *rapid.T, depth int) string {
	kinds := 5
	if depth == 0 {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return strconv.FormatFloat(rapid.Float64().Draw(t, "double"), byte(rapid.SampledFrom([]rune("efg")).Draw(t, "format")), rapid.IntRange(-1, 20).Draw(t, "digits"), 64)
	case 1:
		return typesEncode(rapid.StringN(0, 6, -1).Draw(t, "text"))
	case 2, 3:
		return rapid.SampledFrom(typesScalars).Draw(t, "scalar")
	case 4:
		return typesObject(t, depth-1, 3)
	}
	var elements []string
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		elements = append(elements, typesValue(t, depth-1))
	}
	return fmt.Sprintf("[%s]", strings.Join(elements, ",\n"))
}
