package snowflake

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// FuzzParseJSON: whatever is accepted is JSON to another parser too, and its canonical form is stable.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0,1e5,"\ud83d\ude00\n",null,true]}`, `"\ud800"`, `"\u0000"`, `[1,]`, `01`, `{"a":1,"a":2}`, "\"\xff\"", `1e999`, `{"a":{}}x`, ` [ ] `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseJSON(s, true)
		if err != nil {
			return
		}
		if !json.Valid([]byte(s)) {
			t.Fatalf("%q was accepted and is no JSON", s)
		}
		b, err := appendVariant(nil, n)
		if err != nil {
			return
		}
		again, err := canonicalVariant(string(b))
		if err != nil || again != string(b) {
			t.Fatalf("%q became %q, then %q (%v)", s, b, again, err)
		}
	})
}

// FuzzFitDecimal compares rounding with big.Rat.
func FuzzFitDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-0.005", "1e37", "99.995", "0", "-0", "1e-40", "12345678901234567890123456789012345678", "999999999999999999999999999999999999.95"} {
		f.Add(s, 38, 1)
	}
	f.Fuzz(func(t *testing.T, s string, precision, scale int) {
		if precision < 1 || precision > 38 || scale < 0 || scale > precision || scale > 37 || len(s) > 100 {
			return
		}
		got, ok, fits := fitDecimal(s, precision, scale)
		if !ok || len(s) > 4 && strings.ContainsAny(s[1:], "eE") && len(s[strings.IndexAny(s, "eE"):]) > 4 {
			return
		}
		r, valid := new(big.Rat).SetString(s)
		if !valid {
			return // such as "5." with an exponent, which only one of the two reads
		}
		r.Mul(r, new(big.Rat).SetInt(pow10(scale)))
		half := big.NewRat(1, 2)
		if r.Sign() < 0 {
			half.Neg(half)
		}
		r.Add(r, half)
		n := new(big.Int).Quo(r.Num(), r.Denom())
		if new(big.Int).Abs(n).Cmp(pow10(precision)) >= 0 {
			if fits {
				t.Fatalf("%q fits NUMBER(%d,%d) as %q", s, precision, scale, got)
			}
			return
		}
		if want := scaled(n, scale); !fits || got != want {
			t.Fatalf("%q in NUMBER(%d,%d): got %q (%v), want %q", s, precision, scale, got, fits, want)
		}
	})
}
