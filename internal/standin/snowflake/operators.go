package snowflake

import (
	"cmp"
	"errors"
	"math"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func (c *compiler) binary(x *syntax.Binary) (compiled, error) {
	a, b, err := c.two(x.L, x.R)
	if err != nil {
		return compiled{}, err
	}
	boolean := Type{Kind: KindBoolean}
	switch x.Op {
	case "AND", "OR":
		stop := x.Op == "OR" // the value that decides by itself
		return compiled{boolean, func(e *env) (Value, error) {
			l, err := a.run(e)
			if err != nil {
				return l, err
			}
			if !l.IsNull() {
				if l, err = toBoolean(l); err != nil || l.Bool() == stop {
					return l, err
				}
			}
			r, err := b.run(e)
			if err != nil || r.IsNull() {
				return r, err
			}
			if r, err = toBoolean(r); err != nil || r.Bool() == stop || !l.IsNull() {
				return r, err
			}
			return Value{}, nil
		}}, nil
	case "+", "-", "*", "/", "%":
		return c.math(x.Op, a, b), nil
	case "||":
		return c.concat(a, b), nil
	case "LIKE", "ILIKE":
		f := &c.st.formats
		return compiled{boolean, func(e *env) (Value, error) {
			l, r, err := both(a, b, e)
			if err != nil || l.IsNull() || r.IsNull() {
				return Value{}, err
			}
			s, p := f.text(l), f.text(r)
			if x.Op == "ILIKE" {
				s, p = strings.ToUpper(s), strings.ToUpper(p)
			}
			return BoolValue(like(p, s)), nil
		}}, nil
	}
	if err := comparable_(a.typ, b.typ); err != nil {
		return compiled{}, err
	}
	f, op := &c.st.formats, x.Op
	return compiled{boolean, func(e *env) (Value, error) {
		l, r, err := both(a, b, e)
		if err != nil || l.IsNull() || r.IsNull() {
			return Value{}, err
		}
		n, err := f.compare(l, r)
		return BoolValue(ordered(op, n)), err
	}}, nil
}

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

func (c *compiler) math(op string, a, b compiled) compiled {
	f := &c.st.formats
	float := a.typ.Kind == KindFloat || b.typ.Kind == KindFloat
	t := Type{Kind: KindFloat}
	if !float {
		sa, sb := a.typ.Scale, b.typ.Scale
		scale := max(sa, sb)
		switch op {
		case "*":
			scale = min(sa+sb, 37)
		case "/":
			scale = max(sa, min(sa+6, 12))
		}
		t = Type{Kind: KindNumber, Precision: 38, Scale: scale}
	}
	return compiled{t, func(e *env) (Value, error) {
		l, r, err := both(a, b, e)
		if err != nil || l.IsNull() || r.IsNull() {
			return Value{}, err
		}
		for _, v := range []*Value{&l, &r} {
			want := defaultType(KindNumber)
			if float {
				want = Type{Kind: KindFloat}
			}
			if v.Kind != want.Kind {
				if *v, err = f.convert(*v, want); err != nil {
					return Value{}, err
				}
			}
		}
		if !float {
			s, err := arithmetic(op[0], l.Text, r.Text)
			return NumberValue(s), err
		}
		x, y := l.Float(), r.Float()
		switch op {
		case "+":
			x += y
		case "-":
			x -= y
		case "*":
			x *= y
		default:
			if y == 0 {
				return Value{}, failf("100051", "22012", "Division by zero")
			}
			if op == "%" {
				x = math.Mod(x, y)
			} else {
				x /= y
			}
		}
		return FloatValue(x), nil
	}}
}

func (c *compiler) concat(parts ...compiled) compiled {
	f := &c.st.formats
	return compiled{defaultType(KindVarchar), func(e *env) (Value, error) {
		var b strings.Builder
		for _, p := range parts {
			v, err := p.run(e)
			if err != nil || v.IsNull() || v.Kind.Semistructured() && v.Text == "null" {
				return Value{}, err
			}
			b.WriteString(f.text(v))
		}
		return TextValue(b.String()), nil
	}}
}

func (c *compiler) in_(x *syntax.In) (compiled, error) {
	a, err := c.expr(x.X)
	if err != nil {
		return compiled{}, err
	}
	var members func(e *env) ([]Value, error)
	if x.Select != nil {
		q, err := c.subquery(x.Select)
		if err != nil {
			return compiled{}, err
		}
		if len(q.columns) != 1 {
			return compiled{}, compileError("subquery must return one column")
		}
		members = func(e *env) ([]Value, error) {
			var out []Value
			err := q.each(e, func(row []Value) error { out = append(out, row[0]); return nil })
			return out, err
		}
	} else {
		if len(x.List) > syntax.MaxValues {
			return compiled{}, compileError("maximum number of expressions in a list exceeded, expected at most 16,384, got %d", len(x.List))
		}
		list := make([]compiled, len(x.List))
		for i, m := range x.List {
			if list[i], err = c.expr(m); err != nil {
				return compiled{}, err
			}
		}
		members = func(e *env) ([]Value, error) {
			out := make([]Value, len(list))
			for i, m := range list {
				var err error
				if out[i], err = m.run(e); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	}
	f := &c.st.formats
	return compiled{Type{Kind: KindBoolean}, func(e *env) (Value, error) {
		v, err := a.run(e)
		if err != nil || v.IsNull() {
			return Value{}, err
		}
		list, err := members(e)
		if err != nil {
			return Value{}, err
		}
		null := false
		for _, m := range list {
			if m.IsNull() {
				null = true
				continue
			}
			n, err := f.compare(v, m)
			if err != nil {
				return Value{}, err
			}
			if n == 0 {
				return BoolValue(!x.Not), nil
			}
		}
		if null {
			return Value{}, nil
		}
		return BoolValue(x.Not), nil
	}}, nil
}

func (c *compiler) exists(x *syntax.Exists) (compiled, error) {
	q, err := c.subquery(x.Select)
	if err != nil {
		return compiled{}, err
	}
	return compiled{Type{Kind: KindBoolean}, func(e *env) (Value, error) {
		err := q.each(e, func([]Value) error { return errEnough })
		if errors.Is(err, errEnough) {
			return BoolValue(true), nil
		}
		return BoolValue(false), err
	}}, nil
}

func (c *compiler) scalar(x *syntax.Scalar) (compiled, error) {
	q, err := c.subquery(x.Select)
	if err != nil {
		return compiled{}, err
	}
	if len(q.columns) != 1 {
		return compiled{}, compileError("subquery must return one column")
	}
	return compiled{q.columns[0].Type, func(e *env) (Value, error) {
		var out Value
		n := 0
		err := q.each(e, func(row []Value) error {
			if n++; n > 1 {
				return failf("090150", "22000", "Single-row subquery returns more than one row.")
			}
			out = row[0]
			return nil
		})
		return out, err
	}}, nil
}
