package decode_test

import (
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
)

func TestFraming(t *testing.T) {
	const (
		notClosed = "! the array does not end after this element"
		empty     = "! an element of the array is empty"
		after     = "! something else stands after the array"
		notArray  = "! not an array, though transform.decode.framing is array"
	)
	pretty := "{\n  \"a\": [\n    {\n      \"b\": \"}\"\n    }\n  ]\n}"
	for _, c := range []struct {
		framing decode.Framing
		text    string
		want    []string
	}{
		{decode.Single, "{}\n{}", []string{"{}\n{}"}},

		{decode.Lines, "{\"a\":1}\r\n\n  \t\n{\"b\":2}\n", []string{`{"a":1}`, `{"b":2}`}},
		{decode.Lines, `{"a":1}`, []string{`{"a":1}`}},
		{decode.Lines, "{\"a\":\n{\"b\":2}\nx\n{\"c\":\"", []string{`{"a":`, `{"b":2}`, `x`, `{"c":"`}},
		{decode.Lines, "", []string{""}},
		{decode.Lines, " \n\t", []string{" \n\t"}},
		{decode.Lines, `{"a":1}{"b":"}{"} {"c":[{}]}`, []string{`{"a":1}`, `{"b":"}{"}`, `{"c":[{}]}`}},
		{decode.Lines, `{"a":"}{"}`, []string{`{"a":"}{"}`}},
		{decode.Lines, `{"a":"\"}{"}`, []string{`{"a":"\"}{"}`}},
		{decode.Lines, `{"a":"\\"}{"b":1}`, []string{`{"a":"\\"}`, `{"b":1}`}},
		{decode.Lines, "{}{} x\n{}{\n[]", []string{`{}`, `{} x`, `{}`, `{`, `[]`}},

		{decode.Array, ` [ {"a":[1,2]} , {"b":"],["},3,"x,y" ] `, []string{`{"a":[1,2]}`, `{"b":"],["}`, `3`, `"x,y"`}},
		{decode.Array, `[]`, nil},
		{decode.Array, ` [ ] `, nil},
		{decode.Array, ``, []string{``}},
		{decode.Array, `{"a":1}`, []string{notArray}},
		{decode.Array, `[{"a":1},]`, []string{`{"a":1}`, empty}},
		{decode.Array, `[,{"a":1}]`, []string{empty, `{"a":1}`}},
		{decode.Array, `[{"a":1},{"b":}, {"c":3}]`, []string{`{"a":1}`, `{"b":}`, `{"c":3}`}},
		{decode.Array, `[{"a":1}},{"b":2}]`, []string{`{"a":1}}`, `{"b":2}`}},
		{decode.Array, `[{"a":1},{"b":`, []string{`{"a":1}`, notClosed}},
		{decode.Array, `[{"a":1},{"b":"`, []string{`{"a":1}`, notClosed}},
		{decode.Array, `[{"a":1},`, []string{`{"a":1}`, notClosed}},
		{decode.Array, `[`, []string{notClosed}},
		{decode.Array, `[{"a":1}] x`, []string{`{"a":1}`, after}},
		{decode.Array, `[]]`, []string{after}},

		{decode.AnyFrames, `{"a":1}`, []string{`{"a":1}`}},
		{decode.AnyFrames, " " + pretty + "\n", []string{" " + pretty + "\n"}},
		{decode.AnyFrames, pretty + "\n" + pretty, []string{pretty, pretty}},
		{decode.AnyFrames, "{}\r\n" + pretty + "\n{\"c\":3}\n", []string{"{}", pretty, `{"c":3}`}},
		{decode.AnyFrames, "{\"a\":1}\n{\"b\":\n}\nx", []string{`{"a":1}`, `{"b":`, `}`, `x`}},
		{decode.AnyFrames, "[{},\n{}]", []string{"{}", "{}"}},
		{decode.AnyFrames, "{\"a\":1}\n{\"b\":2}\n", []string{`{"a":1}`, `{"b":2}`}},
		{decode.AnyFrames, "{\"a\":1}\n{\"b\":\n{\"c\":3}", []string{`{"a":1}`, `{"b":`, `{"c":3}`}},
		{decode.AnyFrames, "{\"a\":{\n{\"b\":2}", []string{`{"a":{`, `{"b":2}`}},
		{decode.AnyFrames, "x\n{\"b\":2}", []string{`x`, `{"b":2}`}},
		{decode.AnyFrames, "{\"a\":1}{\"b\":2}", []string{`{"a":1}`, `{"b":2}`}},
		{decode.AnyFrames, pretty[:20], []string{pretty[:20]}},
		{decode.AnyFrames, `{"a":1} x`, []string{`{"a":1} x`}},
		{decode.AnyFrames, `5`, []string{`5`}},
		{decode.AnyFrames, ``, []string{``}},
		{decode.AnyFrames, "\n ", []string{"\n "}},
	} {
		if got := documents(t, newDecoder(t, decode.Options{Framing: c.framing}), []byte(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%s, %q: %q, want %q", c.framing, c.text, got, c.want)
		}
	}
}

func TestTooManyDocuments(t *testing.T) {
	const rest = "the record holds more than 1048576 documents; this one and all after it are left out"
	for framing, text := range map[decode.Framing]string{
		decode.Lines:     strings.Repeat("{}\n", decode.MaxDocuments+3),
		decode.Array:     "[" + strings.Repeat("1,", decode.MaxDocuments+3) + "1]",
		decode.AnyFrames: strings.Repeat("{\n}", decode.MaxDocuments+3),
	} {
		d := newDecoder(t, decode.Options{Compression: decode.Auto, Framing: framing})
		var docs int
		var last, before *row.Failure
		err := d.Documents(gz([]byte(text)), func(_ uint32, _ []byte, bad *row.Failure) error {
			docs, before, last = docs+1, last, bad
			return nil
		})
		if err != nil || docs != decode.MaxDocuments+1 || last == nil || last.Reason != rest || before != nil {
			t.Errorf("%s: %d documents, the last %v, %v", framing, docs, last, err)
		}
	}
}
