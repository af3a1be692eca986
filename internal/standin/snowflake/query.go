package snowflake

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// errEnough ends the walk over a query's rows early.
var errEnough = errors.New("enough rows")

// plan is a compiled query.
type plan struct {
	columns []Column
	each    func(outer *env, fn func(row []Value) error) error
	tables  bool // it reads a table, hence needs a warehouse
}

func (c *compiler) subquery(s *syntax.Select) (*plan, error) {
	if c.copy {
		return nil, compileError("COPY statement only supports simple SELECT from stage statements for import.")
	}
	return c.query(s, c.scope)
}

// query compiles a SELECT inside the scope around it.
func (c *compiler) query(s *syntax.Select, outer *scope) (*plan, error) {
	p, err := c.core(s, outer)
	if err != nil {
		return nil, err
	}
	for _, u := range s.Union {
		o, err := c.query(u, outer)
		if err != nil {
			return nil, err
		}
		if len(o.columns) != len(p.columns) {
			return nil, compileError("invalid number of result columns for set operator input branches, expected %d, got %d", len(p.columns), len(o.columns))
		}
		p = c.unionAll(p, o)
	}
	return p, nil
}

func (c *compiler) unionAll(a, b *plan) *plan {
	cols := slices.Clone(a.columns)
	for i := range cols {
		cols[i].Type = commonType(cols[i].Type, b.columns[i].Type)
	}
	f := &c.st.formats
	return &plan{columns: cols, tables: a.tables || b.tables, each: func(outer *env, fn func([]Value) error) error {
		cast := func(row []Value) error {
			out := make([]Value, len(row))
			for i, v := range row {
				var err error
				if out[i], err = f.convert(v, cols[i].Type); err != nil {
					return err
				}
			}
			return fn(out)
		}
		if err := a.each(outer, cast); err != nil {
			return err
		}
		return b.each(outer, cast)
	}}
}

func (c *compiler) core(s *syntax.Select, outer *scope) (*plan, error) {
	if s.Values != nil {
		return c.values(s, outer)
	}
	sc := &scope{parent: outer, aliases: map[string]syntax.Expr{}}
	k := c.in(sc)
	p := &plan{}
	for _, r := range s.From {
		src, tables, err := k.tableRef(r, outer)
		if err != nil {
			return nil, err
		}
		p.tables = p.tables || tables
		sc.sources = append(sc.sources, src)
		if r.On != nil {
			on, err := k.expr(r.On)
			if err != nil {
				return nil, err
			}
			src.on = &on
		}
	}
	var where *compiled
	if s.Where != nil {
		w, err := k.expr(s.Where)
		if err != nil {
			return nil, err
		}
		where = &w
	}
	items, err := expandStars(s.Items, sc)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if it.Alias != "" {
			sc.aliases[it.Alias] = it.Expr
		}
	}
	if k.aggs, err = k.aggregates(s, items); err != nil {
		return nil, err
	}
	var windows []window
	if k.windows = &windows; k.aggs != nil {
		k.windows = nil
	}
	out := make([]compiled, len(items))
	for i, it := range items {
		if out[i], err = k.expr(it.Expr); err != nil {
			return nil, err
		}
		p.columns = append(p.columns, Column{Name: itemName(it), Type: out[i].typ})
	}
	order, err := k.order(s, items, out)
	if err != nil {
		return nil, err
	}
	var having *compiled
	if s.Having != nil {
		h, err := k.expr(s.Having)
		if err != nil {
			return nil, err
		}
		having = &h
	}
	var qualify *compiled
	if s.Qualify != nil {
		q, err := k.expr(s.Qualify)
		if err != nil {
			return nil, err
		}
		if qualify = &q; len(windows) == 0 {
			return nil, compileError("found QUALIFY clause without a window function")
		}
	}
	limit, err := k.limits(s)
	if err != nil {
		return nil, err
	}
	r := &runner{st: c.st, scope: sc, where: where, aggs: k.aggs, having: having, windows: windows, qualify: qualify, out: out, order: order, distinct: s.Distinct, limit: limit}
	p.each = r.each
	return p, nil
}

func itemName(it syntax.SelectItem) string {
	if it.Alias != "" {
		return it.Alias
	}
	if c, ok := it.Expr.(*syntax.Column); ok {
		return c.Name[len(c.Name)-1].Name
	}
	return strings.ToUpper(it.Text)
}

func expandStars(items []syntax.SelectItem, sc *scope) ([]syntax.SelectItem, error) {
	var out []syntax.SelectItem
	for _, it := range items {
		star, ok := it.Expr.(*syntax.Star)
		if !ok {
			out = append(out, it)
			continue
		}
		found := false
		for _, src := range sc.sources {
			if star.Table != "" && src.alias != star.Table {
				continue
			}
			found = true
			for _, col := range src.cols {
				out = append(out, syntax.SelectItem{Alias: col.Name, Expr: &syntax.Column{Name: syntax.Name{{Name: src.alias}, {Name: col.Name}}}})
			}
		}
		if !found {
			return nil, compileError("SELECT * with no tables specified is not valid")
		}
	}
	return out, nil
}

type limits struct{ limit, offset int }

func (c *compiler) limits(s *syntax.Select) (limits, error) {
	get := func(x syntax.Expr, def int) (int, error) {
		if x == nil {
			return def, nil
		}
		v, err := c.in(nil).expr(x)
		if err != nil {
			return 0, err
		}
		n, err := v.run(&env{})
		if err != nil || n.IsNull() {
			return def, err
		}
		i, err := strconv.Atoi(n.Text)
		if err != nil || i < 0 {
			return 0, compileError("invalid LIMIT or OFFSET '%s'", n.Text)
		}
		return i, nil
	}
	var l limits
	var err error
	if l.limit, err = get(s.Limit, -1); err != nil {
		return l, err
	}
	l.offset, err = get(s.Offset, 0)
	return l, err
}

type orderKey struct {
	key        compiled
	desc       bool
	nullsFirst bool
}

// order compiles ORDER BY, whose keys may be positions and aliases of the select list. NULLs sort as the greatest values.
func (c *compiler) order(s *syntax.Select, items []syntax.SelectItem, out []compiled) ([]orderKey, error) {
	var keys []orderKey
	for _, o := range s.Order {
		k := orderKey{desc: o.Desc, nullsFirst: o.Desc}
		if o.NullsFirst != nil {
			k.nullsFirst = *o.NullsFirst
		}
		x := o.Expr
		if n, ok := x.(syntax.Number); ok {
			i, err := strconv.Atoi(n.Text)
			if err != nil || i < 1 || i > len(out) {
				return nil, compileError("invalid ORDER BY position %s", n.Text)
			}
			x = items[i-1].Expr
		} else if col, ok := x.(*syntax.Column); ok && len(col.Name) == 1 && c.scope.aliases[col.Name[0].Name] != nil {
			x = c.scope.aliases[col.Name[0].Name]
		}
		var err error
		if k.key, err = c.expr(x); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}
