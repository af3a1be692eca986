package table

import (
	"bytes"

	"kinesis-snowflake/internal/row"
)

// maxPlain is the longest text of a number that is written as it came, or as plain decimals for a FLOAT.
const maxPlain = 24

// plainNumber reports whether every JSON parser reads the number exactly as it stands.
func plainNumber(text []byte) bool {
	if len(text) > maxPlain || bytes.IndexByte(text, 'e') >= 0 || bytes.IndexByte(text, 'E') >= 0 {
		return false
	}
	if len(text) <= 15 {
		return true
	}
	d := parseDecimal(text)
	return d.everyParser()
}

// appendNumber fits a value into NUMBER(precision, scale).
func appendNumber(dst []byte, t *Type, f *row.Field) ([]byte, Reason) {
	text := f.Value
	switch f.Kind {
	case row.Int:
		digits := len(text)
		if text[0] == '-' {
			digits--
		}
		switch {
		case digits == 1 && text[len(text)-1] == '0':
			return append(dst, '0'), ReasonNone // also -0
		case digits > t.Precision-t.Scale:
			return dst, ReasonNumber
		case digits <= 15:
			return append(dst, text...), ReasonNone
		}
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"'), ReasonNone
	case row.Float:
	case row.String:
		var buf [MaxPrecision + 4]byte
		var ok bool
		if text, ok = shortText(buf[:0], text[1:len(text)-1]); !ok || !canonicalDecimal(text, t.Scale) {
			return dst, ReasonKind
		}
	default:
		return dst, ReasonKind
	}
	d := parseDecimal(text)
	if !d.fits(t.Precision, t.Scale) {
		return dst, ReasonNumber
	}
	if d.isInt() && d.n+d.exp <= 15 {
		return d.appendPlain(dst), ReasonNone
	}
	dst = append(dst, '"')
	dst = d.appendPlain(dst)
	return append(dst, '"'), ReasonNone
}

// appendFloat fits a value into FLOAT.
func appendFloat(dst []byte, f *row.Field) ([]byte, Reason) {
	text := f.Value
	switch f.Kind {
	case row.Int, row.Float:
		if text[0] != '-' && plainNumber(text) {
			return append(dst, text...), ReasonNone
		}
	case row.String:
		var buf [maxPlain]byte
		var ok bool
		if text, ok = shortText(buf[:0], text[1:len(text)-1]); !ok || len(text) > maxPlain || !canonicalDecimal(text, maxPlain) ||
			bytes.IndexByte(text, '.') >= 0 && text[len(text)-1] == '0' {
			return dst, ReasonKind
		}
	default:
		return dst, ReasonKind
	}
	d := parseDecimal(text)
	if !d.isDouble() {
		return dst, ReasonNumber
	}
	if d.everyParser() {
		return d.appendPlain(dst), ReasonNone
	}
	dst = append(dst, '"')
	if max(d.n+d.exp, -d.exp) <= 2*maxPlain {
		dst = d.appendPlain(dst)
	} else {
		dst = d.appendScientific(dst) // plain, it would take up to 340 characters
	}
	return append(dst, '"'), ReasonNone
}

// canonicalDecimal reports whether text is a number in plain decimals, with no superfluous leading zero, no minus
// before zero, and at most scale fraction digits.
func canonicalDecimal(text []byte, scale int) bool {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	whole, fraction, point := bytes.Cut(digits, []byte{'.'})
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' || !allDigits(whole) {
		return false
	}
	if point && (len(fraction) == 0 || len(fraction) > scale || !allDigits(fraction)) {
		return false
	}
	return len(digits) == len(text) || bytes.ContainsAny(digits, "123456789")
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
