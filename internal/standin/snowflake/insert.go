package snowflake

import (
	"slices"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

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
