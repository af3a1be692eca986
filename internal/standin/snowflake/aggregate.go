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
		if x.Over != nil {
			for _, a := range x.Over.Partition {
				walkExpr(a, fn)
			}
			for _, o := range x.Over.Order {
				walkExpr(o.Expr, fn)
			}
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
