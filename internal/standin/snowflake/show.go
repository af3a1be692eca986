package snowflake

import (
	"maps"
	"slices"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

func yesNo(b bool) Value {
	if b {
		return TextValue("Y")
	}
	return TextValue("N")
}

func optional(s string) Value {
	if s == "" {
		return Value{}
	}
	return TextValue(s)
}

func (st *execution) show(s *syntax.Show) (*answer, error) {
	switch s.What {
	case "TABLES":
		return st.showTables(s)
	case "VIEWS":
		return st.showViews(s)
	case "COLUMNS":
		return st.showColumns(s)
	case "STAGES":
		return st.showStages(s)
	case "LOCKS":
		return st.showLocks(), nil
	case "TRANSACTIONS":
		return st.showTransactions(), nil
	case "PARAMETERS":
		a := &answer{kind: typeShow, columns: []Column{textColumn("key"), textColumn("value"), textColumn("default")}}
		for _, k := range slices.Sorted(maps.Keys(parameterDefaults)) {
			if likePattern(s.Like, k) {
				a.rows = append(a.rows, []Value{TextValue(k), TextValue(st.session.parameter(k)), TextValue(parameterDefaults[k])})
			}
		}
		return a, nil
	}
	return st.showContainers(s), nil
}

// within says whether an object's schema is one that SHOW asks for.
func (st *execution) within(s *syntax.Show, n TableName) (bool, error) {
	switch {
	case s.InKind == "ACCOUNT":
		return true, nil
	case s.InKind == "DATABASE":
		db := st.session.database
		if len(s.In) > 0 {
			db = s.In[0].Name
		}
		if _, ok := st.server.cat.databases[db]; !ok {
			return false, notFound("Database", plainName(db))
		}
		return n.Database == db, nil
	case s.InKind == "TABLE":
		t, err := st.session.qualify(s.In)
		return n == t, err
	}
	sc := schemaName{st.session.database, st.session.schema}
	if len(s.In) > 0 {
		sc.schema = s.In[len(s.In)-1].Name
	}
	if len(s.In) > 1 {
		sc.database = s.In[0].Name
	}
	if len(s.In) > 0 {
		if _, ok := st.server.cat.schemas[sc]; !ok {
			return false, notFound("Schema", sc)
		}
	} else if sc.schema == "" {
		return sc.database == "" || n.Database == sc.database, nil
	}
	return n.Database == sc.database && n.Schema == sc.schema, nil
}

// found lists the tables that a SHOW asks for. The caller holds the catalogue's mutex.
func (st *execution) found(s *syntax.Show, byTable bool) ([]*table, error) {
	if _, err := st.within(s, TableName{}); err != nil { // also where there is no table at all
		return nil, err
	}
	var list []*table
	for n, t := range st.server.cat.tables {
		in, err := st.within(s, n)
		if err != nil {
			return nil, err
		}
		if in && (!byTable || likePattern(s.Like, n.Table) && (s.Starts == nil || strings.HasPrefix(n.Table, *s.Starts))) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *table) int { return strings.Compare(a.name.String(), b.name.String()) })
	return list, nil
}

func (st *execution) showTables(s *syntax.Show) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := st.found(s, true)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: typeShow, columns: []Column{{Name: "created_on", Type: defaultType(KindTimestampLTZ)}}}
	for _, n := range []string{"name", "database_name", "schema_name", "kind", "comment", "owner", "enable_schema_evolution", "error_logging"} {
		a.columns = append(a.columns, textColumn(n))
	}
	for _, t := range list {
		a.rows = append(a.rows, []Value{TimestampValue(KindTimestampLTZ, t.created), TextValue(t.name.Table), TextValue(t.name.Database), TextValue(t.name.Schema),
			TextValue("TABLE"), TextValue(t.comment), TextValue(st.session.role), TextValue("N"), TextValue("N")})
	}
	return a, nil
}

func (st *execution) showStages(s *syntax.Show) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &answer{kind: typeShow, columns: []Column{{Name: "created_on", Type: defaultType(KindTimestampLTZ)}}}
	for _, n := range []string{"name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner", "comment", "region", "type", "cloud"} {
		a.columns = append(a.columns, textColumn(n))
	}
	names := slices.SortedFunc(maps.Keys(c.stages), func(a, b TableName) int { return strings.Compare(a.String(), b.String()) })
	if _, err := st.within(s, TableName{}); err != nil {
		return nil, err
	}
	for _, n := range names {
		in, err := st.within(s, n)
		if err != nil {
			return nil, err
		}
		if in && likePattern(s.Like, n.Table) {
			a.rows = append(a.rows, []Value{TimestampValue(KindTimestampLTZ, c.stages[n].created), TextValue(n.Table), TextValue(n.Database), TextValue(n.Schema),
				TextValue(""), TextValue("N"), TextValue("N"), TextValue(st.session.role), TextValue(""), {}, TextValue("INTERNAL"), {}})
		}
	}
	return a, nil
}

// showLocks lists the locks of the session's user; times are the service's, in the session's zone.
func (st *execution) showLocks() *answer {
	a := &answer{kind: typeShow, columns: []Column{textColumn("resource"), textColumn("type"), numberColumn("transaction"), {Name: "transaction_started_on", Type: defaultType(KindTimestampLTZ)},
		textColumn("status"), {Name: "acquired_on", Type: defaultType(KindTimestampLTZ)}, textColumn("query_id")}}
	c := st.server.cat
	c.mu.Lock()
	tables := slices.Collect(maps.Values(c.tables))
	c.mu.Unlock()
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.name.String(), b.name.String()) })
	for _, l := range st.server.locker.list(tables) {
		if l.tx.session.user != st.session.user && !st.session.admin {
			continue
		}
		acquired := Value{}
		if !l.acquired.IsZero() {
			acquired = TimestampValue(KindTimestampLTZ, l.acquired)
		}
		a.rows = append(a.rows, []Value{TextValue(l.resource.String()), TextValue("PARTITIONS"), IntValue(l.tx.id), TimestampValue(KindTimestampLTZ, l.tx.started),
			TextValue(l.status), acquired, TextValue(l.query)})
	}
	return a
}

func (st *execution) showTransactions() *answer {
	a := &answer{kind: typeShow, columns: []Column{numberColumn("id"), textColumn("user"), numberColumn("session"), textColumn("name"),
		{Name: "started_on", Type: defaultType(KindTimestampLTZ)}, textColumn("state"), textColumn("scope")}}
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.transactions)) {
		tx := s.transactions[id]
		if tx.session.user != st.session.user && !st.session.admin {
			continue
		}
		a.rows = append(a.rows, []Value{IntValue(id), TextValue(tx.session.user), IntValue(tx.session.id), IntValue(id), TimestampValue(KindTimestampLTZ, tx.started), TextValue("running"), IntValue(0)})
	}
	return a
}

func (st *execution) showContainers(s *syntax.Show) *answer {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &answer{kind: typeShow, columns: []Column{textColumn("name"), textColumn("database_name")}}
	var names []schemaName
	switch s.What {
	case "DATABASES":
		for n := range c.databases {
			names = append(names, schemaName{"", n})
		}
	case "WAREHOUSES":
		for n := range c.warehouses {
			names = append(names, schemaName{"", n})
		}
	default:
		db := st.session.database
		if len(s.In) > 0 {
			db = s.In[0].Name
		}
		for n := range c.schemas {
			if s.InKind == "ACCOUNT" || n.database == db {
				names = append(names, n)
			}
		}
	}
	slices.SortFunc(names, func(a, b schemaName) int { return strings.Compare(a.String(), b.String()) })
	for _, n := range names {
		if likePattern(s.Like, n.schema) {
			a.rows = append(a.rows, []Value{TextValue(n.schema), optional(n.database)})
		}
	}
	return a
}
