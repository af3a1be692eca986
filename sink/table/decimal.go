package table

import "strconv"

// decimal is a JSON number, exactly: (-1)^neg * digits * 10^exp, without leading or trailing zeros in digits. Zero has
// no digits. A number of more significant digits than any column holds keeps their count only.
type decimal struct {
	neg    bool
	n      int // significant digits; beyond len(digits) they were not kept
	exp    int
	digits [MaxPrecision]byte
}

// maxExponent bounds the exponents that are told apart. It is far beyond every type's range, and far from overflow.
const maxExponent = 1 << 30

// parseDecimal reads text that is a number by RFC 8259.
func parseDecimal(text []byte) (d decimal) {
	i := 0
	if text[0] == '-' {
		d.neg = true
		i++
	}
	zeros, point := 0, false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		if point {
			d.exp--
		}
		if c == '0' {
			if d.n > 0 {
				zeros++
			}
			continue
		}
		for ; zeros > 0; zeros-- {
			d.push('0')
		}
		d.push(c)
	}
	d.exp += zeros
	if i < len(text) {
		d.exp += parseExponent(text[i+1:])
	}
	if d.n == 0 {
		d.exp = 0
	}
	return d
}

func (d *decimal) push(c byte) {
	if d.n < len(d.digits) {
		d.digits[d.n] = c
	}
	d.n++
}

func parseExponent(text []byte) int {
	neg := false
	if text[0] == '+' || text[0] == '-' {
		neg = text[0] == '-'
		text = text[1:]
	}
	e := 0
	for _, c := range text {
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if neg {
		return -e
	}
	return e
}

// fits reports whether NUMBER(precision, scale) holds d without rounding.
func (d *decimal) fits(precision, scale int) bool {
	return d.n == 0 || d.n <= MaxPrecision && -d.exp <= scale && d.n+d.exp <= precision-scale
}

// isInt reports whether d is an integer.
func (d *decimal) isInt() bool { return d.exp >= 0 }

// everyParser reports whether d written as plain decimals is read exactly by any JSON parser, one that reads doubles
// by the simplest correct method included: up to 15 digits, and a power of ten that a double holds.
func (d *decimal) everyParser() bool { return d.n <= 15 && d.exp >= -22 && d.n+d.exp <= 15 }

// isDouble reports whether the shortest text that reads back as d's nearest double is d itself.
func (d *decimal) isDouble() bool {
	magnitude := d.n + d.exp
	switch {
	case d.n == 0:
		return true
	case d.n > 17 || magnitude > 310 || magnitude < -330: // a shortest text has at most 17 digits
		return false
	case d.n <= 15 && magnitude < 300 && magnitude > -300: // decimals of 15 digits are all told apart by normal doubles
		return true
	}
	var buf [32]byte
	f, err := strconv.ParseFloat(string(d.appendScientific(buf[:0])), 64)
	if err != nil {
		return false // out of range
	}
	shortest := parseDecimal(strconv.AppendFloat(buf[:0], f, 'e', -1, 64))
	return shortest == *d
}

// appendPlain appends d without exponent. Only for d.n <= 38.
func (d *decimal) appendPlain(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, '0')
	}
	if d.neg {
		dst = append(dst, '-')
	}
	point := d.n + d.exp
	switch {
	case d.exp >= 0:
		dst = append(dst, d.digits[:d.n]...)
		return appendZeros(dst, d.exp)
	case point > 0:
		dst = append(dst, d.digits[:point]...)
		dst = append(dst, '.')
		return append(dst, d.digits[point:d.n]...)
	default:
		dst = append(dst, '0', '.')
		dst = appendZeros(dst, -point)
		return append(dst, d.digits[:d.n]...)
	}
}

// appendScientific appends d as digits and an exponent. Only for d.n <= 38.
func (d *decimal) appendScientific(dst []byte) []byte {
	if d.neg {
		dst = append(dst, '-')
	}
	dst = append(dst, d.digits[:d.n]...)
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(d.exp), 10)
}

func appendZeros(dst []byte, n int) []byte {
	const zeros = "0000000000000000000000000000000000000000"
	for ; n > len(zeros); n -= len(zeros) {
		dst = append(dst, zeros...)
	}
	return append(dst, zeros[:n]...)
}
