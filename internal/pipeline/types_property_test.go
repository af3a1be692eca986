package pipeline_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTypesGiveBack: whatever objects come, in whatever batches, through whichever worker, the table gives them back.
// For long: -rapid.checks=100000 -timeout=0.
func TestTypesGiveBack(t *testing.T) {
	account := newTypesAccount(t)
	rapid.Check(t, func(t *rapid.T) {
		account := account.fresh()
		defer account.Close()
		tb := account.table()
		var workers []*typesWorker
		for i := range rapid.IntRange(1, 2).Draw(t, "workers") {
			w := tb.worker(t, strconv.Itoa(i))
			defer w.close(t)
			workers = append(workers, w)
		}
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			var records [][]byte
			for range rapid.IntRange(1, 4).Draw(t, "records") {
				records = append(records, []byte(typesRecord(t)))
			}
			workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")].load(t, records...)
		}
		checkTypesTable(t, tb)
	})
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
