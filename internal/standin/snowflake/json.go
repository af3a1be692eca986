package snowflake

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A node is one parsed JSON value. kind is the first byte of its class: '{' '[' '"' '0' 't' 'f' 'n'.
type node struct {
	kind  byte
	raw   string
	keys  []string // of an object, decoded
	items []node
}

// maxJSONDepth keeps hostile documents from exhausting the stack.
const maxJSONDepth = 1000

type jsonParser struct {
	src   string
	pos   int
	depth int
	dup   bool // duplicate keys are allowed
}

// parseJSON reads one document and nothing behind it.
func parseJSON(src string, allowDuplicate bool) (node, error) {
	p := jsonParser{src: src, dup: allowDuplicate}
	n, err := p.value()
	if err != nil {
		return n, err
	}
	p.space()
	if p.pos != len(p.src) {
		return n, p.fail("unexpected character after the document")
	}
	return n, nil
}

func (p *jsonParser) fail(format string, args ...any) error {
	return failf("100069", "22P02", "Error parsing JSON: %s, pos %d", fmt.Sprintf(format, args...), p.pos+1)
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *jsonParser) value() (node, error) {
	p.space()
	if p.pos >= len(p.src) {
		return node{}, p.fail("incomplete document")
	}
	if p.depth++; p.depth > maxJSONDepth {
		return node{}, p.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	start := p.pos
	var n node
	var err error
	switch c := p.src[p.pos]; {
	case c == '{' || c == '[':
		n, err = p.container(c)
	case c == '"':
		n.kind = '"'
		err = p.str()
	case c == '-' || c >= '0' && c <= '9':
		n.kind = '0'
		err = p.number()
	default:
		for _, w := range [...]string{"true", "false", "null"} {
			if strings.HasPrefix(p.src[p.pos:], w) {
				n.kind = w[0]
				p.pos += len(w)
			}
		}
		if n.kind == 0 {
			err = p.fail("unknown keyword")
		}
	}
	n.raw = p.src[start:p.pos]
	return n, err
}

func (p *jsonParser) container(open byte) (node, error) {
	n := node{kind: open}
	end := open + 2 // ] is two behind [, } two behind {
	p.pos++
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == end {
		p.pos++
		return n, nil
	}
	if open == '[' && p.depth == 1 {
		n.items = make([]node, 0, 16) // a record of a load file
	}
	for {
		if open == '{' {
			p.space()
			if p.pos >= len(p.src) || p.src[p.pos] != '"' {
				return n, p.fail("missing key")
			}
			from := p.pos
			if err := p.str(); err != nil {
				return n, err
			}
			key := unquoteJSON(p.src[from:p.pos])
			p.space()
			if p.pos >= len(p.src) || p.src[p.pos] != ':' {
				return n, p.fail("missing colon")
			}
			p.pos++
			if i := slices.Index(n.keys, key); i >= 0 {
				if !p.dup {
					return n, p.fail("duplicate object attribute %q", key)
				}
				v, err := p.value()
				if err != nil {
					return n, err
				}
				n.items[i] = v
				if done, err := p.separator(end); done || err != nil {
					return n, err
				}
				continue
			}
			n.keys = append(n.keys, key)
		}
		v, err := p.value()
		if err != nil {
			return n, err
		}
		n.items = append(n.items, v)
		if done, err := p.separator(end); done || err != nil {
			return n, err
		}
	}
}

func (p *jsonParser) separator(end byte) (done bool, err error) {
	p.space()
	if p.pos >= len(p.src) {
		return false, p.fail("incomplete document")
	}
	switch p.src[p.pos] {
	case end:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		return false, nil
	}
	return false, p.fail("missing comma")
}

// str passes a string. \u0000, unpaired surrogates and bytes that are not UTF-8 are refused, as VARCHAR cannot hold them.
func (p *jsonParser) str() error {
	high := false // an unpaired high surrogate stands before
	for p.pos++; p.pos < len(p.src); {
		c := p.src[p.pos]
		switch {
		case c == '\\':
			if p.pos+1 >= len(p.src) {
				return p.fail("unfinished string")
			}
			e := p.src[p.pos+1]
			if e != 'u' {
				if high || strings.IndexByte(`"\/bfnrt`, e) < 0 {
					return p.fail("invalid escape sequence")
				}
				p.pos += 2
				continue
			}
			if p.pos+6 > len(p.src) {
				return p.fail("invalid unicode escape")
			}
			u, err := strconv.ParseUint(p.src[p.pos+2:p.pos+6], 16, 32)
			low := u >= 0xDC00 && u <= 0xDFFF
			if err != nil || u == 0 || low != high {
				return p.fail("invalid unicode escape")
			}
			high = u >= 0xD800 && u < 0xDC00
			p.pos += 6
		case high:
			return p.fail("invalid unicode escape: unpaired surrogate")
		case c == '"':
			p.pos++
			return nil
		case c < 0x20:
			return p.fail("control character in a string")
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, size := utf8.DecodeRuneInString(p.src[p.pos:])
			if r == utf8.RuneError && size == 1 {
				return p.fail("invalid UTF-8")
			}
			p.pos += size
		}
	}
	return p.fail("unfinished string")
}

func (p *jsonParser) number() error {
	digits := func() int {
		from := p.pos
		for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
			p.pos++
		}
		return p.pos - from
	}
	at := func(set string) bool { return p.pos < len(p.src) && strings.IndexByte(set, p.src[p.pos]) >= 0 }
	if at("-") {
		p.pos++
	}
	zero := at("0")
	if n := digits(); n == 0 || zero && n > 1 {
		return p.fail("misformatted number")
	}
	if at(".") {
		p.pos++
		if digits() == 0 {
			return p.fail("misformatted number")
		}
	}
	if at("eE") {
		p.pos++
		if at("+-") {
			p.pos++
		}
		if digits() == 0 {
			return p.fail("misformatted number")
		}
	}
	return nil
}

// unquoteJSON decodes a string that str has passed.
func unquoteJSON(raw string) string {
	s := raw[1 : len(raw)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		if k := strings.IndexByte("bfnrt", s[i]); k >= 0 {
			b = append(b, "\b\f\n\r\t"[k])
			continue
		}
		if s[i] != 'u' {
			b = append(b, s[i])
			continue
		}
		u, _ := strconv.ParseUint(s[i+1:i+5], 16, 32)
		i += 4
		if u >= 0xD800 && u < 0xDC00 {
			low, _ := strconv.ParseUint(s[i+3:i+7], 16, 32)
			u = 0x10000 + (u-0xD800)<<10 + (low - 0xDC00)
			i += 6
		}
		b = utf8.AppendRune(b, rune(u))
	}
	return string(b)
}

const hexDigits = "0123456789abcdef"

// appendJSONString quotes text.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		case strings.IndexByte("\b\f\n\r\t", c) >= 0:
			b = append(b, '\\', "bfnrt"[strings.IndexByte("\b\f\n\r\t", c)])
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"')
}

// appendVariant writes a value as a VARIANT keeps it: without white space, keys of objects sorted, each key once, integers of up to
// 38 digits as they are and every other number as the double that a JSON parser makes of it (Snowflake docs,
// "Considerations for semi-structured data": non-integers are stored as double).
func appendVariant(b []byte, n node) ([]byte, error) {
	switch n.kind {
	case '{':
		order := make([]int, len(n.keys))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(x, y int) int { return strings.Compare(n.keys[x], n.keys[y]) })
		b = append(b, '{')
		for i, k := range order {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, n.keys[k]), ':')
			var err error
			if b, err = appendVariant(b, n.items[k]); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case '[':
		b = append(b, '[')
		for i, v := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendVariant(b, v); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case '"':
		if strings.IndexByte(n.raw, '\\') < 0 {
			return append(b, n.raw...), nil
		}
		return appendJSONString(b, unquoteJSON(n.raw)), nil
	case '0':
		if exactInteger(n.raw) {
			if n.raw == "-0" {
				return append(b, '0'), nil
			}
			return append(b, n.raw...), nil
		}
		f, err := strconv.ParseFloat(n.raw, 64)
		if err != nil || math.IsInf(f, 0) {
			return b, failf("100069", "22P02", "Error parsing JSON: number %s is out of range", n.raw)
		}
		return append(b, formatFloat(f)...), nil
	default:
		return append(b, n.raw...), nil
	}
}

// exactInteger says whether a JSON number keeps all its digits in a VARIANT.
func exactInteger(raw string) bool {
	return !strings.ContainsAny(raw, ".eE") && len(strings.TrimPrefix(raw, "-")) <= 38
}

// formatFloat writes a FLOAT as text: the shortest that reads back as the same number.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64)[:1], "+") + "inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// canonicalVariant brings JSON text into the form that appendVariant writes, and refuses what is over 128 MiB.
func canonicalVariant(text string) (string, error) {
	n, err := parseJSON(text, true)
	if err != nil {
		return "", err
	}
	b, err := appendVariant(make([]byte, 0, len(text)), n)
	if err != nil {
		return "", err
	}
	if len(b) > MaxVariant {
		return "", failf("100082", "22000", "Max LOB size (%d) exceeded, actual size of parsed column is %d", MaxVariant, len(b))
	}
	return string(b), nil
}
