package dynamodb

import (
	"math/big"
	"strconv"
	"strings"
)

// Limits of the N type (DynamoDB developer guide, "Constraints": 38 digits of
// precision, magnitudes 1E-130 to 9.99...E+125).
const (
	maxDigits    = 38
	maxMagnitude = 125
	minMagnitude = -130
)

// number is coef * 10^exp, exact. coef carries no trailing zeros, so equal
// numbers have equal representations.
type number struct {
	coef *big.Int
	exp  int
}

// parseNumber reads a decimal in the forms the service accepts: optional sign,
// digits with an optional point, optional exponent.
func parseNumber(s string) (number, *Error) {
	if s == "" {
		return number{}, invalid("The parameter cannot be converted to a numeric value")
	}
	bad := func() (number, *Error) {
		return number{}, invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	mantissa, exponent, hasExp := s, "0", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExp = s[:i], s[i+1:], true
	}
	negative := strings.HasPrefix(mantissa, "-")
	mantissa = strings.TrimPrefix(strings.TrimPrefix(mantissa, "-"), "+")
	if negative && strings.HasPrefix(s, "-+") {
		return bad()
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || !allDigits(digits) {
		return bad()
	}
	if hasExp && !allDigits(strings.TrimLeft(exponent[:min(1, len(exponent))], "+-")+exponent[min(1, len(exponent)):]) ||
		strings.Trim(exponent, "+-") == "" {
		return bad()
	}
	significant := strings.TrimLeft(digits, "0")
	if significant == "" {
		return number{new(big.Int), 0}, nil
	}
	exp, err := strconv.Atoi(exponent)
	// An exponent that does not even fit an int, or whose sum would overflow,
	// is far outside the range whatever the mantissa.
	if err != nil || exp > 1<<30 || exp < -1<<30 {
		if strings.HasPrefix(exponent, "-") {
			return number{}, underflow()
		}
		return number{}, overflow()
	}
	exp -= len(fraction)
	trimmed := strings.TrimRight(significant, "0")
	exp += len(significant) - len(trimmed)
	if e := checkRange(len(trimmed), exp); e != nil {
		return number{}, e
	}
	coef, _ := new(big.Int).SetString(trimmed, 10)
	if negative {
		coef.Neg(coef)
	}
	return number{coef, exp}, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func overflow() *Error {
	return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
}

func underflow() *Error {
	return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
}

func checkRange(digits, exp int) *Error {
	switch magnitude := digits - 1 + exp; {
	case magnitude > maxMagnitude:
		return overflow()
	case magnitude < minMagnitude:
		return underflow()
	case digits > maxDigits:
		return invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return nil
}

// mustNumber reads a text that is already normalised.
func mustNumber(s string) number {
	n, err := parseNumber(s)
	if err != nil {
		panic("dynamodb: stored number is not valid: " + s)
	}
	return n
}

// align returns the two coefficients at their common, smaller exponent. The
// range limits keep the shift below 300 digits.
func align(a, b number) (x, y *big.Int, exp int) {
	exp = min(a.exp, b.exp)
	return shift(a, exp), shift(b, exp), exp
}

func shift(n number, exp int) *big.Int {
	if n.coef.Sign() == 0 {
		return new(big.Int)
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exp-exp)), nil)
	return ten.Mul(ten, n.coef)
}

func (n number) cmp(m number) int {
	x, y, _ := align(n, m)
	return x.Cmp(y)
}

// add returns n+m, exact; a sum that needs more than 38 digits is refused.
func (n number) add(m number) (number, *Error) {
	x, y, exp := align(n, m)
	return parseNumber(x.Add(x, y).String() + "e" + strconv.Itoa(exp))
}

func (n number) neg() number { return number{new(big.Int).Neg(n.coef), n.exp} }

// String gives plain decimal notation without leading or trailing zeros, the
// form in which the service answers.
func (n number) String() string {
	s := n.coef.String()
	if n.exp >= 0 || s == "0" {
		return s + strings.Repeat("0", max(0, n.exp))
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if missing := -n.exp - len(s); missing >= 0 {
		return sign + "0." + strings.Repeat("0", missing) + s
	}
	return sign + s[:len(s)+n.exp] + "." + s[len(s)+n.exp:]
}

// size is the approximate storage of a number: half a byte a digit, and one.
func (n number) size() int {
	digits := len(strings.TrimPrefix(n.coef.String(), "-"))
	size := 1 + (digits+1)/2
	if n.coef.Sign() < 0 {
		size++
	}
	return size
}
