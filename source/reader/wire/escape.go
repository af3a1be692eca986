package wire

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

var errEscape = errors.New("invalid escape")

// escaped reads the rest of a string whose first backslash is at first, decoding it in place: no escape is shorter
// than what it stands for. As in encoding/json, an unpaired surrogate becomes U+FFFD.
func (p *parser) escaped(start, first int) ([]byte, error) {
	b, r, w := p.b, first, first
	for {
		if r >= len(b) {
			return nil, errCut
		}
		switch c := b[r]; {
		case c == '"':
			p.i = r + 1
			return validUTF8(b[start:w:w]), nil
		case c < 0x20:
			return nil, errSyntax
		case c != '\\':
			b[w] = c
			r, w = r+1, w+1
		default:
			n, m, err := unescape(b[r:], b[w:])
			if err != nil {
				return nil, err
			}
			r, w = r+n, w+m
		}
	}
}

// unescape decodes the escape at the start of src into dst, which may overlap it from before, and returns how many
// bytes of each it took.
func unescape(src, dst []byte) (n, m int, err error) {
	if len(src) < 2 {
		return 0, 0, errCut
	}
	c := src[1]
	switch c {
	case '"', '\\', '/':
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
		char, ok := hex4(src)
		if !ok {
			return 0, 0, errEscape
		}
		n = 6
		if utf16.IsSurrogate(char) {
			low, _ := hex4(src[6:])
			if char = utf16.DecodeRune(char, low); char != utf8.RuneError {
				n = 12
			}
		}
		return n, utf8.EncodeRune(dst, char), nil
	default:
		return 0, 0, errEscape
	}
	dst[0] = c
	return 2, 1, nil
}

// hex4 reads \uXXXX at the start of s.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

// validUTF8 puts U+FFFD for each byte that is not UTF-8, as encoding/json does in a string with escapes. It allocates
// then, since one byte becomes three; the service sends none.
func validUTF8(s []byte) []byte {
	if utf8.Valid(s) {
		return s
	}
	var out []byte
	for _, char := range string(s) {
		out = utf8.AppendRune(out, char)
	}
	return out
}
