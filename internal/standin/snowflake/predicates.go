package snowflake

import (
	"errors"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

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
