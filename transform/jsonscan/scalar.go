package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
)

// exactDigits is the number of decimal digits that survive a trip through an IEEE 754 double whatever they are.
const exactDigits = 15

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str scans a string from i, just after its opening quote, and returns the index of its closing quote, or -1.
func (s *Scanner) str(b []byte, i int) (int, row.Flag) {
	var (
		start = i
		flags row.Flag
		seen  uint64 // all bytes or-ed together: its high bits tell whether any was not ASCII
	)
	for {
		if i+8 <= len(b) {
			// A byte's high bit is set in stop if the byte is '"', '\\' or below 0x20. Borrows can set bits falsely,
			// but only above a true one, and only the lowest counts.
			w := binary.LittleEndian.Uint64(b[i:])
			q := w ^ '"'*lowBits
			e := w ^ '\\'*lowBits
			stop := ((q-lowBits)&^q | (e-lowBits)&^e | (w-' '*lowBits)&^w) & highBits
			if stop == 0 {
				seen |= w
				i += 8
				continue
			}
			n := bits.TrailingZeros64(stop) &^ 7
			seen |= w & (1<<n - 1)
			i += n >> 3
		} else {
			for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
				seen |= uint64(b[i])
				i++
			}
			if i >= len(b) {
				return s.failString(unterminated, b, start, i), 0
			}
		}
		switch b[i] {
		case '"':
			if seen&highBits != 0 && !utf8.Valid(b[start:i]) {
				return s.failString(badUTF8, b, start, i), 0
			}
			return i, flags
		case '\\':
			end, f := s.escape(b, start, i)
			if end < 0 {
				return -1, 0
			}
			i = end
			flags |= f
		default:
			return s.failString(controlCharacter, b, start, i), 0
		}
	}
}

// escape scans the escape at i of the string that begins at start. A surrogate pair counts as one escape.
func (s *Scanner) escape(b []byte, start, i int) (int, row.Flag) {
	if i+1 >= len(b) {
		return s.failString(unterminated, b, start, len(b)), 0
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, row.Escaped
	case 'u':
	default:
		return s.failString(wantEscape, b, start, i+1), 0
	}
	r, n := hex4(b[i+2:])
	if n < 4 {
		return s.failString(wantHex, b, start, i+2+n), 0
	}
	i += 6
	switch {
	case r == 0 || isLow(r):
		return i, row.Escaped | row.Hostile
	case isHigh(r):
		if i+1 < len(b) && b[i] == '\\' && b[i+1] == 'u' {
			if low, _ := hex4(b[i+2:]); isLow(low) { // fewer than four digits make no surrogate
				return i + 6, row.Escaped
			}
		}
		return i, row.Escaped | row.Hostile
	}
	return i, row.Escaped
}

func isHigh(r rune) bool { return 0xd800 <= r && r < 0xdc00 }
func isLow(r rune) bool  { return 0xdc00 <= r && r < 0xe000 }

// hex4 reads up to four hexadecimal digits and tells how many it found.
func hex4(b []byte) (r rune, n int) {
	for n < 4 && n < len(b) {
		c := b[n]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = (c | 0x20) - 'a' + 10
		default:
			return r, n
		}
		r = r<<4 | rune(c)
		n++
	}
	return r, n
}

// number scans the number at i. Its flags are those of a container that holds it.
func (s *Scanner) number(b []byte, i int) (int, row.Kind, row.Flag) {
	start := i
	kind, flags := row.Int, row.Flag(0)
	want := wantValue
	if i < len(b) && b[i] == '-' {
		i++
		want = wantDigit
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && '1' <= b[i] && b[i] <= '9':
		i = digits(b, i+1)
	default:
		return s.fail(want, i), 0, 0
	}
	if i < len(b) && b[i] == '.' {
		kind = row.Float
		first := i + 1
		if i = digits(b, first); i == first {
			return s.fail(wantDigit, i), 0, 0
		}
	}
	if i-start > exactDigits && wide(b[start:i]) {
		flags = row.WideNumber
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		kind, flags = row.Float, row.WideNumber
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first := i
		if i = digits(b, first); i == first {
			return s.fail(wantDigit, i), 0, 0
		}
	}
	return i, kind, flags
}

// wide reports whether a number without an exponent has more than exactDigits digits. Zeros count wherever they
// stand, but for the one before the point of a number below 1: a long run of them may leave a double's range.
func wide(num []byte) bool {
	n := len(num)
	if num[0] == '-' {
		num = num[1:]
		n--
	}
	fraction := false
	for _, c := range num {
		if c == '.' {
			fraction = true
			n--
			break
		}
	}
	if fraction && num[0] == '0' {
		n--
	}
	return n > exactDigits
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// literal scans true, false or null at i.
func (s *Scanner) literal(b []byte, i int, word string) int {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	for n := 0; i < len(b) && b[i] == word[n]; n++ {
		i++
	}
	return s.fail(wantLiteral, i)
}
