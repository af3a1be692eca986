package snowflake

import "slices"

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
