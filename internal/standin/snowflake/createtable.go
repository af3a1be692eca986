package snowflake

import (
	"context"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func (st *execution) columnDef(d syntax.ColumnDef) (Column, error) {
	t, err := resolveType(d.Type, st.session.parameter("TIMESTAMP_TYPE_MAPPING"))
	return Column{Name: d.Name, Type: t, NotNull: d.NotNull, Default: d.DefaultText, Comment: d.Comment}, err
}

// createTable makes the table and, for CREATE TABLE ... AS, fills it, in one step: nobody sees the table without its rows, and
// where it exists already the query does not even run.
func (st *execution) createTable(s *syntax.CreateTable) (*answer, error) {
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	if err := st.server.allowed("CREATE TABLE", "schema", schemaName{name.Database, name.Schema}); err != nil {
		return nil, err
	}
	var columns []Column
	for _, d := range s.Columns {
		if d.Type.Name == "" && s.As != nil {
			columns = append(columns, Column{Name: d.Name, NotNull: d.NotNull})
			continue
		}
		c, err := st.columnDef(d)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	if a, err := st.tableExists(s, name); a != nil || err != nil {
		return a, err
	}
	var rows [][]Value
	if s.As != nil {
		if columns, rows, err = st.tableAs(s.As, columns); err != nil {
			return nil, err
		}
	}
	sv := st.server
	sv.applying.Lock()
	defer sv.applying.Unlock()
	if a, err := st.tableExists(s, name); a != nil || err != nil { // another session was faster
		return a, err
	}
	sv.cat.mu.Lock()
	old := sv.cat.tables[name]
	sv.cat.mu.Unlock()
	if old != nil {
		if err := sv.dropTable(st.ctx, old, st.now); err != nil {
			return nil, err
		}
	}
	t := sv.newTable(name, columns, optionText(s.Options, "COMMENT"), st.now)
	if err := sv.engine.CreateTable(st.ctx, t.store, columns); err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		ch := Change{Table: t.store}
		for _, r := range rows {
			ch.Insert = append(ch.Insert, Row{ID: sv.nextRow.Add(1), Values: r})
		}
		if err := sv.engine.Apply(context.WithoutCancel(st.ctx), []Change{ch}); err != nil {
			return nil, err
		}
	}
	sv.cat.mu.Lock()
	sv.cat.tables[name] = t
	sv.cat.mu.Unlock()
	return status(typeDDL, "Table %s successfully created.", name.Table), nil
}

// tableExists answers CREATE TABLE where the name is taken, or is not possible.
func (st *execution) tableExists(s *syntax.CreateTable, name TableName) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.requireSchema(name); err != nil {
		return nil, err
	}
	switch {
	case c.views[name] != nil:
		return nil, failf("002203", "42710", "SQL compilation error:\nObject found is of type 'VIEW', not specified type 'TABLE'.")
	case c.tables[name] == nil || s.OrReplace:
		return nil, nil
	case s.IfNotExists:
		return status(typeDDL, "%s already exists, statement succeeded.", name.Table), nil
	}
	return nil, alreadyExists(name)
}

func (st *execution) tableAs(q *syntax.Select, columns []Column) ([]Column, [][]Value, error) {
	if err := st.server.useWarehouse(st.session); err != nil {
		return nil, nil, err
	}
	p, err := (&compiler{st: st}).query(q, nil)
	if err != nil {
		return nil, nil, err
	}
	if columns == nil {
		columns = make([]Column, len(p.columns))
	}
	if len(columns) != len(p.columns) {
		return nil, nil, failf("002020", "21S01", "SQL compilation error:\nInvalid column list: expecting %d but got %d", len(columns), len(p.columns))
	}
	for i, c := range p.columns {
		if columns[i].Name == "" {
			columns[i].Name = c.Name
		}
		if columns[i].Type.Kind == KindNull {
			columns[i].Type = c.Type
		}
		if columns[i].Type.Kind == KindNull {
			columns[i].Type = defaultType(KindVarchar)
		}
	}
	var rows [][]Value
	err = p.each(nil, func(values []Value) error {
		row := make([]Value, len(values))
		for i, v := range values {
			var err error
			if row[i], err = st.formats.store(v, columns[i]); err != nil {
				return err
			}
		}
		rows = append(rows, row)
		return nil
	})
	return columns, rows, err
}

func (s *Server) newTable(name TableName, columns []Column, comment string, now time.Time) *table {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	t := &table{name: name, id: s.cat.id(), comment: comment, created: now, store: name, loads: map[string]string{}}
	for _, c := range columns {
		t.columns = append(t.columns, tableColumn{c, s.cat.id()})
	}
	return t
}

// ownTable finds a table for DDL; nil where IF EXISTS lets it be missing.
func (st *execution) ownTable(n syntax.Name, ifExists bool) (*table, []tableColumn, error) {
	name, err := st.session.qualify(n)
	if err != nil {
		return nil, nil, err
	}
	t, columns, err := st.server.cat.lookup(name)
	if err != nil {
		if ifExists {
			return nil, nil, nil
		}
		return nil, nil, notFound("Table", name)
	}
	return t, columns, st.server.allowed("OWNERSHIP", "table", t.name)
}
