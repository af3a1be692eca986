package step

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// divisionDigits is how many significant digits a quotient has that does not end earlier: as many as Snowflake's NUMBER.
const divisionDigits = 38

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
	n, _ := new(big.Int).DivMod(d.coef(), tenTo(-d.exp), new(big.Int))
	return decimal{big: n}
}
