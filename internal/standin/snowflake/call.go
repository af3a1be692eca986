package snowflake

import (
	"strconv"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func argumentCount(x *syntax.Call) *Error {
	return failf("000938", "22023", "SQL compilation error: error line 1 at position 0\nnot enough or too many arguments for function [%s]", x.Name)
}

func (c *compiler) call(x *syntax.Call) (compiled, error) {
	if aggregateNames[x.Name] {
		return c.aggregate(x)
	}
	if x.Over != nil {
		return c.window(x)
	}
	switch x.Name {
	case "GET":
		if len(x.Args) != 2 {
			return compiled{}, argumentCount(x)
		}
		return c.get(x.Args[0], x.Args[1])
	case "CONCAT":
		if len(x.Args) == 0 {
			return compiled{}, argumentCount(x)
		}
	case "TO_NUMBER", "TO_DECIMAL", "TO_NUMERIC":
		t := Type{Kind: KindNumber, Precision: 38}
		for i, p := range []*int{&t.Precision, &t.Scale} {
			if len(x.Args) <= i+1 {
				break
			}
			n, ok := x.Args[i+1].(syntax.Number)
			if !ok {
				return compiled{}, argumentCount(x)
			}
			*p, _ = strconv.Atoi(n.Text)
		}
		if len(x.Args) == 0 || t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return compiled{}, argumentCount(x)
		}
		a, err := c.expr(x.Args[0])
		return c.castTo(a, t, false), err
	}
	f, ok := functions[x.Name]
	if strings.HasPrefix(x.Name, "TRY_TO_") && !ok {
		if g, known := functions[x.Name[4:]]; known {
			f, ok = g, true
			run := g.run
			f.run = func(st *execution, a []Value) (Value, error) {
				if v, err := run(st, a); err == nil {
					return v, nil
				}
				return Value{}, nil // what TRY_ is for
			}
		}
	}
	if !ok && x.Name != "CONCAT" || c.copy && (strings.HasPrefix(x.Name, "SYSTEM$") || strings.HasPrefix(x.Name, "TRY_TO_TIMESTAMP")) {
		return compiled{}, failf("002140", "42601", "SQL compilation error:\nUnknown function %s", x.Name)
	}
	args := make([]compiled, len(x.Args))
	for i, a := range x.Args {
		var err error
		if args[i], err = c.expr(a); err != nil {
			return compiled{}, err
		}
	}
	if x.Name == "CONCAT" {
		return c.concat(args...), nil
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most || x.Star || x.Distinct {
		return compiled{}, argumentCount(x)
	}
	st := c.st
	return compiled{f.typ(args), func(e *env) (Value, error) {
		var few [16]Value
		vals := few[:0]
		for _, a := range args {
			v, err := a.run(e)
			if err != nil || v.IsNull() && !f.lenient {
				return Value{}, err
			}
			vals = append(vals, v)
		}
		return f.run(st, vals)
	}}, nil
}
