package step

import (
	"bytes"
	"errors"
	"strconv"
)

// kind is what a value of an expression is.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindObject
)

var valueNames = [...]string{"null", "true or false", "a number", "a text", "a list", "an object"}

// value is a value of an expression. One that comes from the record has its JSON text in raw, and is decoded only where that
// is asked for.
type value struct {
	kind  kind
	small bool  // a number that is n * 10^exp
	n     int64 // 1 for true
	exp   int
	text  []byte  // a text, or the digits of a number that is not small
	raw   []byte  // nil for a value that was made
	list  []value // of a list that was made; of an object, keys and values in turn
}

func (v *value) name() string { return valueNames[v.kind] }

func ofBool(b bool) value {
	if b {
		return value{kind: kindBool, n: 1}
	}
	return value{kind: kindBool}
}

func ofNumber(n int64) value { return value{kind: kindNumber, small: true, n: n} }

func ofText(text []byte) value { return value{kind: kindText, text: text} }

func ofDecimal(d decimal) value {
	if d.big == nil {
		d = d.trim()
		return value{kind: kindNumber, small: true, n: d.small, exp: d.exp}
	}
	if n, ok := d.int(); ok {
		return ofNumber(n)
	}
	return value{kind: kindNumber, text: d.append(nil)}
}

func (v *value) decimal() (decimal, error) {
	if v.small {
		return decimal{small: v.n, exp: v.exp}, nil
	}
	return parseDecimal(v.text)
}

// load makes a value of JSON text.
func (e *evaluator) load(raw []byte) value {
	if raw == nil {
		return value{}
	}
	v := value{raw: raw}
	switch raw[0] {
	case 'n':
	case 't':
		v.kind, v.n = kindBool, 1
	case 'f':
		v.kind = kindBool
	case '"':
		v.kind = kindText
		if v.text = raw[1 : len(raw)-1]; bytes.IndexByte(v.text, '\\') >= 0 {
			e.charge(len(raw))
			v.text, e.buf = text(e.buf, raw)
		}
	case '[':
		v.kind = kindList
	case '{':
		v.kind = kindObject
	default:
		v.kind, v.text = kindNumber, raw
		if n, ok := smallInt(raw); ok {
			v.small, v.n = true, n
		}
	}
	return v
}

// smallInt reads a whole number of up to 18 digits.
func smallInt(b []byte) (n int64, ok bool) {
	digits := b
	if b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if b[0] == '-' {
		n = -n
	}
	return n, true
}

var errMade = errors.New("makes a value that is too large")

// maxMade bounds the JSON text of a value that an expression makes: values may share their parts, and their text may not.
const maxMade = 4 << 20

// appendJSON appends a value's JSON text: its own bytes, if it comes from the record.
func (v *value) appendJSON(dst []byte) ([]byte, error) {
	end := len(dst) + maxMade
	dst = v.write(dst, end)
	if len(dst) > end && v.raw == nil {
		return dst, errMade
	}
	return dst, nil
}

func (v *value) write(dst []byte, end int) []byte {
	switch {
	case len(dst) > end:
		return dst
	case v.raw != nil:
		return append(dst, v.raw...)
	}
	switch v.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool:
		return strconv.AppendBool(dst, v.n != 0)
	case kindNumber:
		if v.small {
			return decimal{small: v.n, exp: v.exp}.append(dst)
		}
		return append(dst, v.text...)
	case kindText:
		return appendQuoted(dst, v.text)
	case kindList:
		dst = append(dst, '[')
		for i := range v.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.list[i].write(dst, end)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := 0; i < len(v.list); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, v.list[i].text), ':')
		dst = v.list[i+1].write(dst, end)
	}
	return append(dst, '}')
}
