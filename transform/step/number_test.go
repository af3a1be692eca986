package step

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

var decimals = rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`)

func rat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := decimals.Draw(t, "x"), decimals.Draw(t, "y")
		if rapid.Bool().Draw(t, "small") {
			x, y = rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})`).Draw(t, "a"), rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})`).Draw(t, "b")
		}
		a, err := parseDecimal([]byte(x))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseDecimal([]byte(y))
		if err != nil {
			t.Fatal(err)
		}
		same := func(what string, got decimal, err error, want *big.Rat) {
			t.Helper()
			text := string(got.append(nil))
			if err != nil || rat(text).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %s, %v; want %s", x, what, y, text, err, want.FloatString(60))
			}
		}
		sum, err := a.add(b)
		same("+", sum, err, new(big.Rat).Add(rat(x), rat(y)))
		product, err := a.multiply(b)
		same("*", product, err, new(big.Rat).Mul(rat(x), rat(y)))
		same("-", a.negate(), nil, new(big.Rat).Neg(rat(x)))
		if got, want := a.compare(b), rat(x).Cmp(rat(y)); got != want {
			t.Fatalf("compare %s %s = %d", x, y, got)
		}
		floor := a.floor()
		want := new(big.Int).Div(rat(x).Num(), rat(x).Denom())
		same("floor", floor, nil, new(big.Rat).SetInt(want))
		if !b.isZero() {
			q, err := a.divide(b)
			if err != nil {
				t.Fatal(err)
			}
			exact := new(big.Rat).Quo(rat(x), rat(y))
			diff := new(big.Rat).Sub(rat(string(q.append(nil))), exact)
			bound := new(big.Rat).Mul(new(big.Rat).Abs(exact), rat("5.0000000001e-38"))
			if diff.Abs(diff).Cmp(bound) > 0 {
				t.Fatalf("%s / %s = %s, off by %s", x, y, q.append(nil), diff.FloatString(80))
			}
		}
	})
}

func TestNumbersThatAreTooLarge(t *testing.T) {
	for _, text := range []string{"1e401", "1e-401", "1e99999999999999999999", string(make1(1001))} {
		if _, err := parseDecimal([]byte(text)); err == nil {
			t.Errorf("%.20s is taken", text)
		}
	}
	d, _ := parseDecimal([]byte("1e300"))
	if _, err := d.multiply(d); err == nil {
		t.Error("1e300 * 1e300 is taken")
	}
	if _, err := ofInt(99).power(ofInt(400)); err != nil {
		t.Error(err)
	}
	d, _ = parseDecimal(make1(999))
	if _, err := d.power(ofInt(400)); err == nil {
		t.Error("a number of 400,000 digits is made")
	}
}

func make1(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '1'
	}
	return b
}
