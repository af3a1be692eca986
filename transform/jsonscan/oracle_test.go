package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// check scans p and compares everything that the scanner says with encoding/json and unicode/utf8.
func check(t testing.TB, s *jsonscan.Scanner, p []byte) {
	t.Helper()
	before := bytes.Clone(p)
	fields, err := s.Object(p, nil)
	if !bytes.Equal(p, before) {
		t.Fatalf("the text changed: %q -> %q", before, p)
	}
	var scanErr *jsonscan.Error
	if err != nil && !errors.As(err, &scanErr) {
		t.Fatalf("%q: error of type %T", p, err)
	}
	valid := json.Valid(p) && utf8.Valid(p)
	switch {
	case errors.Is(err, jsonscan.ErrTooDeep):
		if d := depth(p[:scanErr.Offset+1]); d != jsonscan.MaxDepth+1 {
			t.Fatalf("%q: depth %d is called too deep", p, d)
		}
	case errors.Is(err, jsonscan.ErrNotObject):
		if !valid || bytes.TrimLeft(p, " \t\r\n")[0] == '{' {
			t.Fatalf("%q: %v", p, err)
		}
	case err != nil:
		if valid {
			t.Fatalf("%q: %v, but encoding/json takes it", p, err)
		}
		if want := firstFault(p); scanErr.Offset != want {
			t.Fatalf("%q: %v, but the first fault is at byte %d", p, err, want)
		}
	case !valid:
		t.Fatalf("%q is accepted, but encoding/json or utf8.Valid refuses it", p)
	default:
		checkFields(t, p, fields)
	}
	if err != nil && len(fields) != 0 {
		t.Fatalf("%q: %d fields beside error %v", p, len(fields), err)
	}
}

// firstFault is where encoding/json finds the first error of p, or the first invalid UTF-8 if that comes earlier.
func firstFault(p []byte) int {
	at := len(p)
	var syntax *json.SyntaxError
	var raw json.RawMessage
	if errors.As(json.Unmarshal(p, &raw), &syntax) && syntax.Error() != "unexpected end of JSON input" {
		// At the end of the text encoding/json tries a space, and may find fault with that.
		if at = int(syntax.Offset) - 1; strings.HasPrefix(syntax.Error(), "invalid character ' '") && p[at] != ' ' {
			at = len(p)
		}
	}
	for i := 0; i < at; {
		r, n := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return at
}

// depth is how many containers are open at the end of p.
func depth(p []byte) int {
	p = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAll(p, nil)
	return bytes.Count(p, []byte("{")) + bytes.Count(p, []byte("[")) - bytes.Count(p, []byte("}")) - bytes.Count(p, []byte("]"))
}

func checkFields(t testing.TB, p []byte, fields []row.Field) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	token(t, d)
	n := 0
	for ; d.More(); n++ {
		i := n
		if i >= len(fields) {
			t.Fatalf("%q: only %d fields", p, len(fields))
		}
		f := fields[i]
		start := d.InputOffset()
		name := token(t, d).(string)
		rawName := bytes.TrimLeft(p[start:d.InputOffset()], ", \t\r\n")
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Value, value) {
			t.Fatalf("%q: field %d: value %q, want %q", p, i, f.Value, value)
		}
		if f.Key != row.NoKey {
			t.Fatalf("%q: field %d: key %d", p, i, f.Key)
		}
		if hostile(rawName) {
			name = string(rawName[1 : len(rawName)-1])
		}
		if string(f.Name) != name {
			t.Fatalf("%q: field %d: name %q, want %q", p, i, f.Name, name)
		}
		if got, want := f.Kind, jsonscan.KindOf(value); got != want {
			t.Fatalf("%q: field %d: kind %d, want %d", p, i, got, want)
		}
		for _, c := range []struct {
			flag row.Flag
			want bool
			name string
		}{
			{row.Escaped, bytes.IndexByte(value, '\\') >= 0, "Escaped"},
			{row.Hostile, hostile(value), "Hostile"},
			{row.HostileKey, hostile(rawName), "HostileKey"},
		} {
			if got := f.Flags&c.flag != 0; got != c.want {
				t.Fatalf("%q: field %d: %s is %v", p, i, c.name, got)
			}
		}
		if f.Kind < row.Object && f.Flags&row.WideNumber != 0 {
			t.Fatalf("%q: field %d: WideNumber on a scalar", p, i)
		}
		if f.Kind >= row.Object && f.Flags&row.WideNumber == 0 {
			checkNumbers(t, value)
		}
	}
	if n != len(fields) {
		t.Fatalf("%q: %d fields, want %d", p, len(fields), n)
	}
}

// checkNumbers wants every number in a value that is not flagged to survive a parser that reads doubles.
func checkNumbers(t testing.TB, value []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	for {
		tok, err := d.Token()
		if err != nil {
			return
		}
		if num, ok := tok.(json.Number); ok {
			f, err := strconv.ParseFloat(num.String(), 64)
			want, ok1 := new(big.Rat).SetString(num.String())
			got, ok2 := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
			if err != nil || !ok1 || !ok2 || got.Cmp(want) != 0 {
				t.Fatalf("%q: %s is not flagged, and reads as %v", value, num, f)
			}
		}
	}
}

func token(t testing.TB, d *json.Decoder) json.Token {
	t.Helper()
	tok, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

var escapes = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|[^u])`)

// hostile looks for \u0000 and for surrogates without a partner, in valid JSON.
func hostile(text []byte) bool {
	high, highEnd := rune(0), -1 // the surrogate that waits for its partner, and where
	for _, m := range escapes.FindAllIndex(text, -1) {
		esc := string(text[m[0]:m[1]])
		r := rune(-1)
		if strings.HasPrefix(esc, `\u`) {
			n, _ := strconv.ParseUint(esc[2:], 16, 16)
			r = rune(n)
		}
		if highEnd >= 0 {
			if m[0] != highEnd || utf16.DecodeRune(high, r) == utf8.RuneError {
				return true
			}
			highEnd = -1
			continue
		}
		switch {
		case r == 0, 0xdc00 <= r && r <= 0xdfff:
			return true
		case 0xd800 <= r && r <= 0xdbff:
			high, highEnd = r, m[1]
		}
	}
	return highEnd >= 0
}
