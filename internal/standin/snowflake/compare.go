package snowflake

import (
	"cmp"
	"math"
	"strings"
)

func ordered(op string, n int) bool {
	switch op {
	case "=":
		return n == 0
	case "<>":
		return n != 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// comparable_ refuses what the service refuses when it compiles: a number beside a time, say.
func comparable_(a, b Type) error {
	temporal := func(k Kind) bool { return k == KindDate || k == KindTime || isTimestamp(k) }
	number := func(k Kind) bool { return k == KindNumber || k == KindFloat || k == KindBoolean }
	if temporal(a.Kind) && number(b.Kind) || number(a.Kind) && temporal(b.Kind) {
		return compileError("Can not convert parameter of type [%s] into expected type [%s]", b, a)
	}
	return nil
}

func both(a, b compiled, e *env) (l, r Value, err error) {
	if l, err = a.run(e); err != nil {
		return
	}
	r, err = b.run(e)
	return
}

// compare orders two values that are not NULL, casting one towards the other as the service does: text beside a number
// becomes a number, text beside a time becomes a time, JSON beside a scalar becomes that scalar.
func (f timeFormats) compare(a, b Value) (int, error) {
	if a.Kind != b.Kind {
		var err error
		if a, b, err = f.align(a, b); err != nil || a.IsNull() || b.IsNull() {
			return 1, err
		}
	}
	switch a.Kind {
	case KindNumber:
		return compareDecimal(a.Text, b.Text), nil
	case KindFloat:
		x, y := a.Float(), b.Float()
		if math.IsNaN(x) || math.IsNaN(y) { // NaN equals itself and is the greatest
			return cmp.Compare(boolInt(math.IsNaN(x)), boolInt(math.IsNaN(y))), nil
		}
		return cmp.Compare(x, y), nil
	case KindVarchar, KindBinary:
		return strings.Compare(a.Text, b.Text), nil
	case KindVariant, KindObject, KindArray:
		return compareJSON(a.Text, b.Text)
	}
	if n := cmp.Compare(a.Int, b.Int); n != 0 {
		return n, nil
	}
	return cmp.Compare(a.Nanos, b.Nanos), nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareJSON(a, b string) (int, error) {
	if a == b {
		return 0, nil
	}
	if a[0] != 'n' && b[0] != 'n' {
		var err error
		if a, err = canonicalVariant(a); err != nil {
			return 0, err
		}
		if b, err = canonicalVariant(b); err != nil {
			return 0, err
		}
	}
	return strings.Compare(a, b), nil
}

func (f timeFormats) align(a, b Value) (Value, Value, error) {
	if a.Kind.Semistructured() && b.Kind.Semistructured() {
		a.Kind = b.Kind
		return a, b, nil
	}
	to := commonType(Type{Kind: a.Kind}, Type{Kind: b.Kind}).Kind
	if a.Kind.Semistructured() {
		to = b.Kind
	} else if b.Kind.Semistructured() {
		to = a.Kind
	}
	t := defaultType(to)
	if t.Kind == KindNumber { // text may hold more digits behind the point than the other side
		t.Scale = 12
		return f.alignNumbers(a, b, t)
	}
	a, err := f.convert(a, t)
	if err != nil {
		return a, b, err
	}
	b, err = f.convert(b, t)
	return a, b, err
}

func (f timeFormats) alignNumbers(a, b Value, t Type) (Value, Value, error) {
	for _, v := range []*Value{&a, &b} {
		if v.Kind == KindNumber {
			continue
		}
		if v.Kind == KindVarchar { // as exact as it is written
			if neg, digits, exp, ok := decimalParts(strings.TrimSpace(v.Text)); ok && len(digits) <= 38 && exp >= -37 && exp <= 0 {
				*v = NumberValue(formatDecimal(neg, digits, -exp))
				continue
			}
		}
		out, err := f.convert(*v, t)
		if err != nil {
			return a, b, err
		}
		*v = out
	}
	return a, b, nil
}
