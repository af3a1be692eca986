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
	s.names = AppendText(s.names, raw)
	return s.names[start:len(s.names):len(s.names)]
}

// AppendText appends the text that a JSON string stands for, given what is between its quotes. The string must have
// been scanned before. An unpaired surrogate becomes U+FFFD, as in encoding/json.
func AppendText(dst, raw []byte) []byte {
	dst, _ = AppendDecoded(dst, raw)
	return dst
}

// AppendDecoded is AppendText, and reports whether the text is one that can be stored: without NUL and unpaired surrogates.
func AppendDecoded(dst, raw []byte) (_ []byte, ok bool) {
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
			r, _ := hex4(raw)
			raw = raw[4:]
			if isHigh(r) && len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
				if low, _ := hex4(raw[2:]); isLow(low) {
					r = utf16.DecodeRune(r, low)
					raw = raw[6:]
				}
			}
			ok = ok && r != 0 && !utf16.IsSurrogate(r)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}
