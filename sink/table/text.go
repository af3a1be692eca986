package table

import (
	"bytes"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string that Snowflake can hold. NUL and unpaired surrogates (in the three-byte
// form that some decoders make of them) become the six characters of their JSON escape; other bytes that are not
// UTF-8 become U+FFFD.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRune(text[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, text[plain:i]...)
		switch {
		case c == 0:
			dst = append(dst, `\\u0000`...)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case isSurrogate(text[i:]):
			r := 0xD000 | uint16(text[i+1]&0x3F)<<6 | uint16(text[i+2]&0x3F)
			dst = append(dst, '\\', '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
			size = 3
		default:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
		i += size
		plain = i
	}
	dst = append(dst, text[plain:]...)
	return append(dst, '"')
}

func isSurrogate(b []byte) bool {
	return len(b) >= 3 && b[0] == 0xED && b[1]&0xE0 == 0xA0 && b[2]&0xC0 == 0x80
}

// textLength returns the length of a JSON string's text, given what stands between its quotes: in characters, a
// surrogate pair being one, and in bytes.
func textLength(body []byte) (characters, size int) {
	for i := 0; i < len(body); {
		var n int
		switch {
		case body[i] != '\\':
			_, n = utf8.DecodeRune(body[i:])
			size += n
		case body[i+1] != 'u':
			n = 2
			size++
		default:
			r := hex4(body[i+2:])
			n = 6
			if r>>10 == 0xD800>>10 { // the first half of a pair
				n = 12
				size += 4
			} else {
				size += utf8.RuneLen(r)
			}
		}
		i += n
		characters++
	}
	return characters, size
}

func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}

// shortText decodes a JSON string into buf, if it is ASCII and fits; the texts that are compared with the canonical
// texts of other types all are. The result is the value itself where it has no escapes.
func shortText(buf []byte, body []byte) ([]byte, bool) {
	if bytes.IndexByte(body, '\\') < 0 {
		return body, true
	}
	if len(body) > 6*cap(buf) {
		return nil, false
	}
	buf = buf[:0]
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c == '\\' {
			i++
			switch c = body[i]; c {
			case 'u':
				r := hex4(body[i+1:])
				if r >= utf8.RuneSelf {
					return nil, false
				}
				c = byte(r)
				i += 4
			case '"', '\\', '/':
			default:
				return nil, false // a control character is in no canonical text
			}
		}
		if len(buf) == cap(buf) {
			return nil, false
		}
		buf = append(buf, c)
	}
	return buf, true
}
