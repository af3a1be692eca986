package step

import (
	"bytes"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// The functions of this file read JSON text that was checked before; on other text they may panic.

func space(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' {
		i++
	}
	return i
}

// skip returns the index after the value at i.
func skip(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return i
		}
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; ; {
		i += bytes.IndexByte(b[i:], '"')
		n := 0
		for b[i-1-n] == '\\' {
			n++
		}
		if i++; n&1 == 0 {
			return i
		}
	}
}

// walker goes over the members of an object or the elements of an array.
type walker struct {
	b []byte
	i int
}

func walk(container []byte) walker { return walker{container, 1} }

// member returns the next member: its key as it is written, without the quotes, and its value.
func (w *walker) member() (key, value []byte, ok bool) {
	i := space(w.b, w.i)
	if w.b[i] == ',' {
		i = space(w.b, i+1)
	}
	if w.b[i] == '}' {
		return nil, nil, false
	}
	end := skipString(w.b, i)
	key = w.b[i+1 : end-1]
	i = space(w.b, end)
	i = space(w.b, i+1)
	w.i = skip(w.b, i)
	return key, w.b[i:w.i:w.i], true
}

// element returns the next element.
func (w *walker) element() (value []byte, ok bool) {
	i := space(w.b, w.i)
	if w.b[i] == ',' {
		i = space(w.b, i+1)
	}
	if w.b[i] == ']' {
		return nil, false
	}
	w.i = skip(w.b, i)
	return w.b[i:w.i:w.i], true
}

// count returns the number of elements of an array.
func count(array []byte) (n int) {
	for w := walk(array); ; n++ {
		if _, ok := w.element(); !ok {
			return n
		}
	}
}

var kindNames = [...]string{
	row.Null: "null", row.False: "a boolean", row.True: "a boolean", row.Int: "a number", row.Float: "a number",
	row.String: "a text", row.Object: "an object", row.Array: "an array",
}

func isNull(v []byte) bool { return v[0] == 'n' }

// spells reports whether a key as it is written spells name.
func spells(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var buf [64]byte
	text, ok := jsonscan.AppendDecoded(buf[:0], raw)
	return ok && string(text) == name
}

// appendQuoted appends text, which is UTF-8, as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

// text returns what a JSON string spells, lent from the string itself where it has no escape, and else appended to buf.
func text(buf, v []byte) (text, grown []byte) {
	raw := v[1 : len(v)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, buf
	}
	start := len(buf)
	buf, _ = jsonscan.AppendDecoded(buf, raw)
	return buf[start:len(buf):len(buf)], buf
}

// unquote resolves the escapes of the inside of a JSON string that nobody checked. It reports false for what is none, and for
// what no Unicode text can hold.
func unquote(raw string) (string, bool) {
	var s scanner
	kind, _, err := s.Value([]byte(`"` + raw + `"`))
	if err != nil || kind != row.String {
		return "", false
	}
	decoded, ok := jsonscan.AppendDecoded(nil, []byte(raw))
	return string(decoded), ok
}
