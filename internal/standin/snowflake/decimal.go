package snowflake

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// A NUMBER is handled as text and as big integers; it never becomes a float64.

// decimalParts splits decimal text, with or without exponent, into sign, digits without leading zeros, and the power of
// ten of the last digit.
func decimalParts(s string) (neg bool, digits string, exp int, ok bool) {
	if s == "" {
		return
	}
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		s = s[1:]
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(strings.TrimPrefix(s[i+1:], "+"))
		if err != nil || strings.HasPrefix(s[i+1:], "+-") || e > 100000 || e < -100000 {
			return
		}
		exp, s = e, s[:i]
	}
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" && frac == "" || dot && strings.IndexByte(frac, '.') >= 0 {
		return
	}
	digits = whole + frac
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return
		}
	}
	return neg, strings.TrimLeft(digits, "0"), exp - len(frac), true
}

// fitDecimal brings decimal text to precision and scale, rounding half away from zero as a cast does. ok is false for what
// is no number, fits is false for what is out of range.
func fitDecimal(s string, precision, scale int) (text string, ok, fits bool) {
	neg, digits, exp, ok := decimalParts(s)
	if !ok {
		return "", false, false
	}
	if digits == "" {
		return formatDecimal(false, "", scale), true, true
	}
	if len(digits)+exp > precision-scale+1 {
		return "", true, false
	}
	if shift := exp + scale; shift >= 0 {
		digits += strings.Repeat("0", shift)
	} else if cut := len(digits) + shift; cut < 0 {
		digits = ""
	} else {
		up := digits[cut] >= '5'
		digits = digits[:cut]
		if up {
			digits = increment(digits)
		}
	}
	if len(digits) > precision {
		return "", true, false
	}
	return formatDecimal(neg, digits, scale), true, true
}

func increment(digits string) string {
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// formatDecimal writes digits with the point before the last scale of them.
func formatDecimal(neg bool, digits string, scale int) string {
	digits = strings.TrimLeft(digits, "0")
	zero := digits == ""
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if neg && !zero {
		return "-" + digits
	}
	return digits
}

func scaleOf(text string) int {
	if i := strings.IndexByte(text, '.'); i >= 0 {
		return len(text) - i - 1
	}
	return 0
}

// unscaled gives the number times ten to the scale.
func unscaled(text string, scale int) *big.Int {
	n, _ := new(big.Int).SetString(strings.Replace(text, ".", "", 1), 10)
	if n == nil {
		n = new(big.Int)
	}
	if d := scale - scaleOf(text); d > 0 {
		n.Mul(n, pow10(d))
	}
	return n
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func scaled(n *big.Int, scale int) string {
	return formatDecimal(n.Sign() < 0, new(big.Int).Abs(n).String(), scale)
}

// compareDecimal orders two NUMBERs.
func compareDecimal(a, b string) int {
	if a == b {
		return 0
	}
	if len(a) < 18 && len(b) < 18 {
		x, err1 := strconv.ParseInt(a, 10, 64)
		y, err2 := strconv.ParseInt(b, 10, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	}
	s := max(scaleOf(a), scaleOf(b))
	return unscaled(a, s).Cmp(unscaled(b, s))
}

// arithmetic runs + - * / % on two NUMBERs. The scale of a quotient is that of the dividend and up to six more, at most 12
// (Snowflake docs, "Arithmetic operators"). A result of more than 38 digits is out of range.
func arithmetic(op byte, a, b string) (string, error) {
	if op == '+' || op == '-' {
		if len(a) < 18 && len(b) < 18 {
			x, err1 := strconv.ParseInt(a, 10, 64)
			y, err2 := strconv.ParseInt(b, 10, 64)
			if err1 == nil && err2 == nil {
				if op == '-' {
					y = -y
				}
				return strconv.FormatInt(x+y, 10), nil
			}
		}
	}
	s := max(scaleOf(a), scaleOf(b))
	x, y := unscaled(a, s), unscaled(b, s)
	switch op {
	case '+':
		x.Add(x, y)
	case '-':
		x.Sub(x, y)
	case '*':
		x.Mul(unscaled(a, scaleOf(a)), unscaled(b, scaleOf(b)))
		s = scaleOf(a) + scaleOf(b)
	default:
		if y.Sign() == 0 {
			return "", failf("100051", "22012", "Division by zero")
		}
		if op == '%' {
			x.Rem(x, y)
			break
		}
		out := max(scaleOf(a), min(scaleOf(a)+6, 12))
		x.Mul(x, pow10(out+1))
		x.Quo(x, y)
		text, _, fits := fitDecimal(scaled(x, out+1), 38, out)
		if !fits {
			return "", outOfRange(scaled(x, out+1))
		}
		return text, nil
	}
	text := scaled(x, s)
	if fit, _, fits := fitDecimal(text, 38, min(s, 37)); fits {
		return fit, nil
	}
	return "", outOfRange(text)
}

func outOfRange(text string) *Error {
	return failf("100038", "22003", "Numeric value '%s' is out of range", text)
}
