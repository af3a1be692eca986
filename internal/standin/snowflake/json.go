package snowflake

import (
	"fmt"
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
