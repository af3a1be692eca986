package step

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
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

func kindOf(v []byte) row.Kind {
	switch v[0] {
	case '"':
		return row.String
	case '{':
		return row.Object
	case '[':
		return row.Array
	case 't':
		return row.True
	case 'f':
		return row.False
	case 'n':
		return row.Null
	}
	if bytes.ContainsAny(v, ".eE") {
		return row.Float
	}
	return row.Int
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
	text, ok := appendDecoded(buf[:0], raw)
	return ok && string(text) == name
}

// appendDecoded appends the text that the inside of a JSON string spells. A surrogate without its partner becomes U+FFFD; ok
// reports that there was none, and no NUL.
func appendDecoded(dst, raw []byte) (_ []byte, ok bool) {
	ok = true
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(dst, raw...), ok
		}
		dst = append(dst, raw[:n]...)
		c := raw[n+1]
		raw = raw[n+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				var low rune
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					low = hex4(raw[2:])
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					ok = false
				} else {
					raw = raw[6:]
				}
			}
			ok = ok && r != 0
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}

func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c&^0x20 - 'A' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
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
	buf, _ = appendDecoded(buf, raw)
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
	decoded, ok := appendDecoded(nil, []byte(raw))
	return string(decoded), ok
}
