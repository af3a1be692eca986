package snowflake

import (
	"slices"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// window is one ROW_NUMBER() OVER (...) of a SELECT.
type window struct {
	partition []compiled
	order     []orderKey
}

func (c *compiler) window(x *syntax.Call) (compiled, error) {
	if c.windows == nil {
		return compiled{}, failf("002140", "42601", "SQL compilation error:\nWindow function [%s] appears outside of SELECT, QUALIFY, and ORDER BY clauses.", x.Name)
	}
	if len(x.Over.Order) == 0 {
		return compiled{}, compileError("Window function type [ROW_NUMBER] requires ORDER BY in window specification")
	}
	all := c.windows
	c.windows = nil // they do not nest
	defer func() { c.windows = all }()
	var w window
	for _, p := range x.Over.Partition {
		k, err := c.expr(p)
		if err != nil {
			return compiled{}, err
		}
		w.partition = append(w.partition, k)
	}
	for _, o := range x.Over.Order {
		k := orderKey{desc: o.Desc, nullsFirst: o.Desc}
		if o.NullsFirst != nil {
			k.nullsFirst = *o.NullsFirst
		}
		var err error
		if k.key, err = c.expr(o.Expr); err != nil {
			return compiled{}, err
		}
		w.order = append(w.order, k)
	}
	i := len(*all)
	*all = append(*all, w)
	return compiled{Type{Kind: KindNumber, Precision: 18}, func(e *env) (Value, error) { return e.places[i], nil }}, nil
}

// windowed calls fn for each row with its place in each window.
func (r *runner) windowed(outer *env, fn func(*env) error) error {
	var rows []*env
	err := r.joined(outer, func(_ int64, e *env) error {
		rows = append(rows, &env{parent: outer, rows: slices.Clone(e.rows), places: make([]Value, len(r.windows))})
		return nil
	})
	if err != nil {
		return err
	}
	for i := range r.windows {
		if err := r.number(i, rows); err != nil {
			return err
		}
	}
	for _, e := range rows {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// number gives each row its place in window i, from 1.
func (r *runner) number(i int, rows []*env) error {
	w := &r.windows[i]
	evaluate := func(e *env, n int, key func(int) compiled) ([]Value, error) {
		values := make([]Value, n)
		for k := range values {
			var err error
			if values[k], err = key(k).run(e); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
	parts := map[string][]sortedRow{}
	for n, e := range rows {
		part, err := evaluate(e, len(w.partition), func(k int) compiled { return w.partition[k] })
		if err != nil {
			return err
		}
		keys, err := evaluate(e, len(w.order), func(k int) compiled { return w.order[k].key })
		if err != nil {
			return err
		}
		name := rowKey(part)
		parts[name] = append(parts[name], sortedRow{[]Value{IntValue(int64(n))}, keys})
	}
	place := map[string]int{} // by the row's index as text
	for _, part := range parts {
		if err := sortRows(part, w.order, &r.st.formats); err != nil {
			return err
		}
		for n, row := range part {
			place[row.row[0].Text] = n + 1
		}
	}
	for n, e := range rows {
		e.places[i] = IntValue(int64(place[IntValue(int64(n)).Text]))
	}
	return nil
}
