package snowflake

import (
	"context"
	"maps"
	"slices"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

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
	case "VIEW":
		n, err := st.session.qualify(s.Name)
		if err != nil {
			return nil, err
		}
		return st.dropView(n, s.IfExists)
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
	maps.DeleteFunc(sv.cat.views, func(v TableName, _ *view) bool {
		return s.Kind == "DATABASE" && v.Database == name || s.Kind == "SCHEMA" && schemaName{v.Database, v.Schema} == n
	})
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
