package pipeline_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// nastySet is a set of records that a table has to give back. The five that are made here come from a fixed seed, so they are
// the same in every run, and each goes for one way in which values get lost.
type nastySet struct {
	name    string
	records func(t *testing.T) []string
}

var nastySets = []nastySet{
	{"github-events", func(t *testing.T) []string { return nastyFile(t, "github-events") }},
	{"earthquakes", func(t *testing.T) []string { return nastyFile(t, "earthquakes") }},
	{"numbers", func(*testing.T) []string { return nastyRecords(1, nastyNumbers) }},
	{"texts", func(*testing.T) []string { return nastyRecords(2, nastyTexts) }},
	{"names", func(*testing.T) []string { return nastyRecords(3, nastyNames) }},
	{"shifting", func(*testing.T) []string { return nastyRecords(4, nastyShifting) }},
	{"nested", func(*testing.T) []string { return nastyRecords(5, nastyNested) }},
}

// nastyFile reads the sandbox's real records.
func nastyFile(t *testing.T, name string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(string(typesFile(t, "../../cmd/sandbox/data/"+name+".jsonl"))), "\n")
}

const nastyCount = 120

func nastyRecords(seed uint64, one func(r *rand.Rand, i int) string) (records []string) {
	r := rand.New(rand.NewPCG(seed, 5))
	for i := range nastyCount {
		records = append(records, one(r, i))
	}
	return records
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	if n > 0 && b[0] == '0' {
		b[0] = '1'
	}
	return string(b)
}

// nastyNumber is a number in any of the ways to write one: of up to 60 digits, beyond a double or NUMBER, with superfluous
// zeros, with an exponent that makes an integer of a fraction or the other way round.
func nastyNumber(r *rand.Rand) string {
	sign := pick(r, []string{"", "", "-"})
	switch r.IntN(6) {
	case 0:
		return sign + digits(r, 1+r.IntN(60))
	case 1:
		return sign + digits(r, 1+r.IntN(20)) + "." + digits(r, r.IntN(20)) + pick(r, []string{"0", "00", "5", "1"})
	case 2:
		return sign + digits(r, 1+r.IntN(17)) + pick(r, []string{"e", "E", "e+", "e-", "E-"}) + strconv.Itoa(r.IntN(330))
	case 3:
		return strconv.FormatFloat(r.NormFloat64()*1e6, 'g', -1, 64)
	case 4:
		return sign + "0." + strings.Repeat("0", r.IntN(12)) + digits(r, 1+r.IntN(18))
	}
	return sign + pick(r, []string{
		"0", "0.0", "0e0", "0e-999", "1e400", "5e-324", "4.9e-324", "1.7976931348623157e308", "9007199254740993", "18446744073709551616", "0.1", "0.30000000000000004",
		"99999999999999999999999999999999999999", "100000000000000000000000000000000000000", "1e37", "1e38", "1.0", "10e-1", "1e99999999999999999999",
	})
}

// nastyNumbers: numbers under few keys, also as texts, so that each column meets all kinds of them.
func nastyNumbers(r *rand.Rand, i int) string {
	n := func() string { return nastyNumber(r) }
	text := `"` + pick(r, []string{n(), "0" + digits(r, 3), "+1", " 1", "1 ", "0x1f", "1_000", "1,5", "NaN", "Infinity", "-", ""}) + `"`
	return fmt.Sprintf(`{"id":%d,"a":%s,"b":%s,"c":%s,"d":%s,"e":[%s,{"n":%s}]}`,
		i, n(), digits(r, 1+r.IntN(40)), pick(r, []string{n(), text}), text, n(), n())
}

// nastyText is the JSON of a text: control characters, every way to escape, halves of surrogate pairs, what looks like SQL,
// JSON, a date, a number, NULL or a file format's escape, and characters that change their length in upper case.
func nastyText(r *rand.Rand) string {
	parts := []string{
		`a`, `é`, `e\u0301`, `\u00e9`, `ß`, `\u0130`, `🙂`, `\ud83d\ude42`, `\ud83d`, `\ude42`, `\u0000`, `\u0001`, `\u001f`, `\u007f`, `\u0080`, `\u2028`, `\ufeff`, `\ufffe`, `\uffff`,
		`\"`, `\\`, `\/`, `/`, `\b\f\n\r\t`, `\\u0000`, `\\N`, `\\\\`, `'`, `''`, `';--`, `$1`, `%s`, `${X}`, `{}`, `[1]`, `{\"a\":1}`, `null`, `NULL`, `true`, `TRUE`, `007`, `1e3`, `-0`, ` `, `\u00a0`,
		`2026-04-13`, `2026-04-13T10:00:00Z`, `24:00:00`, `<a&b>`, `\u202e`, `שלום`, `世界`, `,`, `;`, `|`, `\u001b[0m`,
	}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(pick(r, parts))
	}
	if r.IntN(60) == 0 {
		b.WriteString(strings.Repeat(pick(r, []string{"x", "é", "🙂", `\n`, `\u00fc`}), 20_000))
	}
	return `"` + b.String() + `"`
}

// nastyTexts: such texts alone, in arrays, in objects, and as the names in objects.
func nastyTexts(r *rand.Rand, i int) string {
	return fmt.Sprintf(`{"id":%d, "t":%s , "u":%s,"v":[%s,[%s]],"w":{%s:%s}}`, i, nastyText(r), pick(r, []string{nastyText(r), "1", "true"}), nastyText(r), nastyText(r), nastyText(r), nastyText(r))
}

// nastyNames: names that are no names for SQL or YAML, names that meet in one column, the connector's own, names of 255
// characters and more, names that are data, and the same name twice.
func nastyNames(r *rand.Rand, i int) string {
	names := append([]string{`"n` + strconv.Itoa(i*7) + `"`, `"n` + strconv.Itoa(i*7+r.IntN(7)) + `"`, `"` + strings.Repeat("q", 254+r.IntN(4)) + `"`}, typesKeys...)
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%d`, i)
	for n := range 3 + r.IntN(12) {
		fmt.Fprintf(&b, `,%s:%s`, pick(r, names), pick(r, []string{strconv.Itoa(n), `"` + strconv.Itoa(n) + `"`, strconv.Itoa(n) + ".5", "null", "true", `{"x":` + strconv.Itoa(n) + `}`}))
	}
	return b.String() + "}"
}

// nastyShifting: each key is of one kind for a while, then of another, so that columns are made for what later hardly comes.
func nastyShifting(r *rand.Rand, i int) string {
	kinds := [][]string{{"null"}, {"true", "false"}, {"1", "-7", "0"}, {"0.5", "1e-3"}, {`"x"`, `""`, `"1"`, `"true"`}, {`{"a":1}`, `{}`}, {`[1,"x"]`, `[]`}}
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%d`, i)
	for k := range 12 {
		at := (i/(6+k) + k) % len(kinds)
		if r.IntN(12) == 0 {
			at = r.IntN(len(kinds))
		}
		if r.IntN(8) > 0 {
			fmt.Fprintf(&b, `,"%c":%s`, 'a'+k, pick(r, kinds[at]))
		}
	}
	return b.String() + "}"
}

// nastyNested: objects and arrays up to 300 levels deep, with every kind of value at the bottom, empty ones, and objects whose
// members are called as those of the record above.
func nastyNested(r *rand.Rand, i int) string {
	var value func(depth int) string
	value = func(depth int) string {
		if depth == 0 {
			return pick(r, []string{"null", "true", nastyNumber(r), nastyText(r), "{}", "[]", `[[],{}]`})
		}
		if depth > 6 {
			if r.IntN(2) == 0 {
				return "[" + value(depth-1) + "]"
			}
			return `{"d":` + value(depth-1) + "}"
		}
		switch r.IntN(3) {
		case 0:
			return "[" + value(depth-1) + "," + value(r.IntN(depth)) + "]"
		case 1:
			return `{"id":` + value(r.IntN(depth)) + `,"a b":` + value(depth-1) + `,"":` + value(0) + "}"
		}
		return value(0)
	}
	depth := r.IntN(6)
	if r.IntN(10) == 0 {
		depth = 300
	}
	return fmt.Sprintf(`{"id":%d,"o":{"x":%s,"y":%s},"p":%s,"q":[%s],"o_x":%s}`, i, value(depth), value(0), value(r.IntN(5)), value(2), value(0))
}

// TestNastySetsAreObjects: a set that is no JSON would test nothing.
func TestNastySetsAreObjects(t *testing.T) {
	for _, s := range nastySets {
		records := s.records(t)
		if len(records) < 100 {
			t.Errorf("%s has %d records", s.name, len(records))
		}
		for i, rec := range records {
			var v map[string]json.RawMessage
			if err := json.Unmarshal([]byte(rec), &v); err != nil {
				t.Errorf("%s, record %d: %v: %.300s", s.name, i, err, rec)
			}
		}
	}
}
