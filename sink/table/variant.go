package table

import (
	"bytes"

	"kinesis-snowflake/internal/row"
)

// appendContainer appends an object or array for a VARIANT. A load file has one row a line, so line breaks between
// tokens become spaces (inside strings RFC 8259 allows none). If wide, numbers that Snowflake would not keep exactly
// become strings of their text; it returns how many did.
func appendContainer(dst, text []byte, wide bool) (_ []byte, replaced int) {
	start := len(dst)
	if wide {
		dst, replaced = appendNarrowed(dst, text)
	} else {
		dst = append(dst, text...)
	}
	for _, lineBreak := range []byte{'\n', '\r'} {
		rest := dst[start:]
		for i := bytes.IndexByte(rest, lineBreak); i >= 0; i = bytes.IndexByte(rest, lineBreak) {
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
	return dst, replaced
}

// appendNarrowed copies valid JSON text with the numbers that a VARIANT cannot hold turned into strings.
func appendNarrowed(dst, text []byte) (_ []byte, replaced int) {
	plain := 0
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"':
			i += stringLength(text[i:])
		case c == '-' || '0' <= c && c <= '9':
			end := i + numberLength(text[i:])
			if n := text[i:end]; !variantHolds(n) {
				dst = append(dst, text[plain:i]...)
				dst = append(dst, '"')
				dst = append(dst, n...)
				dst = append(dst, '"')
				plain = end
				replaced++
			}
			i = end
		default:
			i++
		}
	}
	return append(dst, text[plain:]...), replaced
}

// stringLength returns the length of the JSON string that text begins with, with its quotes.
func stringLength(text []byte) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// numberLength returns the length of the JSON number that text begins with.
func numberLength(text []byte) int {
	for i, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return i
		}
	}
	return len(text)
}

// variantHolds reports whether Snowflake keeps a JSON number as it is: an integer of up to 38 digits is a fixed-point
// number there, anything with fraction or exponent a double.
func variantHolds(n []byte) bool {
	if len(n) <= 15 && bytes.IndexByte(n, 'e') < 0 && bytes.IndexByte(n, 'E') < 0 {
		return true
	}
	if isPlainInt(n) {
		return len(n) <= MaxPrecision || len(n) == MaxPrecision+1 && n[0] == '-'
	}
	d := parseDecimal(n)
	return d.n > 0 && d.isDouble() // a zero that long may have an exponent that overflows a parser
}

func isPlainInt(n []byte) bool {
	for i, c := range n {
		if (c < '0' || c > '9') && (i > 0 || c != '-') {
			return false
		}
	}
	return true
}

// appendVariant appends a value that is neither null nor hostile for a VARIANT column. It returns how many numbers
// became strings.
func appendVariant(dst []byte, f *row.Field) (_ []byte, replaced int) {
	switch f.Kind {
	case row.Object, row.Array:
		return appendContainer(dst, f.Value, f.Flags&row.WideNumber != 0)
	case row.Int, row.Float:
		if !variantHolds(f.Value) {
			dst = append(dst, '"')
			dst = append(dst, f.Value...)
			return append(dst, '"'), 1
		}
	}
	return append(dst, f.Value...), 0
}
