package validate

import (
	"math/big"
	"math/bits"
)

// number is a number of up to 19 digits: mantissa times ten to the power of -scale. Zero is never negative.
type number struct {
	negative bool
	mantissa uint64
	scale    int // not negative
}

// maxMantissa is how large a mantissa is before it gets another digit.
const maxMantissa = 1_000_000_000_000_000_000

var powers = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// parseNumber reads a JSON number; false if it has more digits than a number holds.
func parseNumber(text []byte) (n number, ok bool) {
	i := 0
	if text[0] == '-' {
		n.negative = true
		i = 1
	}
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			break
		}
		if c-'0' > 9 {
			break
		}
		if n.mantissa >= maxMantissa {
			return n, false
		}
		n.mantissa = n.mantissa*10 + uint64(c-'0')
	}
	if i < len(text) && text[i] == '.' {
		for i++; i < len(text) && text[i]-'0' <= 9; i++ {
			if n.mantissa >= maxMantissa {
				return n, false
			}
			n.mantissa = n.mantissa*10 + uint64(text[i]-'0')
			n.scale++
		}
	}
	if i < len(text) {
		power := parseExponent(text[i+1:])
		if power < -MaxExponent || power > MaxExponent {
			return n, n.zero()
		}
		n.scale -= power
	}
	if n.zero() {
		return n, true
	}
	if n.scale < 0 {
		if -n.scale >= len(powers) {
			return n, false
		}
		high, low := bits.Mul64(n.mantissa, powers[-n.scale])
		if high != 0 {
			return n, false
		}
		n.mantissa, n.scale = low, 0
	}
	return n, true
}

// zero makes n plain zero if it is any zero.
func (n *number) zero() bool {
	if n.mantissa == 0 {
		*n = number{}
		return true
	}
	return false
}

// numberOf converts a schema's number, nil if it is nil or cannot be held.
func numberOf(r *big.Rat) *number {
	if r == nil {
		return nil
	}
	scaled := new(big.Rat).Abs(r)
	ten := big.NewRat(10, 1)
	for scale := range len(powers) {
		if scaled.IsInt() {
			if !scaled.Num().IsUint64() {
				return nil
			}
			return &number{negative: r.Sign() < 0, mantissa: scaled.Num().Uint64(), scale: scale}
		}
		scaled.Mul(scaled, ten)
	}
	return nil
}

// integer reports whether n has no fraction.
func (n *number) integer() bool {
	return n.scale == 0 || n.scale < len(powers) && n.mantissa%powers[n.scale] == 0
}

// compare returns -1, 0 or 1.
func (n *number) compare(m *number) int {
	switch {
	case n.negative != m.negative:
		if n.negative {
			return -1
		}
		return 1
	case n.negative:
		return compareMagnitude(m, n)
	default:
		return compareMagnitude(n, m)
	}
}

func compareMagnitude(n, m *number) int {
	if n.scale > m.scale {
		return -compareMagnitude(m, n)
	}
	// n has fewer decimals, and gets as many as m. If that overflows, it is above all that m can be.
	if n.mantissa == 0 {
		if m.mantissa == 0 {
			return 0
		}
		return -1
	}
	diff := m.scale - n.scale
	if diff >= len(powers) {
		return 1
	}
	high, low := bits.Mul64(n.mantissa, powers[diff])
	switch {
	case high != 0 || low > m.mantissa:
		return 1
	case low < m.mantissa:
		return -1
	}
	return 0
}

// multipleOf reports whether n is a multiple of m, if that can be said.
func (n *number) multipleOf(m *number) verdict {
	a, b := n.mantissa, m.mantissa
	if b == 0 || a == 0 {
		if a == 0 && b != 0 {
			return good
		}
		return unknown
	}
	diff := m.scale - n.scale
	factor := &a
	if diff < 0 {
		diff, factor = -diff, &b
	}
	if diff >= len(powers) {
		return unknown
	}
	high, low := bits.Mul64(*factor, powers[diff])
	if high != 0 {
		return unknown
	}
	if *factor = low; a%b == 0 {
		return good
	}
	return bad
}

// check judges a number by its rules.
func (r *numberRules) check(n *number) verdict {
	switch {
	case r.min != nil && n.compare(r.min) < 0,
		r.max != nil && n.compare(r.max) > 0,
		r.minOpen != nil && n.compare(r.minOpen) <= 0,
		r.maxOpen != nil && n.compare(r.maxOpen) >= 0:
		return bad
	case r.multipleOf != nil:
		return n.multipleOf(r.multipleOf)
	}
	return good
}
