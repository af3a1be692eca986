package snowflake

import (
	"slices"
	"strconv"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func parseJSONFunction(st *execution, a []Value) (Value, error) {
	if strings.TrimSpace(a[0].Text) == "" {
		return Value{}, nil
	}
	n, err := parseJSON(st.formats.text(a[0]), false)
	if err != nil {
		return Value{}, err
	}
	b, err := appendVariant(nil, n)
	return Value{Kind: KindVariant, Text: string(b), Int: 1}, err
}

func typeOf(_ *execution, a []Value) (Value, error) {
	names := map[byte]string{'{': "OBJECT", '[': "ARRAY", '"': "VARCHAR", 't': "BOOLEAN", 'f': "BOOLEAN", 'n': "NULL_VALUE"}
	if !a[0].Kind.Semistructured() {
		return Value{}, compileError("Invalid argument types for function 'TYPEOF': (%s)", a[0].Kind)
	}
	s := names[a[0].Text[0]]
	if s == "" {
		s = "DOUBLE"
		if exactInteger(a[0].Text) {
			s = "INTEGER"
		}
	}
	return TextValue(s), nil
}

// objectConstruct builds an object with sorted keys; pairs whose key or value is NULL are left out (unless nulls are kept).
func objectConstruct(keepNull bool) func(*execution, []Value) (Value, error) {
	return func(st *execution, a []Value) (Value, error) {
		if len(a)%2 != 0 {
			return Value{}, compileError("not enough arguments for function [OBJECT_CONSTRUCT]")
		}
		pairs := make([]int, 0, 16)
		for i := 0; i < len(a); i += 2 {
			if a[i].IsNull() || a[i+1].IsNull() && !keepNull {
				continue
			}
			pairs = append(pairs, i)
		}
		slices.SortFunc(pairs, func(x, y int) int { return strings.Compare(a[x].Text, a[y].Text) })
		b := make([]byte, 0, 256)
		b = append(b, '{')
		for n, i := range pairs {
			if n > 0 {
				if a[pairs[n-1]].Text == a[i].Text {
					return Value{}, failf("100069", "22P02", "Duplicate field key '%s'", a[i].Text)
				}
				b = append(b, ',')
			}
			b = append(appendJSONString(b, a[i].Text), ':')
			v := a[i+1]
			if v.Kind.Semistructured() && v.Int == 0 {
				var err error
				if v.Text, err = canonicalVariant(v.Text); err != nil {
					return Value{}, err
				}
			}
			b = st.formats.appendJSON(b, v)
		}
		return Value{Kind: KindObject, Text: string(append(b, '}')), Int: 1}, nil
	}
}

// get is GET(x, i), x[i] and x:key. On a record of COPY it reads the parsed document, elsewhere it parses.
func (c *compiler) get(x, index syntax.Expr) (compiled, error) {
	i, err := c.expr(index)
	if err != nil {
		return compiled{}, err
	}
	if i.typ.Kind != KindNumber && i.typ.Kind != KindVarchar && i.typ.Kind != KindNull && i.typ.Kind != KindVariant {
		return compiled{}, compileError("Invalid argument types for function 'GET': (VARIANT, %s)", i.typ)
	}
	if d, ok := x.(*syntax.Dollar); ok && c.copy {
		if _, err := c.dollar(d); err != nil {
			return compiled{}, err
		}
		return compiled{Type{Kind: KindVariant}, func(e *env) (Value, error) {
			k, err := i.run(e)
			if err != nil {
				return k, err
			}
			return child(e.record.node, k), nil
		}}, nil
	}
	a, err := c.expr(x)
	if err != nil {
		return compiled{}, err
	}
	if !a.typ.Kind.Semistructured() && a.typ.Kind != KindNull {
		return compiled{}, compileError("Invalid argument types for function 'GET': (%s, %s)", a.typ, i.typ)
	}
	return compiled{Type{Kind: KindVariant}, func(e *env) (Value, error) {
		v, k, err := both(a, i, e)
		if err != nil || v.IsNull() {
			return Value{}, err
		}
		n, err := parseJSON(v.Text, true)
		return child(n, k), err
	}}, nil
}

// child is one element of an array or one value of an object; SQL NULL for what is not there.
func child(n node, k Value) Value {
	switch {
	case n.kind == '[' && k.Kind == KindNumber:
		if i, err := strconv.Atoi(k.Text); err == nil && i >= 0 && i < len(n.items) {
			return JSONValue(KindVariant, n.items[i].raw)
		}
	case n.kind == '{' && k.Kind == KindVarchar:
		if i := slices.Index(n.keys, k.Text); i >= 0 {
			return JSONValue(KindVariant, n.items[i].raw)
		}
	}
	return Value{}
}
