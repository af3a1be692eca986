package snowflake

import (
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
