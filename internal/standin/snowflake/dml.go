package snowflake

import (
	"slices"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// target finds the table of a DML statement and checks the privilege and the warehouse.
func (st *execution) target(name syntax.Name, privilege string) (*table, []tableColumn, error) {
	n, err := st.session.qualify(name)
	if err != nil {
		return nil, nil, err
	}
	t, columns, err := st.server.cat.lookup(n)
	if err != nil {
		return nil, nil, err
	}
	if err := st.server.allowed(privilege, "table", t.name); err != nil {
		return nil, nil, err
	}
	return t, columns, st.server.useWarehouse(st.session)
}

// columnIndexes resolves a column list; nil means all columns.
func columnIndexes(columns []tableColumn, names []string) ([]int, error) {
	var out []int
	if names == nil {
		for i := range columns {
			out = append(out, i)
		}
		return out, nil
	}
	for _, n := range names {
		i := slices.IndexFunc(columns, func(c tableColumn) bool { return c.Name == n })
		if i < 0 {
			return nil, invalidIdentifier(n)
		}
		if slices.Contains(out, i) {
			return nil, failf("002025", "42S21", "SQL compilation error:\nduplicate column name '%s'", n)
		}
		out = append(out, i)
	}
	return out, nil
}

// newRows turns values for some columns into whole rows: the others get their default, and all are cast and checked.
type newRows struct {
	st       *execution
	columns  []tableColumn
	into     []int
	defaults []*compiled
}

func (st *execution) newRows(columns []tableColumn, into []int) (*newRows, error) {
	n := &newRows{st: st, columns: columns, into: into, defaults: make([]*compiled, len(columns))}
	for i, c := range columns {
		if c.Default == "" || slices.Contains(into, i) {
			continue
		}
		stmt, _, err := syntax.Parse("SELECT " + c.Default)
		if err != nil {
			return nil, err
		}
		q, ok := stmt.(*syntax.Query)
		if !ok || q.Select == nil {
			return nil, compileError("Default value '%s' is not supported", c.Default)
		}
		d, err := (&compiler{st: st, scope: &scope{}}).expr(q.Select.Items[0].Expr)
		if err != nil {
			return nil, err
		}
		n.defaults[i] = &d
	}
	return n, nil
}

func (n *newRows) row(values []Value) ([]Value, error) {
	row := make([]Value, len(n.columns))
	for i, d := range n.defaults {
		if d == nil {
			continue
		}
		var err error
		if row[i], err = d.run(&env{}); err != nil {
			return nil, err
		}
	}
	for i, c := range n.into {
		row[c] = values[i]
	}
	for i, v := range row {
		out, err := n.st.formats.store(v, n.columns[i].Column)
		if err != nil {
			return nil, err
		}
		row[i] = out
	}
	return row, nil
}

// add puts finished rows into the transaction.
func (st *execution) add(t *table, columns []tableColumn, rows [][]Value) {
	c := st.tx.change(t, columns)
	for _, r := range rows {
		c.inserts = append(c.inserts, Row{ID: st.server.nextRow.Add(1), Values: r})
	}
}

func (st *execution) insert(s *syntax.Insert) (*answer, error) {
	t, columns, err := st.target(s.Table, "INSERT")
	if err != nil {
		return nil, err
	}
	into, err := columnIndexes(columns, s.Columns)
	if err != nil {
		return nil, err
	}
	p, err := (&compiler{st: st}).query(s.Source, nil)
	if err != nil {
		return nil, err
	}
	if len(p.columns) != len(into) {
		return nil, failf("002020", "21S01", "SQL compilation error:\nInsert value list does not match column list expecting %d but got %d", len(into), len(p.columns))
	}
	if s.Source.Values != nil {
		if err := onlySimpleValues(s.Source); err != nil {
			return nil, err
		}
	}
	n, err := st.newRows(columns, into)
	if err != nil {
		return nil, err
	}
	var rows [][]Value
	err = p.each(nil, func(values []Value) error {
		row, err := n.row(values)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.Overwrite {
		if err := st.lock(t); err != nil {
			return nil, err
		}
		delete(st.tx.changes, t)
		st.tx.change(t, columns).truncate = true
	}
	st.add(t, columns, rows)
	return counts(typeInsert, "number of rows inserted", len(rows)), nil
}

// onlySimpleValues refuses what INSERT ... VALUES may not call (Snowflake docs, "INSERT": no PARSE_JSON, OBJECT_CONSTRUCT and
// ARRAY_CONSTRUCT in VALUES; use INSERT ... SELECT).
func onlySimpleValues(s *syntax.Select) error {
	var bad error
	for _, r := range s.Values {
		for _, x := range r {
			walkExpr(x, func(x syntax.Expr) {
				if c, ok := x.(*syntax.Call); ok && slices.Contains([]string{"PARSE_JSON", "OBJECT_CONSTRUCT", "ARRAY_CONSTRUCT", "TO_VARIANT"}, c.Name) {
					bad = failf("002014", "22000", "SQL compilation error:\nInvalid expression [%s(...)] in VALUES clause", c.Name)
				}
			})
		}
	}
	return bad
}

// lock takes the table's lock for the transaction and waits for it as LOCK_TIMEOUT says.
func (st *execution) lock(t *table) error {
	return st.server.locker.acquire(st.ctx, st.tx, t, st.queryID, st.session.seconds("LOCK_TIMEOUT"))
}

// changing compiles UPDATE and DELETE: the target is the first source, with all its columns; the joined tables follow.
func (st *execution) changing(t *table, columns []tableColumn, alias string, from []syntax.TableRef, where syntax.Expr) (*compiler, *runner, error) {
	src := &source{alias: alias, name: t.name, slots: make([]int, len(columns))}
	if alias == "" {
		src.alias = t.name.Table
	}
	for i, c := range columns {
		src.cols = append(src.cols, c.Column)
		src.slots[i] = i
		src.pick = append(src.pick, i)
	}
	src.load = func(_ *env, fn func(int64, []Value) error) error {
		return st.server.scan(st.ctx, st.tx, t, columns, src.pick, fn)
	}
	sc := &scope{sources: []*source{src}}
	c := &compiler{st: st, scope: sc}
	for _, r := range from {
		s, _, err := c.tableRef(r, nil)
		if err != nil {
			return nil, nil, err
		}
		sc.sources = append(sc.sources, s)
		if r.On != nil {
			on, err := c.expr(r.On)
			if err != nil {
				return nil, nil, err
			}
			s.on = &on
		}
	}
	r := &runner{st: st, scope: sc}
	if where != nil {
		w, err := c.expr(where)
		if err != nil {
			return nil, nil, err
		}
		r.where = &w
	}
	return c, r, nil
}

// update takes the lock before it looks at any row, so its WHERE sees what others committed while it waited (Snowflake docs,
// "Transactions": READ COMMITTED).
func (st *execution) update(s *syntax.Update) (*answer, error) {
	t, columns, err := st.target(s.Table, "UPDATE")
	if err != nil {
		return nil, err
	}
	c, r, err := st.changing(t, columns, s.Alias, s.From, s.Where)
	if err != nil {
		return nil, err
	}
	type set struct {
		column int
		value  compiled
	}
	var sets []set
	for _, a := range s.Set {
		into, err := columnIndexes(columns, []string{a.Column})
		if err != nil {
			return nil, err
		}
		v, err := c.expr(a.Value)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set{into[0], v})
	}
	if err := st.lock(t); err != nil {
		return nil, err
	}
	updated := map[int64][]Value{}
	var order []int64
	multi := map[int64]bool{}
	err = r.joined(nil, func(id int64, e *env) error {
		if updated[id] != nil {
			multi[id] = true
			return nil
		}
		row := slices.Clone(e.rows[0])
		for _, a := range sets {
			v, err := a.value.run(e)
			if err != nil {
				return err
			}
			if row[a.column], err = st.formats.store(v, columns[a.column].Column); err != nil {
				return err
			}
		}
		updated[id] = row
		order = append(order, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	ch := st.tx.change(t, columns)
	for _, id := range order {
		ch.update(id, updated[id])
	}
	return counts(typeUpdate, "number of rows updated", len(order), "number of multi-joined rows updated", len(multi)), nil
}

func (st *execution) delete(s *syntax.Delete) (*answer, error) {
	t, columns, err := st.target(s.Table, "DELETE")
	if err != nil {
		return nil, err
	}
	_, r, err := st.changing(t, columns, s.Alias, s.Using, s.Where)
	if err != nil {
		return nil, err
	}
	if err := st.lock(t); err != nil {
		return nil, err
	}
	gone := map[int64]bool{}
	err = r.joined(nil, func(id int64, _ *env) error { gone[id] = true; return nil })
	if err != nil {
		return nil, err
	}
	ch := st.tx.change(t, columns)
	for id := range gone {
		ch.delete(id)
	}
	return counts(typeDelete, "number of rows deleted", len(gone)), nil
}
