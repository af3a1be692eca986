package snowflake

import (
	"context"
	"errors"
	"slices"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func (st *execution) alterTable(s *syntax.AlterTable) (*answer, error) {
	sv := st.server
	sv.applying.Lock()
	defer sv.applying.Unlock()
	done := status(typeDDL, "Statement executed successfully.")
	t, columns, err := st.ownTable(s.Name, s.IfExists)
	if err != nil || t == nil {
		return done, err
	}
	switch {
	case len(s.Add) > 0:
		return done, st.addColumns(t, columns, s.Add)
	case len(s.Drop) > 0:
		return done, st.dropColumns(t, columns, s)
	case s.RenameFrom != "":
		return done, st.renameColumn(t, columns, s)
	case s.RenameTab != nil:
		return done, st.renameTable(t, s.RenameTab)
	case len(s.Change) > 0:
		for _, c := range s.Change {
			if err := st.changeColumn(t, c); err != nil {
				return nil, err
			}
		}
	case optionText(s.Set, "COMMENT") != "":
		sv.cat.mu.Lock()
		t.comment = optionText(s.Set, "COMMENT")
		sv.cat.mu.Unlock()
	}
	return done, nil
}

// alter tells the engine and then shows the new columns. The caller holds applying.
func (s *Server) alter(ctx context.Context, t *table, a Alteration, columns []tableColumn) error {
	if err := s.engine.AlterTable(ctx, t.store, a); err != nil {
		return err
	}
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	t.columns = columns
	return nil
}

func (st *execution) addColumns(t *table, columns []tableColumn, defs []syntax.ColumnDef) error {
	var add []Column
	for _, d := range defs {
		c, err := st.columnDef(d)
		if err != nil {
			return err
		}
		taken := t.index(c.Name) >= 0
		if taken && d.IfNotExists {
			continue
		}
		if taken || slices.ContainsFunc(add, func(o Column) bool { return o.Name == c.Name }) {
			return failf("001430", "42601", "SQL compilation error:\ncolumn '%s' already exists", c.Name)
		}
		if c.NotNull {
			empty := true
			err := st.server.scan(st.ctx, nil, t, columns, nil, func(int64, []Value) error { empty = false; return errEnough })
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
			if !empty {
				return failf("002011", "42601", "SQL compilation error:\nNon-nullable column '%s' cannot be added to non-empty table '%s' unless it has a non-null default value.", c.Name, t.name.Table)
			}
		}
		add = append(add, c)
	}
	if len(add) == 0 {
		return nil
	}
	next := slices.Clone(columns)
	st.server.cat.mu.Lock()
	for _, c := range add {
		next = append(next, tableColumn{c, st.server.cat.id()})
	}
	st.server.cat.mu.Unlock()
	return st.server.alter(st.ctx, t, Alteration{Add: add}, next)
}

func (st *execution) dropColumns(t *table, columns []tableColumn, s *syntax.AlterTable) error {
	next := slices.Clone(columns)
	var drop []string
	for _, n := range s.Drop {
		i := slices.IndexFunc(next, func(c tableColumn) bool { return c.Name == n })
		if i < 0 && s.DropIf {
			continue
		}
		if i < 0 {
			return invalidIdentifier(n)
		}
		next = slices.Delete(next, i, i+1)
		drop = append(drop, n)
	}
	if len(next) == 0 {
		return compileError("Cannot drop all columns of table '%s'", t.name.Table)
	}
	if len(drop) == 0 {
		return nil
	}
	return st.server.alter(st.ctx, t, Alteration{Drop: drop}, next)
}

func (st *execution) renameColumn(t *table, columns []tableColumn, s *syntax.AlterTable) error {
	i := t.index(s.RenameFrom)
	if i < 0 {
		return invalidIdentifier(s.RenameFrom)
	}
	if t.index(s.RenameTo) >= 0 {
		return failf("001430", "42601", "SQL compilation error:\ncolumn '%s' already exists", s.RenameTo)
	}
	next := slices.Clone(columns)
	next[i].Name = s.RenameTo
	return st.server.alter(st.ctx, t, Alteration{Rename: &ColumnRename{s.RenameFrom, s.RenameTo}}, next)
}

func (st *execution) renameTable(t *table, to syntax.Name) error {
	name, err := st.session.qualify(to)
	if err != nil {
		return err
	}
	sv := st.server
	sv.cat.mu.Lock()
	taken, err := sv.cat.tables[name] != nil, sv.cat.requireSchema(name)
	sv.cat.mu.Unlock()
	if err != nil {
		return err
	}
	if taken {
		return alreadyExists(name)
	}
	if err := sv.engine.RenameTable(st.ctx, t.store, name); err != nil {
		return err
	}
	sv.cat.mu.Lock()
	defer sv.cat.mu.Unlock()
	delete(sv.cat.tables, t.name)
	t.name, t.store = name, name
	sv.cat.tables[name] = t
	return nil
}

// changeColumn allows what the service allows: to widen a NUMBER's precision or a VARCHAR's length, never another type or scale
// (Snowflake docs, "ALTER TABLE ... ALTER COLUMN").
func (st *execution) changeColumn(t *table, c syntax.ColumnChange) error {
	columns, _ := st.server.cat.columnsOf(t)
	i := slices.IndexFunc(columns, func(o tableColumn) bool { return o.Name == c.Name })
	if i < 0 {
		return invalidIdentifier(c.Name)
	}
	next := slices.Clone(columns)
	col := &next[i]
	switch {
	case c.Type != nil:
		to, err := resolveType(*c.Type, st.session.parameter("TIMESTAMP_TYPE_MAPPING"))
		if err != nil {
			return err
		}
		from := col.Type
		ok := from.Kind == to.Kind && (from == to || from.Kind == KindVarchar && to.Length >= from.Length ||
			from.Kind == KindNumber && to.Scale == from.Scale && to.Precision >= from.Precision)
		if !ok {
			return failf("002108", "22000", "SQL compilation error: cannot change column %s from type %s to %s", c.Name, from, to)
		}
		col.Type = to
	case c.SetNotNull:
		col.NotNull = true
		err := st.server.scan(st.ctx, nil, t, columns, []int{i}, func(_ int64, row []Value) error {
			if row[0].IsNull() {
				return failf("002729", "22000", "SQL compilation error:\nColumn '%s' contains null values. Not null constraint cannot be added.", c.Name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	case c.DropNotNull:
		col.NotNull = false
	case c.DropDefault:
		col.Default = ""
	case c.Comment != nil:
		col.Comment = *c.Comment
	}
	return st.server.alter(st.ctx, t, Alteration{Retype: &col.Column}, next)
}
