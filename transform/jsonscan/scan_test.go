package jsonscan_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

func TestErrors(t *testing.T) {
	deep := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
	}
	for _, c := range []struct {
		text, want string
		is         error
	}{
		{``, `unexpected end at byte 0, where a value should be`, jsonscan.ErrSyntax},
		{" \n", `unexpected end at byte 2, where a value should be`, jsonscan.ErrSyntax},
		{`{`, `unexpected end at byte 1, where a key in quotes or '}' should be`, jsonscan.ErrSyntax},
		{`{"a":1,}`, `invalid character '}' at byte 7, where a key in quotes should be`, jsonscan.ErrSyntax},
		{`{'a':1}`, `invalid character '\'' at byte 1, where a key in quotes or '}' should be`, jsonscan.ErrSyntax},
		{`{"a" 1}`, `invalid character '1' at byte 5, where ':' should be`, jsonscan.ErrSyntax},
		{`{"a":}`, `invalid character '}' at byte 5, where a value should be`, jsonscan.ErrSyntax},
		{`{"a":NaN}`, `invalid character 'N' at byte 5, where a value should be`, jsonscan.ErrSyntax},
		{`{"a":nul}`, `invalid character '}' at byte 8, where true, false or null should be`, jsonscan.ErrSyntax},
		{`{"a":01}`, `invalid character '1' at byte 6, where ',' or '}' should be`, jsonscan.ErrSyntax},
		{`{"a":-}`, `invalid character '}' at byte 6, where a digit should be`, jsonscan.ErrSyntax},
		{`{"a":1.}`, `invalid character '}' at byte 7, where a digit should be`, jsonscan.ErrSyntax},
		{`{"a":+1}`, `invalid character '+' at byte 5, where a value should be`, jsonscan.ErrSyntax},
		{`{"a":[1}}`, `invalid character '}' at byte 7, where ',' or ']' should be`, jsonscan.ErrSyntax},
		{`{"a":[,1]}`, `invalid character ',' at byte 6, where a value or ']' should be`, jsonscan.ErrSyntax},
		{`{"a":{"b":1]}`, `invalid character ']' at byte 11, where ',' or '}' should be`, jsonscan.ErrSyntax},
		{`{"a":"\x"}`, `invalid character 'x' at byte 7, where an escape should be`, jsonscan.ErrSyntax},
		{`{"a":"\u12g4"}`, `invalid character 'g' at byte 10, where a hexadecimal digit should be`, jsonscan.ErrSyntax},
		{`{"a":"`, `unexpected end at byte 6, where the rest of a string should be`, jsonscan.ErrSyntax},
		{`{"a":"` + "\n", `control character '\n' at byte 6, which a string must escape`, jsonscan.ErrSyntax},
		{`{"a":1} {}`, `invalid character '{' at byte 8, where the end should be`, jsonscan.ErrSyntax},
		{`{"a":1}` + "\x00", `invalid character '\x00' at byte 7, where the end should be`, jsonscan.ErrSyntax},
		{`{"a":é}`, `invalid character 'é' at byte 5, where a value should be`, jsonscan.ErrSyntax},
		{"{\"a\":\"\xc3\x28\"}", `invalid UTF-8 at byte 6`, jsonscan.ErrSyntax},
		{"{\"abcdefgh\xed\xa0\x80\":1}", `invalid UTF-8 at byte 10`, jsonscan.ErrSyntax},
		{"{\"a\":[\"\xff\n\"]}", `invalid UTF-8 at byte 7`, jsonscan.ErrSyntax},
		{"{\xff", `invalid UTF-8 at byte 1`, jsonscan.ErrSyntax},
		{"\xef\xbb\xbf{}", `a UTF-8 byte order mark at byte 0, which JSON does not allow`, jsonscan.ErrSyntax},
		{deep(513), `nested deeper than 512 at byte 516`, jsonscan.ErrTooDeep},
		{deep(100000), `nested deeper than 512 at byte 516`, jsonscan.ErrTooDeep},
		{strings.Repeat("[", 100000), `nested deeper than 512 at byte 512`, jsonscan.ErrTooDeep},
		{` [{}] `, `a JSON array, not an object`, jsonscan.ErrNotObject},
		{`"x"`, `a JSON string, not an object`, jsonscan.ErrNotObject},
		{`12`, `a JSON number, not an object`, jsonscan.ErrNotObject},
		{`-0.5e1`, `a JSON number, not an object`, jsonscan.ErrNotObject},
		{`true`, `a JSON boolean, not an object`, jsonscan.ErrNotObject},
		{`null`, `a JSON null, not an object`, jsonscan.ErrNotObject},
		{`[{}`, `unexpected end at byte 3, where ',' or ']' should be`, jsonscan.ErrSyntax},
		{`12 {}`, `invalid character '{' at byte 3, where the end should be`, jsonscan.ErrSyntax},
	} {
		var s jsonscan.Scanner
		check(t, &s, []byte(c.text))
		_, err := s.Object([]byte(c.text), nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%.40q: got %v, want %s", c.text, err, c.want)
		}
		for _, sentinel := range []error{jsonscan.ErrSyntax, jsonscan.ErrTooDeep, jsonscan.ErrNotObject} {
			if got, want := errors.Is(err, sentinel), errors.Is(c.is, sentinel); got != want {
				t.Errorf("%.40q: errors.Is(%v, %q) is %v", c.text, err, sentinel, got)
			}
		}
	}
	var s jsonscan.Scanner
	if _, err := s.Object([]byte(deep(512)), nil); err != nil {
		t.Errorf("512 levels: %v", err)
	}
}

func TestFields(t *testing.T) {
	const all = row.Escaped | row.Hostile | row.WideNumber | row.HostileKey
	for _, c := range []struct {
		text  string
		name  string
		kind  row.Kind
		flags row.Flag
	}{
		{`{"":0}`, "", row.Int, 0},
		{`{"a":-0}`, "a", row.Int, 0},
		{`{"a":-0.0}`, "a", row.Float, 0},
		{`{"a":1E5}`, "a", row.Float, 0},
		{`{"a":123456789012345678901234567890}`, "a", row.Int, 0},
		{`{"a":"x\\u0000"}`, "a", row.String, row.Escaped},
		{`{"a":"\u0000"}`, "a", row.String, row.Escaped | row.Hostile},
		{`{"a":"\ud83d\ude00"}`, "a", row.String, row.Escaped},
		{`{"a":"\ud83d\ud83d\ude00"}`, "a", row.String, row.Escaped | row.Hostile},
		{`{"a":"\ude00\ud83d"}`, "a", row.String, row.Escaped | row.Hostile},
		{`{"a":"\ud83d"}`, "a", row.String, row.Escaped | row.Hostile},
		{`{"a":"\ud83dx\ude00"}`, "a", row.String, row.Escaped | row.Hostile},
		{`{"a":[{"b":"\uDC00"}]}`, "a", row.Array, row.Escaped | row.Hostile},
		{`{"a":{"\u0000":1}}`, "a", row.Object, row.Escaped | row.Hostile},
		{`{"a":{"\n":1}}`, "a", row.Object, row.Escaped},
		{`{"\u0061\ud83d\ude00\/\"\b\f\n\r\t\\":true}`, "a😀/\"\b\f\n\r\t\\", row.True, 0},
		{`{"a\u0000":null}`, `a\u0000`, row.Null, row.HostileKey},
		{`{"\uD800\n":[1e1,"\u0000"]}`, `\uD800\n`, row.Array, all},
		{`{"a":[123456789012345]}`, "a", row.Array, 0},
		{`{"a":[1234567890123456]}`, "a", row.Array, row.WideNumber},
		{`{"a":[-12345678.9012345]}`, "a", row.Array, 0},
		{`{"a":[-12345678.90123456]}`, "a", row.Array, row.WideNumber},
		{`{"a":[-0.123456789012345]}`, "a", row.Array, 0},
		{`{"a":[0.1234567890123456]}`, "a", row.Array, row.WideNumber},
		{`{"a":[0.0000000000000001]}`, "a", row.Array, row.WideNumber},
		{`{"a":{"b":[1,2,{"c":1e0}]}}`, "a", row.Object, row.WideNumber},
	} {
		var s jsonscan.Scanner
		check(t, &s, []byte(c.text))
		fields, err := s.Object([]byte(c.text), nil)
		if err != nil || len(fields) != 1 {
			t.Errorf("%s: %d fields, %v", c.text, len(fields), err)
			continue
		}
		if f := fields[0]; string(f.Name) != c.name || f.Kind != c.kind || f.Flags != c.flags {
			t.Errorf("%s: name %q kind %d flags %04b, want %q %d %04b", c.text, f.Name, f.Kind, f.Flags, c.name, c.kind, c.flags)
		}
	}
}

// Every place of a fault within the eight bytes that are read at once must be found, and none beyond.
func TestFaultAtEveryPlace(t *testing.T) {
	var s jsonscan.Scanner
	for _, fault := range []string{"\x00", "\x1f", "\n", "\xff", "\xe2\x82", `\`, `\u`, `\ud800`, "\x7f", " ", "!", "#", "[", "]", "\u0080", `\u0000`} {
		for before := range 18 {
			for after := range 18 {
				str := strings.Repeat("x", before) + fault + strings.Repeat("y", after)
				check(t, &s, []byte(`{"`+str+`":"`+str+`"}`))
				check(t, &s, []byte(`{"k":"`+str+`"}`))
				check(t, &s, []byte(`{"k":"`+str))
			}
		}
	}
}

// Names decoded into scratch memory stay as they are while that memory grows, and errors leave no trace in the next record.
func TestScratch(t *testing.T) {
	var s jsonscan.Scanner
	var text strings.Builder
	text.WriteString(`{`)
	for i := range 5000 {
		if i > 0 {
			text.WriteString(`,`)
		}
		text.WriteString(`"\u00e9` + strings.Repeat("n", i%40) + `":0`)
	}
	text.WriteString(`}`)
	check(t, &s, []byte(text.String()))
	check(t, &s, []byte(`{"\n":1,"`))
	check(t, &s, []byte(`{"\t":1,"a":2}`))
	fields := []row.Field{{Name: []byte("kept")}}
	for _, p := range []string{`{"a":1}`, `{"a":1`} {
		got, _ := s.Object([]byte(p), fields)
		if string(got[0].Name) != "kept" {
			t.Errorf("%s: the caller's fields are gone", p)
		}
	}
}

func TestScratchIsNotKeptForGood(t *testing.T) {
	var s jsonscan.Scanner
	text := []byte(`{"\n` + strings.Repeat("n", 4<<20) + `":0}`)
	before := heap()
	for _, p := range [][]byte{text, []byte(`{"\n":0}`)} {
		if _, err := s.Object(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes are held after a key of %d bytes", grown, len(text))
	}
	runtime.KeepAlive(&s)
	runtime.KeepAlive(text)
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
