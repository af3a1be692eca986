package snowflake

import (
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// An expression is compiled once, with all names resolved (so that an unknown column fails even over an empty table), and
// then run for each row.
type compiled struct {
	typ Type
	run func(*env) (Value, error)
}

// env is what an expression reads: for each source of its query the current row, and the env of the query around it.
type env struct {
	rows   [][]Value
	parent *env
	aggs   []Value
	places []Value // by window function
	record *copyRecord
}

// A compiler works for one statement, in one scope.
type compiler struct {
	st      *execution
	scope   *scope
	aggs    *aggregation // nil where aggregates are not allowed
	windows *[]window    // nil where window functions are not allowed
	copy    bool         // inside COPY's transform
	alias   string       // COPY's stage alias
}

func (c *compiler) in(s *scope) *compiler {
	return &compiler{st: c.st, scope: s}
}

func constant(v Value, t Type) compiled {
	return compiled{typ: t, run: func(*env) (Value, error) { return v, nil }}
}

func (c *compiler) expr(x syntax.Expr) (compiled, error) {
	switch x := x.(type) {
	case syntax.Null:
		return constant(Value{}, Type{}), nil
	case syntax.Bool:
		return constant(BoolValue(x.Value), Type{Kind: KindBoolean}), nil
	case syntax.String:
		return constant(TextValue(x.Text), defaultType(KindVarchar)), nil
	case syntax.Number:
		return number(x.Text)
	case *syntax.Bind:
		if x.N >= len(c.st.binds) {
			return compiled{}, failf("002049", "42601", "SQL compilation error: error line 1 at position 0\nBind variable ? not set.")
		}
		v := c.st.binds[x.N]
		return constant(v, defaultType(v.Kind)), nil
	case *syntax.Column:
		return c.column(x)
	case *syntax.Dollar:
		return c.dollar(x)
	case *syntax.Cast:
		return c.cast(x)
	case *syntax.Unary:
		return c.unary(x)
	case *syntax.Binary:
		return c.binary(x)
	case *syntax.In:
		return c.in_(x)
	case *syntax.IsNull:
		a, err := c.expr(x.X)
		if err != nil {
			return compiled{}, err
		}
		return compiled{Type{Kind: KindBoolean}, func(e *env) (Value, error) {
			v, err := a.run(e)
			return BoolValue(v.IsNull() != x.Not), err
		}}, nil
	case *syntax.Exists:
		return c.exists(x)
	case *syntax.Scalar:
		return c.scalar(x)
	case *syntax.Case:
		return c.caseExpr(x)
	case *syntax.Field:
		return c.get(x.X, syntax.String{Text: x.Key})
	case *syntax.Index:
		return c.get(x.X, x.I)
	case *syntax.Call:
		return c.call(x)
	}
	return compiled{}, compileError("unexpected expression")
}

func number(text string) (compiled, error) {
	if strings.ContainsAny(text, "eE") {
		v, err := toFloat(TextValue(text))
		return constant(v, Type{Kind: KindFloat}), err
	}
	neg, digits, exp, _ := decimalParts(text)
	scale := max(-exp, 0)
	if len(digits) > 38 || scale > 37 {
		return compiled{}, outOfRange(text)
	}
	return constant(NumberValue(formatDecimal(neg, digits, scale)), Type{Kind: KindNumber, Precision: max(len(digits), scale, 1), Scale: scale}), nil
}

func (c *compiler) cast(x *syntax.Cast) (compiled, error) {
	t, err := resolveType(x.Type, c.st.session.parameter("TIMESTAMP_TYPE_MAPPING"))
	if err != nil {
		return compiled{}, err
	}
	a, err := c.expr(x.X)
	if err != nil {
		return compiled{}, err
	}
	return c.castTo(a, t, x.Try), nil
}

func (c *compiler) castTo(a compiled, t Type, try bool) compiled {
	f := &c.st.formats
	return compiled{t, func(e *env) (Value, error) {
		v, err := a.run(e)
		if err != nil {
			return v, err
		}
		out, err := f.convert(v, t)
		if err != nil && try {
			return Value{}, nil
		}
		return out, err
	}}
}

func (c *compiler) two(l, r syntax.Expr) (a, b compiled, err error) {
	if a, err = c.expr(l); err != nil {
		return
	}
	b, err = c.expr(r)
	return
}

func (c *compiler) unary(x *syntax.Unary) (compiled, error) {
	a, err := c.expr(x.X)
	if err != nil {
		return compiled{}, err
	}
	switch x.Op {
	case "NOT":
		return compiled{Type{Kind: KindBoolean}, func(e *env) (Value, error) {
			v, err := a.run(e)
			if err != nil || v.IsNull() {
				return v, err
			}
			if v, err = toBoolean(v); err != nil {
				return v, err
			}
			return BoolValue(!v.Bool()), nil
		}}, nil
	case "-":
		return c.math("-", constant(IntValue(0), Type{Kind: KindNumber, Precision: 1}), a), nil
	}
	return a, nil
}

func (c *compiler) caseExpr(x *syntax.Case) (compiled, error) {
	type branch struct{ when, then compiled }
	var branches []branch
	var out Type
	for _, w := range x.When {
		cond := w.If
		if x.X != nil {
			cond = &syntax.Binary{Op: "=", L: x.X, R: w.If}
		}
		a, b, err := c.two(cond, w.Then)
		if err != nil {
			return compiled{}, err
		}
		out = commonType(out, b.typ)
		branches = append(branches, branch{a, b})
	}
	otherwise := constant(Value{}, Type{})
	if x.Else != nil {
		var err error
		if otherwise, err = c.expr(x.Else); err != nil {
			return compiled{}, err
		}
		out = commonType(out, otherwise.typ)
	}
	f := &c.st.formats
	return compiled{out, func(e *env) (Value, error) {
		pick := otherwise
		for _, b := range branches {
			ok, err := isTrue(b.when, e)
			if err != nil {
				return Value{}, err
			}
			if ok {
				pick = b.then
				break
			}
		}
		v, err := pick.run(e)
		if err != nil || out.Kind == KindNull {
			return v, err
		}
		return f.convert(v, out)
	}}, nil
}

func isTrue(c compiled, e *env) (bool, error) {
	v, err := c.run(e)
	if err != nil || v.IsNull() {
		return false, err
	}
	v, err = toBoolean(v)
	return v.Bool(), err
}

// commonType is the type that holds values of both, for CASE, COALESCE, VALUES and UNION ALL.
func commonType(a, b Type) Type {
	switch {
	case a.Kind == KindNull:
		return b
	case b.Kind == KindNull:
		return a
	case a.Kind == b.Kind:
		if a.Kind == KindNumber {
			scale := max(a.Scale, b.Scale)
			return Type{Kind: KindNumber, Scale: scale, Precision: min(38, max(a.Precision-a.Scale, b.Precision-b.Scale)+scale)}
		}
		a.Length, a.Scale = max(a.Length, b.Length), max(a.Scale, b.Scale)
		return a
	case a.Kind.Semistructured() || b.Kind.Semistructured():
		return Type{Kind: KindVariant}
	case a.Kind == KindFloat && b.Kind == KindNumber || a.Kind == KindNumber && b.Kind == KindFloat:
		return Type{Kind: KindFloat}
	case isTimestamp(a.Kind) && isTimestamp(b.Kind):
		return defaultType(KindTimestampLTZ)
	case a.Kind == KindVarchar:
		return b
	case b.Kind == KindVarchar:
		return a
	}
	return defaultType(KindVarchar)
}
