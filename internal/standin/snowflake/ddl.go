package snowflake

import "kinesis-snowflake/internal/standin/snowflake/syntax"

// ddl runs a statement that takes effect at once and for all.
func (st *execution) ddl(stmt syntax.Statement) (*answer, error) {
	switch s := stmt.(type) {
	case *syntax.CreateContainer:
		return st.createContainer(s)
	case *syntax.CreateStage:
		return st.createStage(s)
	case *syntax.CreateTable:
		return st.createTable(s)
	case *syntax.CreateView:
		return st.createView(s)
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

func optionText(opts []syntax.Option, name string) string {
	for _, o := range opts {
		if o.Name == name && len(o.Values) == 1 {
			return o.Values[0]
		}
	}
	return ""
}
