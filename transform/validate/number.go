package validate

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	// MaxExponent is the greatest power of ten, up or down, of a number in a schema.
	MaxExponent = 400
	// MaxDigits is how many significant digits a number in a schema may have.
	MaxDigits = 400

	keptDigits = 1000 // of a document's number: all that a comparison with a schema's number can depend on
)

// decimal is a number's value as 0.DIGITS times ten to the power of exponent. Zero has no digits.
type decimal struct {
	negative bool
	digits   string // without zeros at both ends; cut after keptDigits
	cut      bool   // digits, not all zero, were cut off
	exponent int    // saturated far outside of anything that matters
	integer  bool
}

// parseDecimal reads a JSON number.
func parseDecimal(num []byte) (d decimal) {
	if num[0] == '-' {
		d.negative = true
		num = num[1:]
	}
	power := 0
	if i := bytes.IndexAny(num, "eE"); i >= 0 {
		power = parseExponent(num[i+1:])
		num = num[:i]
	}
	whole, fraction, _ := bytes.Cut(num, []byte("."))
	point := len(whole)
	var digits []byte
	if len(fraction) == 0 {
		digits = whole
	} else {
		digits = append(append(make([]byte, 0, len(whole)+len(fraction)), whole...), fraction...)
	}
	stripped := bytes.TrimLeft(digits, "0")
	point -= len(digits) - len(stripped)
	stripped = bytes.TrimRight(stripped, "0")
	if len(stripped) == 0 {
		return decimal{integer: true}
	}
	d.exponent = point + power
	d.integer = len(stripped) <= d.exponent
	if len(stripped) > keptDigits {
		stripped, d.cut = stripped[:keptDigits], true
	}
	d.digits = string(stripped)
	return d
}

// parseExponent reads an exponent. One beyond what any record's digits could make up for comes back as about that.
func parseExponent(text []byte) int {
	const most = 1 << 40
	n, negative := 0, false
	for _, c := range text {
		switch c {
		case '+':
		case '-':
			negative = true
		default:
			if n = n*10 + int(c-'0'); n > most {
				n = most
			}
		}
	}
	if negative {
		return -n
	}
	return n
}

// text writes the number so that it is cheap to read, and compares to every number of a schema as the number itself does.
func (d *decimal) text() string {
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	switch {
	case d.digits == "":
		return "0"
	case d.exponent > MaxExponent+1 && d.integer:
		b.WriteString("1e" + strconv.Itoa(MaxExponent+100))
	case d.exponent > MaxExponent+1:
		b.WriteString("1" + strings.Repeat("0", MaxExponent+100) + ".5")
	case d.exponent < -MaxExponent:
		b.WriteString("1e-" + strconv.Itoa(MaxExponent+100))
	default:
		b.WriteString("0." + d.digits)
		if d.cut {
			b.WriteByte('1') // the number lies between what is kept and the next one
		}
		b.WriteString("e" + strconv.Itoa(d.exponent))
	}
	return b.String()
}

// tame returns a number as the library may see it, and whether that is another one, which multipleOf and uniqueItems could tell from it.
func tame(num []byte) (text string, changed bool) {
	if isTame(num) {
		return string(num), false
	}
	d := parseDecimal(num)
	return d.text(), d.cut || d.digits != "" && (d.exponent > MaxExponent+1 || d.exponent < -MaxExponent)
}

// isTame reports whether the library reads a number fast.
func isTame(num []byte) bool {
	if len(num) > MaxDigits {
		return false
	}
	i := len(num) - 1
	for i >= 0 && num[i]|0x20 != 'e' {
		i--
	}
	if i < 0 {
		return true
	}
	power := parseExponent(num[i+1:])
	return -MaxExponent/2 <= power && power <= MaxExponent/2
}
