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
