package snowflake

import (
	"slices"
	"strconv"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func (c *compiler) values(s *syntax.Select, outer *scope) (*plan, error) {
	k := c.in(&scope{parent: outer})
	p := &plan{}
	rows := make([][]compiled, len(s.Values))
	for i, r := range s.Values {
		rows[i] = make([]compiled, len(r))
		for j, x := range r {
			v, err := k.expr(x)
			if err != nil {
				return nil, err
			}
			rows[i][j] = v
			if i == 0 {
				p.columns = append(p.columns, Column{Name: "COLUMN" + strconv.Itoa(j+1)})
			}
			p.columns[j].Type = commonType(p.columns[j].Type, v.typ)
		}
	}
	f, cols := &c.st.formats, p.columns
	p.each = func(outer *env, fn func([]Value) error) error {
		e := &env{parent: outer}
		for _, r := range rows {
			row := make([]Value, len(r))
			for j, x := range r {
				v, err := x.run(e)
				if err == nil && cols[j].Type.Kind != KindNull {
					v, err = f.convert(v, cols[j].Type)
				}
				if err != nil {
					return err
				}
				row[j] = v
			}
			if err := fn(row); err != nil {
				return err
			}
		}
		return nil
	}
	return p, nil
}

// tableRef makes a source of one entry of FROM. Rows of tables and of subqueries are fetched once a statement, however often
// a correlated subquery walks them.
func (c *compiler) tableRef(r syntax.TableRef, outer *scope) (*source, bool, error) {
	src := &source{alias: r.Alias, join: r.Join}
	tables := true
	if r.Select != nil {
		p, err := c.query(r.Select, outer)
		if err != nil {
			return nil, false, err
		}
		src.cols, tables = p.columns, p.tables
		src.load = func(e *env, fn func(int64, []Value) error) error {
			return p.each(e, func(row []Value) error {
				out := make([]Value, len(src.pick))
				for i, k := range src.pick {
					out[i] = row[k]
				}
				return fn(0, out)
			})
		}
	} else {
		name, err := c.st.session.qualify(r.Name)
		if err != nil {
			return nil, false, err
		}
		if err := c.namedSource(name, src); err != nil {
			return nil, false, err
		}
	}
	if len(r.Columns) > 0 {
		if len(r.Columns) != len(src.cols) {
			return nil, false, compileError("invalid number of column aliases for '%s'", r.Alias)
		}
		src.cols = slices.Clone(src.cols)
		for i, n := range r.Columns {
			src.cols[i].Name = n
		}
	}
	src.slots = make([]int, len(src.cols))
	for i := range src.slots {
		src.slots[i] = -1
	}
	return src, tables, nil
}

// namedSource reads a table or a view.
func (c *compiler) namedSource(name TableName, src *source) error {
	if v := c.st.server.cat.view(name); v != nil {
		return c.viewSource(v, src)
	}
	t, columns, err := c.st.server.cat.lookup(name)
	if err != nil {
		return err
	}
	if err := c.st.server.allowed("SELECT", "table", t.name); err != nil {
		return err
	}
	src.name = t.name
	if src.alias == "" {
		src.alias = t.name.Table
	}
	for _, col := range columns {
		src.cols = append(src.cols, col.Column)
	}
	src.load = func(_ *env, fn func(int64, []Value) error) error {
		return c.st.server.scan(c.st.ctx, c.st.tx, t, columns, src.pick, fn)
	}
	return nil
}
