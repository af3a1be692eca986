package snowflake

import (
	"context"
	"errors"
	"slices"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// ddl runs a statement that takes effect at once and for all.
func (st *execution) ddl(stmt syntax.Statement) (*answer, error) {
	switch s := stmt.(type) {
	case *syntax.CreateContainer:
		return st.createContainer(s)
	case *syntax.CreateStage:
		return st.createStage(s)
	case *syntax.CreateTable:
		return st.createTable(s)
	case *syntax.AlterTable:
		return st.alterTable(s)
	case *syntax.Drop:
		return st.drop(s)
	case *syntax.Undrop:
		return st.undrop(s)
	case *syntax.Truncate:
		return st.truncate(s)
	}
	return nil, compileError("Unsupported statement type.")
}

func (st *execution) createContainer(s *syntax.CreateContainer) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	name := s.Name[len(s.Name)-1].Name
	exists := func(found bool) (*answer, bool, error) {
		if found && s.IfNotExists {
			return status(typeDDL, "%s already exists, statement succeeded.", name), true, nil
		}
		if found && !s.OrReplace {
			return nil, true, alreadyExists(plainName(name))
		}
		return nil, false, nil
	}
	switch s.Kind {
	case "DATABASE":
		_, found := c.databases[name]
		if a, end, err := exists(found); end {
			return a, err
		}
		c.addDatabase(name, st.now)
		st.session.database, st.session.schema = name, "PUBLIC"
	case "SCHEMA":
		n := schemaName{st.session.database, name}
		if len(s.Name) == 2 {
			n.database = s.Name[0].Name
		}
		if _, ok := c.databases[n.database]; !ok {
			return nil, notFound("Database", plainName(n.database))
		}
		_, found := c.schemas[n]
		if a, end, err := exists(found); end {
			return a, err
		}
		c.schemas[n] = st.now
		st.session.database, st.session.schema = n.database, name
	case "WAREHOUSE":
		if a, end, err := exists(c.warehouses[name]); end {
			return a, err
		}
		c.warehouses[name] = true
		st.session.warehouse = name
	}
	return status(typeDDL, "%s %s successfully created.", title(s.Kind), name), nil
}

func title(kind string) string {
	return map[string]string{"DATABASE": "Database", "SCHEMA": "Schema", "WAREHOUSE": "Warehouse", "TABLE": "Table", "STAGE": "Stage"}[kind]
}

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

func optionText(opts []syntax.Option, name string) string {
	for _, o := range opts {
		if o.Name == name && len(o.Values) == 1 {
			return o.Values[0]
		}
	}
	return ""
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

// dropTable hides a table's rows in the engine until UNDROP. The caller holds applying.
func (s *Server) dropTable(ctx context.Context, t *table, now time.Time) error {
	hidden := t.hiddenName()
	if err := s.engine.RenameTable(ctx, t.store, hidden); err != nil {
		return err
	}
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	delete(s.cat.tables, t.name)
	t.store, t.dropped = hidden, now
	s.cat.dropped = append(s.cat.dropped, t)
	return nil
}

func (st *execution) drop(s *syntax.Drop) (*answer, error) {
	sv := st.server
	sv.applying.Lock()
	defer sv.applying.Unlock()
	name := s.Name[len(s.Name)-1].Name
	gone := status(typeDDL, "%s successfully dropped.", name)
	none := status(typeDDL, "Drop statement executed successfully (%s already dropped).", name)
	var doomed []*table
	switch s.Kind {
	case "TABLE":
		t, _, err := st.ownTable(s.Name, s.IfExists)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return none, nil
		}
		return gone, sv.dropTable(st.ctx, t, st.now)
	case "STAGE":
		n, err := st.session.qualify(s.Name)
		if err != nil {
			return nil, err
		}
		sv.cat.mu.Lock()
		defer sv.cat.mu.Unlock()
		if sv.cat.stages[n] == nil {
			if s.IfExists {
				return none, nil
			}
			return nil, notFound("Stage", n)
		}
		delete(sv.cat.stages, n)
		return gone, nil
	}
	sv.cat.mu.Lock()
	n := schemaName{st.session.database, name}
	if len(s.Name) == 2 {
		n.database = s.Name[0].Name
	}
	found := sv.cat.warehouses[name]
	switch s.Kind {
	case "DATABASE":
		_, found = sv.cat.databases[name]
		delete(sv.cat.databases, name)
		for k := range sv.cat.schemas {
			if k.database == name {
				delete(sv.cat.schemas, k)
			}
		}
	case "SCHEMA":
		_, found = sv.cat.schemas[n]
		delete(sv.cat.schemas, n)
	default:
		delete(sv.cat.warehouses, name)
	}
	for _, t := range sv.cat.tables {
		if s.Kind == "DATABASE" && t.name.Database == name || s.Kind == "SCHEMA" && (schemaName{t.name.Database, t.name.Schema}) == n {
			doomed = append(doomed, t)
		}
	}
	sv.cat.mu.Unlock()
	if !found && !s.IfExists {
		return nil, notFound(title(s.Kind), plainName(name))
	}
	for _, t := range doomed {
		if err := sv.dropTable(st.ctx, t, st.now); err != nil {
			return nil, err
		}
	}
	if !found {
		return none, nil
	}
	return gone, nil
}

func (st *execution) undrop(s *syntax.Undrop) (*answer, error) {
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	sv := st.server
	sv.applying.Lock()
	defer sv.applying.Unlock()
	sv.cat.mu.Lock()
	taken := sv.cat.tables[name] != nil
	var t *table
	for _, d := range sv.cat.dropped {
		if d.name == name {
			t = d // the latest
		}
	}
	sv.cat.mu.Unlock()
	if taken {
		return nil, alreadyExists(name)
	}
	if t == nil {
		return nil, notFound("Table", name)
	}
	if err := sv.engine.RenameTable(st.ctx, t.store, name); err != nil {
		return nil, err
	}
	sv.cat.mu.Lock()
	defer sv.cat.mu.Unlock()
	sv.cat.dropped = slices.DeleteFunc(sv.cat.dropped, func(d *table) bool { return d == t })
	t.store, t.dropped = name, time.Time{}
	sv.cat.tables[name] = t
	return status(typeDDL, "Table %s successfully restored.", name.Table), nil
}

// truncate empties a table and forgets what COPY has loaded (Snowflake docs, "TRUNCATE TABLE").
func (st *execution) truncate(s *syntax.Truncate) (*answer, error) {
	sv := st.server
	sv.applying.Lock()
	defer sv.applying.Unlock()
	done := status(typeDDL, "Statement executed successfully.")
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	t, _, err := sv.cat.lookup(name)
	if err != nil {
		if s.IfExists {
			return done, nil
		}
		return nil, notFound("Table", name)
	}
	if err := sv.allowed("TRUNCATE", "table", t.name); err != nil {
		return nil, err
	}
	if err := sv.engine.Apply(context.WithoutCancel(st.ctx), []Change{{Table: t.store, Truncate: true}}); err != nil {
		return nil, err
	}
	sv.cat.mu.Lock()
	defer sv.cat.mu.Unlock()
	t.loads = map[string]string{}
	return done, nil
}
