package validate

import (
	"encoding/binary"
	"math/bits"
)

// The functions of this file read documents that were scanned before: they check nothing.

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// stringEnd returns the index of the quote that ends the string whose text begins at i, and whether it has escapes.
func stringEnd(b []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, e := w^'"'*lowBits, w^'\\'*lowBits
			// A bit above the lowest one may be set falsely, by a borrow.
			stop := ((q-lowBits)&^q | (e-lowBits)&^e) & highBits
			if stop != 0 {
				i += bits.TrailingZeros64(stop) >> 3
				break
			}
			i += 8
		}
		for b[i] != '"' && b[i] != '\\' {
			i++
		}
		if b[i] == '"' {
			return i, escaped
		}
		i, escaped = i+2, true
	}
}

// valueEnd returns the index after the value at i.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		end, _ := stringEnd(b, i+1)
		return end + 1
	case '{', '[':
	case 't', 'n':
		return i + 4
	case 'f':
		return i + 5
	default:
		return numberEnd(b, i)
	}
	for depth := 0; ; i++ {
		switch b[i] {
		case '"':
			i, _ = stringEnd(b, i+1)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}
