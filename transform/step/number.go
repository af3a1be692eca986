package step

import (
	"bytes"
	"cmp"
	"errors"
	"math/big"
	"strconv"
)

// Numbers are exact decimals. Arithmetic refuses numbers beyond these bounds, since the cost of the largest that fit a record
// would be seconds; a number that only passes through is not looked at.
const (
	maxDigits   = 1000
	maxBits     = 3322 // of so many digits
	maxExponent = 400
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
