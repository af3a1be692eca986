package table

import (
	"math/big"
	"regexp"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestDecimalIsExact compares decimals with rational arithmetic.
func TestDecimalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(genInt, genFloat).Draw(t, "number")
		r, d := ratOf(text), parseDecimal([]byte(text))
		if r == nil {
			if d.isDouble() || d.fits(38, 0) {
				t.Fatalf("%s fits", text)
			}
			return
		}
		if d.n <= MaxPrecision && d.exp > -5000 && d.exp < 5000 {
			for _, again := range [][]byte{d.appendPlain(nil), d.appendScientific(nil)} {
				if d.n > 0 && ratOf(string(again)).Cmp(r) != 0 {
					t.Fatalf("%s is written %s", text, again)
				}
			}
		}
		precision := rapid.IntRange(1, 38).Draw(t, "precision")
		scale := rapid.IntRange(0, min(precision, 37)).Draw(t, "scale")
		scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		want := scaled.IsInt() && new(big.Int).Abs(scaled.Num()).Cmp(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)) < 0
		if got := d.fits(precision, scale); got != want {
			t.Fatalf("%s fits NUMBER(%d,%d): %t", text, precision, scale, got)
		}
		f, err := strconv.ParseFloat(text, 64)
		want = err == nil && ratOfDouble(f).Cmp(r) == 0
		if got := d.isDouble(); got != want {
			t.Fatalf("%s is a double: %t", text, got)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"0", "-0.0e0", "1e99999999999", "12345678901234567890.5", "-1.50E-3", "000", "1."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !jsonNumber.MatchString(text) {
			return
		}
		r, d := ratOf(text), parseDecimal([]byte(text))
		if r == nil || d.n == 0 || d.n > MaxPrecision {
			return
		}
		text = string(d.appendScientific(nil))
		// ratOf makes no numbers of over some thousand digits, and the same number may be written just beyond that.
		if again := ratOf(text); !jsonNumber.MatchString(text) || again != nil && again.Cmp(r) != 0 {
			t.Fatalf("%s is written %s", text, d.appendScientific(nil))
		}
	})
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
