package step

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// Numbers are exact decimals. Arithmetic refuses numbers beyond these bounds, since the cost of the largest that fit a record
// would be seconds; a number that only passes through is not looked at.
const (
	maxDigits   = 1000
	maxBits     = 3322 // of so many digits
	maxExponent = 400
	// divisionDigits is how many significant digits a quotient has that does not end earlier: as many as Snowflake's NUMBER.
	divisionDigits = 38
)

var errHuge = errors.New("a number has more than 1000 digits or an exponent beyond 400, too large to calculate with")

// decimal is coef * 10^exp. Small ones hold coef in small; big is nil then.
type decimal struct {
	small int64
	big   *big.Int
	exp   int
}

func ofInt(n int64) decimal { return decimal{small: n} }

// parseDecimal reads a JSON number.
func parseDecimal(text []byte) (d decimal, err error) {
	rest := text
	negative := rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	if e := bytes.IndexAny(rest, "eE"); e >= 0 {
		exp, err := strconv.Atoi(string(bytes.TrimPrefix(rest[e+1:], []byte("+"))))
		if err != nil || exp > maxExponent || exp < -maxExponent {
			return d, errHuge
		}
		d.exp, rest = exp, rest[:e]
	}
	whole, fraction, _ := bytes.Cut(rest, []byte("."))
	digits := len(whole) + len(fraction)
	d.exp -= len(fraction)
	if digits > maxDigits {
		return d, errHuge
	}
	if digits <= 18 {
		for _, part := range [2][]byte{whole, fraction} {
			for _, c := range part {
				d.small = d.small*10 + int64(c-'0')
			}
		}
		if negative {
			d.small = -d.small
		}
		return d, nil
	}
	all := make([]byte, 0, digits+1)
	if negative {
		all = append(all, '-')
	}
	all = append(append(all, whole...), fraction...)
	d.big, _ = new(big.Int).SetString(string(all), 10)
	return d, nil
}

var (
	pow10 = func() (p [19]int64) {
		p[0] = 1
		for i := 1; i < len(p); i++ {
			p[i] = p[i-1] * 10
		}
		return p
	}()
	ten = big.NewInt(10)
)

func (d decimal) coef() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.small)
}

func (d decimal) sign() int {
	if d.big != nil {
		return d.big.Sign()
	}
	return cmp.Compare(d.small, 0)
}

func (d decimal) isZero() bool { return d.sign() == 0 }

func (d decimal) check() (decimal, error) {
	if d.big != nil && d.big.BitLen() > maxBits || d.exp > maxExponent || d.exp < -maxExponent-maxDigits {
		return d, errHuge
	}
	return d, nil
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

// scaled multiplies n by 10^by if the product fits.
func scaled(n int64, by int) (int64, bool) {
	if n == 0 {
		return 0, true
	}
	if by >= len(pow10) {
		return 0, false
	}
	return times(n, pow10[by])
}

func times(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if a < 0 != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

// align gives two numbers one exponent. The small ones are returned if both fit.
func align(a, b decimal) (x, y decimal) {
	if a.exp == b.exp {
		return a, b
	}
	if a.exp < b.exp {
		y, x = align(b, a)
		return x, y
	}
	by := a.exp - b.exp
	if a.big == nil {
		if n, ok := scaled(a.small, by); ok {
			return decimal{small: n, exp: b.exp}, b
		}
	}
	return decimal{big: new(big.Int).Mul(a.coef(), tenTo(by)), exp: b.exp}, b
}

func (d decimal) compare(e decimal) int {
	if s := cmp.Compare(d.sign(), e.sign()); s != 0 {
		return s
	}
	x, y := align(d, e)
	if x.big == nil && y.big == nil {
		return cmp.Compare(x.small, y.small)
	}
	return x.coef().Cmp(y.coef())
}

func (d decimal) add(e decimal) (decimal, error) {
	x, y := align(d, e)
	if x.big == nil && y.big == nil {
		if sum := x.small + y.small; (sum > x.small) == (y.small > 0) {
			return decimal{small: sum, exp: x.exp}, nil
		}
	}
	return decimal{big: new(big.Int).Add(x.coef(), y.coef()), exp: x.exp}.check()
}

func (d decimal) negate() decimal {
	if d.big == nil && d.small != math.MinInt64 {
		return decimal{small: -d.small, exp: d.exp}
	}
	return decimal{big: new(big.Int).Neg(d.coef()), exp: d.exp}
}

func (d decimal) multiply(e decimal) (decimal, error) {
	if d.big == nil && e.big == nil {
		if n, ok := times(d.small, e.small); ok {
			return decimal{small: n, exp: d.exp + e.exp}.check()
		}
	}
	return decimal{big: new(big.Int).Mul(d.coef(), e.coef()), exp: d.exp + e.exp}.check()
}

var errZero = errors.New("a division by zero")

// divide is exact if the quotient ends within divisionDigits significant digits, else rounded to so many, half away from zero.
func (d decimal) divide(e decimal) (decimal, error) {
	if e.isZero() {
		return d, errZero
	}
	a, b := d.coef(), e.coef()
	// One digit more than wanted, whatever the lengths, and one bit for the rest of them.
	shift := max(0, divisionDigits+2+len(b.String())-len(a.String()))
	quotient, rest := new(big.Int).QuoRem(new(big.Int).Mul(a, tenTo(shift)), b, new(big.Int))
	result := decimal{big: quotient, exp: d.exp - e.exp - shift}
	if rest.Sign() != 0 {
		// Anything but a five that decides the rounding.
		quotient.Mul(quotient, ten).Add(quotient, big.NewInt(int64(a.Sign()*b.Sign())))
		result.exp--
	}
	if digits := len(new(big.Int).Abs(quotient).String()); digits > divisionDigits {
		result = result.roundTo(result.exp + digits - divisionDigits)
	}
	return result.trim().check()
}

// modulo takes whole numbers; the sign is that of the dividend.
func (d decimal) modulo(e decimal) (decimal, error) {
	switch {
	case e.isZero():
		return d, errZero
	case !d.isWhole() || !e.isWhole():
		return d, errors.New("% of a number that is not whole")
	}
	a, b := align(d, e)
	if a.big == nil && b.big == nil {
		if b.small == -1 {
			return decimal{}, nil
		}
		return decimal{small: a.small % b.small, exp: a.exp}, nil
	}
	return decimal{big: new(big.Int).Rem(a.coef(), b.coef()), exp: a.exp}, nil
}

func (d decimal) power(e decimal) (decimal, error) {
	n, ok := e.int()
	if !ok || n < 0 || n > maxExponent {
		return d, errors.New("a power that is no whole number from 0 to 400")
	}
	result := ofInt(1)
	for range n {
		var err error
		if result, err = result.multiply(d); err != nil {
			return d, err
		}
	}
	return result, nil
}

// trim takes zeros from the end of the fraction.
func (d decimal) trim() decimal {
	if d.big == nil {
		for d.exp < 0 && d.small%10 == 0 && d.small != 0 {
			d.small /= 10
			d.exp++
		}
		if d.small == 0 {
			d.exp = 0
		}
		return d
	}
	if d.big.Sign() == 0 {
		return decimal{}
	}
	q, r := new(big.Int), new(big.Int)
	for d.exp < 0 {
		if q.QuoRem(d.big, ten, r); r.Sign() != 0 {
			break
		}
		d.big, d.exp = new(big.Int).Set(q), d.exp+1
	}
	return d
}

func (d decimal) isWhole() bool { return d.trim().exp >= 0 }

// int is the number as a small whole one.
func (d decimal) int() (int64, bool) {
	t := d.trim()
	if t.exp < 0 {
		return 0, false
	}
	if t.big != nil {
		if !t.big.IsInt64() {
			return 0, false
		}
		t = decimal{small: t.big.Int64(), exp: t.exp}
	}
	return scaled(t.small, t.exp)
}

// roundTo rounds half away from zero to a multiple of 10^exp.
func (d decimal) roundTo(exp int) decimal {
	by := exp - d.exp
	if by <= 0 {
		return d
	}
	if d.big == nil && by < len(pow10) {
		unit := pow10[by]
		n, rest := d.small/unit, d.small%unit
		switch half := unit / 2; {
		case rest >= half:
			n++
		case rest <= -half:
			n--
		}
		return decimal{small: n, exp: exp}
	}
	unit := tenTo(by)
	half := new(big.Int).Rsh(unit, 1)
	n := new(big.Int).Abs(d.coef())
	n.Add(n, half).Quo(n, unit)
	if d.sign() < 0 {
		n.Neg(n)
	}
	return decimal{big: n, exp: exp}
}

// floor rounds down to a whole number.
func (d decimal) floor() decimal {
	if d.exp >= 0 {
		return d
	}
	n, m := new(big.Int).DivMod(d.coef(), tenTo(-d.exp), new(big.Int))
	_ = m
	return decimal{big: n}
}

// length is the number of digits before the point; of a number below one it may be zero or less.
func (d decimal) length() int {
	if d.big != nil {
		return len(new(big.Int).Abs(d.big).String()) + d.exp
	}
	n := 0
	for n < len(pow10) && (d.small >= pow10[n] || d.small <= -pow10[n]) {
		n++
	}
	if n == 0 {
		return 0
	}
	return n + d.exp
}

// append appends the number in plain notation.
func (d decimal) append(dst []byte) []byte {
	d = d.trim()
	var buf [20]byte
	var digits []byte
	if d.big == nil {
		digits = strconv.AppendInt(buf[:0], d.small, 10)
	} else {
		digits = d.big.Append(nil, 10)
	}
	if d.exp >= 0 {
		dst = append(dst, digits...)
		if d.sign() != 0 {
			for range d.exp {
				dst = append(dst, '0')
			}
		}
		return dst
	}
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	point := len(digits) + d.exp
	if point <= 0 {
		dst = append(dst, '0', '.')
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
}
