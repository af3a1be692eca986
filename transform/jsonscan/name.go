package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// decode resolves the escapes of a key that was scanned before and is not hostile. The result is lent from the
// Scanner's scratch memory: when that grows, earlier names stay where they are.
func (s *Scanner) decode(raw []byte) []byte {
	start := len(s.names)
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			s.names = append(s.names, raw...)
			return s.names[start:len(s.names):len(s.names)]
		}
		s.names = append(s.names, raw[:n]...)
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
			r, _ := hex4(raw)
			raw = raw[4:]
			if isHigh(r) {
				low, _ := hex4(raw[2:])
				r = utf16.DecodeRune(r, low)
				raw = raw[6:]
			}
			s.names = utf8.AppendRune(s.names, r)
			continue
		}
		s.names = append(s.names, c)
	}
}
