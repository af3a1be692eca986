package snowflake

import (
	"slices"
	"strconv"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// aggregation is the grouping of one SELECT.
type aggregation struct {
	keys   []compiled
	names  []string // of plain columns among the keys
	calls  []aggregateCall
	inside bool // an aggregate's argument is being compiled
	keyed  bool // keys are being compiled
}

type aggregateCall struct {
	name     string
	arg      *compiled // nil for COUNT(*)
	distinct bool
	typ      Type
}

var aggregateNames = map[string]bool{"COUNT": true, "SUM": true, "MIN": true, "MAX": true, "AVG": true, "ANY_VALUE": true, "COUNT_IF": true}

// grouped says whether a column may stand outside of aggregates.
func (a *aggregation) grouped(x *syntax.Column) bool {
	return a.keyed || slices.Contains(a.names, x.Name[len(x.Name)-1].Name)
}

// aggregates prepares grouping where the SELECT has any; otherwise it gives nil.
func (c *compiler) aggregates(s *syntax.Select, items []syntax.SelectItem) (*aggregation, error) {
	found := len(s.GroupBy) > 0 || s.Having != nil
	for _, it := range items {
		found = found || hasAggregate(it.Expr)
	}
	if !found {
		return nil, nil
	}
	a := &aggregation{keyed: true}
	c.aggs = a
	for _, x := range s.GroupBy {
		if n, ok := x.(syntax.Number); ok {
			i, err := strconv.Atoi(n.Text)
			if err != nil || i < 1 || i > len(items) {
				return nil, compileError("invalid GROUP BY position %s", n.Text)
			}
			x = items[i-1].Expr
		} else if col, ok := x.(*syntax.Column); ok && len(col.Name) == 1 {
			if src, _, _ := c.scope.find(col.Name); src < 0 && c.scope.aliases[col.Name[0].Name] != nil {
				x = c.scope.aliases[col.Name[0].Name]
			}
		}
		a.names = append(a.names, columnNames(x)...)
		k, err := c.expr(x)
		if err != nil {
			return nil, err
		}
		a.keys = append(a.keys, k)
	}
	a.keyed = false
	return a, nil
}

// columnNames lists the columns in an expression; a key such as UPPER(A) lets A stand in the select list too, which is
// kinder than the service and harmless.
func columnNames(x syntax.Expr) []string {
	var names []string
	walkExpr(x, func(x syntax.Expr) {
		if c, ok := x.(*syntax.Column); ok {
			names = append(names, c.Name[len(c.Name)-1].Name)
		}
	})
	return names
}

func hasAggregate(x syntax.Expr) bool {
	found := false
	walkExpr(x, func(x syntax.Expr) {
		if c, ok := x.(*syntax.Call); ok && aggregateNames[c.Name] {
			found = true
		}
	})
	return found
}

// walkExpr visits an expression and what is inside it, but not inside subqueries.
func walkExpr(x syntax.Expr, fn func(syntax.Expr)) {
	if x == nil {
		return
	}
	fn(x)
	switch x := x.(type) {
	case *syntax.Call:
		for _, a := range x.Args {
			walkExpr(a, fn)
		}
	case *syntax.Cast:
		walkExpr(x.X, fn)
	case *syntax.Unary:
		walkExpr(x.X, fn)
	case *syntax.Binary:
		walkExpr(x.L, fn)
		walkExpr(x.R, fn)
	case *syntax.In:
		walkExpr(x.X, fn)
		for _, m := range x.List {
			walkExpr(m, fn)
		}
	case *syntax.IsNull:
		walkExpr(x.X, fn)
	case *syntax.Case:
		walkExpr(x.X, fn)
		for _, w := range x.When {
			walkExpr(w.If, fn)
			walkExpr(w.Then, fn)
		}
		walkExpr(x.Else, fn)
	case *syntax.Field:
		walkExpr(x.X, fn)
	case *syntax.Index:
		walkExpr(x.X, fn)
		walkExpr(x.I, fn)
	}
}

func (c *compiler) aggregate(x *syntax.Call) (compiled, error) {
	if c.aggs == nil || c.aggs.inside || c.aggs.keyed {
		return compiled{}, compileError("Invalid aggregate function in this context [%s]", x.Name)
	}
	call := aggregateCall{name: x.Name, distinct: x.Distinct, typ: Type{Kind: KindNumber, Precision: 18}}
	if !x.Star {
		if len(x.Args) != 1 {
			return compiled{}, argumentCount(x)
		}
		c.aggs.inside = true
		arg, err := c.expr(x.Args[0])
		c.aggs.inside = false
		if err != nil {
			return compiled{}, err
		}
		call.arg = &arg
		switch x.Name {
		case "MIN", "MAX", "ANY_VALUE":
			call.typ = arg.typ
		case "SUM":
			call.typ = Type{Kind: KindNumber, Precision: 38, Scale: arg.typ.Scale}
			if arg.typ.Kind == KindFloat {
				call.typ = arg.typ
			}
		case "AVG":
			call.typ = Type{Kind: KindNumber, Precision: 38, Scale: max(arg.typ.Scale, min(arg.typ.Scale+6, 12))}
			if arg.typ.Kind == KindFloat {
				call.typ = arg.typ
			}
		}
	} else if x.Name != "COUNT" {
		return compiled{}, argumentCount(x)
	}
	i := len(c.aggs.calls)
	c.aggs.calls = append(c.aggs.calls, call)
	return compiled{call.typ, func(e *env) (Value, error) { return e.aggs[i], nil }}, nil
}

type group struct {
	env  *env
	accs []accumulator
}

type accumulator struct {
	n     int64
	value Value
	seen  map[string]bool
}

// groups collects the rows into groups, in order of first appearance, and calls fn for each. Without keys there is one
// group, also over no rows.
func (a *aggregation) groups(r *runner, outer *env, fn func(*env) error) error {
	byKey := map[string]*group{}
	var all []*group
	add := func(key string, e *env) *group {
		g := &group{env: &env{parent: outer, rows: slices.Clone(e.rows)}, accs: make([]accumulator, len(a.calls))}
		byKey[key] = g
		all = append(all, g)
		return g
	}
	err := r.joined(outer, func(_ int64, e *env) error {
		key := ""
		if len(a.keys) > 0 {
			row := make([]Value, len(a.keys))
			for i, k := range a.keys {
				var err error
				if row[i], err = k.run(e); err != nil {
					return err
				}
			}
			key = rowKey(row)
		}
		g := byKey[key]
		if g == nil {
			g = add(key, e)
		}
		for i := range a.calls {
			if err := g.accs[i].add(&a.calls[i], r.st.formats, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(all) == 0 && len(a.keys) == 0 {
		add("", &env{rows: make([][]Value, len(r.scope.sources))})
	}
	for _, g := range all {
		g.env.aggs = make([]Value, len(a.calls))
		for i := range a.calls {
			v, err := g.accs[i].result(&a.calls[i])
			if err != nil {
				return err
			}
			g.env.aggs[i] = v
		}
		if err := fn(g.env); err != nil {
			return err
		}
	}
	return nil
}

func (acc *accumulator) add(c *aggregateCall, f timeFormats, e *env) error {
	if c.arg == nil {
		acc.n++
		return nil
	}
	v, err := c.arg.run(e)
	if err != nil || v.IsNull() {
		return err
	}
	if c.distinct {
		if acc.seen == nil {
			acc.seen = map[string]bool{}
		}
		k := rowKey([]Value{v})
		if acc.seen[k] {
			return nil
		}
		acc.seen[k] = true
	}
	switch c.name {
	case "COUNT_IF":
		if v, err = toBoolean(v); err != nil || !v.Bool() {
			return err
		}
	case "SUM", "AVG":
		kind := KindNumber
		if c.typ.Kind == KindFloat {
			kind = KindFloat
		}
		if v.Kind != kind {
			t := defaultType(kind)
			t.Scale = c.typ.Scale
			if v, err = f.convert(v, t); err != nil {
				return err
			}
		}
		switch {
		case acc.n == 0:
		case kind == KindFloat:
			v = FloatValue(acc.value.Float() + v.Float())
		default:
			if v.Text, err = arithmetic('+', acc.value.Text, v.Text); err != nil {
				return err
			}
		}
		acc.value = v
	case "MIN", "MAX":
		if acc.n > 0 {
			n, err := f.compare(v, acc.value)
			if err != nil {
				return err
			}
			if (n < 0) != (c.name == "MIN") {
				break
			}
		}
		acc.value = v
	case "ANY_VALUE":
		if acc.n == 0 {
			acc.value = v
		}
	}
	acc.n++
	return nil
}

func (acc *accumulator) result(c *aggregateCall) (Value, error) {
	switch {
	case c.name == "COUNT" || c.name == "COUNT_IF":
		return IntValue(acc.n), nil
	case acc.n == 0:
		return Value{}, nil
	case c.name == "AVG" && c.typ.Kind == KindFloat:
		return FloatValue(acc.value.Float() / float64(acc.n)), nil
	case c.name == "AVG":
		s, err := arithmetic('/', acc.value.Text, IntValue(acc.n).Text)
		return NumberValue(s), err
	}
	return acc.value, nil
}
