package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

var (
	errSyntax = errors.New("invalid JSON")
	errCut    = errors.New("the text breaks off")
)

// parser walks JSON text. Its strings are slices of the text, with escapes decoded in place.
type parser struct {
	b []byte
	i int
}

func (p *parser) space() {
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case ' ', '\n', '\t', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) null() bool {
	if p.i < len(p.b) && p.b[p.i] == 'n' && len(p.b)-p.i >= 4 && string(p.b[p.i:p.i+4]) == "null" {
		p.i += 4
		return true
	}
	return false
}

// object calls member with each key; member consumes the value.
func (p *parser) object(member func(key []byte) error) error {
	if p.space(); !p.take('{') {
		return errSyntax
	}
	if p.space(); p.take('}') {
		return nil
	}
	for {
		key, err := p.key()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		p.space()
		switch {
		case p.take(','):
			p.space()
		case p.take('}'):
			return nil
		default:
			return errSyntax
		}
	}
}

// key reads a member's name, the colon and the space around it.
func (p *parser) key() ([]byte, error) {
	key, err := p.str()
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take(':') {
		return nil, errSyntax
	}
	p.space()
	return key, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns the index of the first quote, backslash or control character at or after i, or the text's length. It
// looks at eight bytes at once: x-ones has a borrow into the high bit of exactly those bytes that were zero, when no
// lower byte was.
func (p *parser) plain(i int) int {
	for ; i+8 <= len(p.b); i += 8 {
		w := binary.LittleEndian.Uint64(p.b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		if ((quote-ones)&^quote|(slash-ones)&^slash|(w-ones*0x20)&^w)&highs != 0 {
			break
		}
	}
	for ; i < len(p.b); i++ {
		if c := p.b[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

// str reads a string. Text without escapes is returned as it stands, whatever bytes it holds, as the SDK does.
func (p *parser) str() ([]byte, error) {
	if !p.take('"') {
		if p.i >= len(p.b) {
			return nil, errCut
		}
		return nil, errors.New("not a string")
	}
	start := p.i
	end := p.plain(start)
	if end >= len(p.b) {
		return nil, errCut
	}
	switch p.b[end] {
	case '"':
		p.i = end + 1
		return p.b[start:end:end], nil
	case '\\':
		return p.escaped(start, end)
	default:
		return nil, errSyntax
	}
}

// integer reads an integer that fits 64 bits.
func (p *parser) integer() (int64, error) {
	raw, err := p.number()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(raw), 10, 64)
}

// millis reads a time in seconds since the epoch, with a fraction, as milliseconds; what is below them is cut off.
func (p *parser) millis() (int64, error) {
	raw, err := p.number()
	if err != nil {
		return 0, err
	}
	var whole, fraction int64
	digits := -1 // of the fraction, once its point was seen
	for i, c := range raw {
		switch {
		case c == '.':
			digits = 0
		case c < '0' || c > '9' || i > 12:
			// Signs, exponents and times beyond the year 30,000: rare, so slow.
			f, err := strconv.ParseFloat(string(raw), 64)
			if err == nil && math.Abs(f) > math.MaxInt64/1e6 {
				err = strconv.ErrRange
			}
			return int64(f * 1000), err
		case digits < 0:
			whole = whole*10 + int64(c-'0')
		case digits < 3:
			fraction = fraction*10 + int64(c-'0')
			digits++
		}
	}
	for digits = max(digits, 0); digits < 3; digits++ {
		fraction *= 10
	}
	return whole*1000 + fraction, nil
}

// number reads a number's text and checks its grammar.
func (p *parser) number() ([]byte, error) {
	start := p.i
	p.take('-')
	first := p.i
	if p.digits() == 0 || p.b[first] == '0' && p.i > first+1 {
		return nil, errors.New("not a number")
	}
	if p.take('.') && p.digits() == 0 {
		return nil, errSyntax
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return nil, errSyntax
		}
	}
	return p.b[start:p.i], nil
}

func (p *parser) digits() int {
	start := p.i
	for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

// skip reads any value and returns its text, which is valid JSON.
func (p *parser) skip() ([]byte, error) {
	start := p.i
	if p.i >= len(p.b) {
		return nil, errCut
	}
	var err error
	switch c := p.b[p.i]; {
	case c == '"':
		// EncryptionType comes this way, once a record.
		err = p.skipString()
	case c == '-' || c >= '0' && c <= '9':
		_, err = p.number()
	case c == 't' || c == 'f' || c == 'n':
		err = p.literal()
	case c == '{' || c == '[':
		err = p.skipContainer()
	default:
		err = errSyntax
	}
	return p.b[start:p.i], err
}

func (p *parser) literal() error {
	for _, word := range [...]string{"true", "false", "null"} {
		if len(p.b)-p.i >= len(word) && string(p.b[p.i:p.i+len(word)]) == word {
			p.i += len(word)
			return nil
		}
	}
	return errSyntax
}

// skipString steps over a string without decoding it.
func (p *parser) skipString() error {
	start := p.i
	escaped := false
	for i := p.i + 1; ; {
		i = p.plain(i)
		switch {
		case i >= len(p.b):
			return errCut
		case p.b[i] == '\\':
			escaped = true
			i += 2
			continue
		case p.b[i] < 0x20:
			return errSyntax
		}
		p.i = i + 1
		break
	}
	if escaped && !json.Valid(p.b[start:p.i]) {
		return errSyntax
	}
	return nil
}

// skipContainer finds the end of an object or array, and leaves the judgement of what is inside to encoding/json,
// which also bounds its depth: the service sends none but ChildShards, once in a shard's life.
func (p *parser) skipContainer() error {
	start, depth := p.i, 0
	for p.i < len(p.b) {
		switch p.b[p.i] {
		case '"':
			if err := p.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		p.i++
		if depth == 0 {
			if !json.Valid(p.b[start:p.i]) {
				return errSyntax
			}
			return nil
		}
	}
	return errCut
}
