package snowflake

import (
	"maps"
	"slices"
	"strings"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// view is a query with a name. Its columns are what they were at its creation.
type view struct {
	name    TableName
	columns []Column
	query   *syntax.Select
	asText  string
	within  schemaName // of the session that made it
	text    string
	comment string
	created time.Time
}

// createView compiles the query, so that what it names must be there and readable, and keeps it.
func (st *execution) createView(s *syntax.CreateView) (*answer, error) {
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	sv := st.server
	if err := sv.allowed("CREATE VIEW", "schema", schemaName{name.Database, name.Schema}); err != nil {
		return nil, err
	}
	if s.CopyGrants && !s.OrReplace {
		return nil, compileError("COPY GRANTS can only be used with OR REPLACE")
	}
	if err := st.fullNames(s.As); err != nil {
		return nil, err
	}
	p, err := (&compiler{st: st}).query(s.As, nil)
	if err != nil {
		return nil, err
	}
	v := &view{name: name, columns: slices.Clone(p.columns), query: s.As, asText: s.AsText, within: schemaName{st.session.database, st.session.schema}, text: s.Text, comment: s.Comment, created: st.now}
	if s.Columns != nil && len(s.Columns) != len(v.columns) {
		return nil, failf("002057", "42601", "SQL compilation error:\nView definition for '%s' declared %d column(s), but view query produces %d column(s).", name, len(s.Columns), len(v.columns))
	}
	for i := range v.columns {
		if s.Columns != nil {
			v.columns[i].Name = s.Columns[i]
		}
		if slices.ContainsFunc(v.columns[:i], func(c Column) bool { return c.Name == v.columns[i].Name }) {
			return nil, compileError("duplicate column name '%s'", v.columns[i].Name)
		}
	}
	c := sv.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.requireSchema(name); err != nil {
		return nil, err
	}
	switch {
	case c.tables[name] != nil:
		return nil, failf("002203", "42710", "SQL compilation error:\nObject found is of type 'TABLE', not specified type 'VIEW'.")
	case c.views[name] != nil && s.IfNotExists:
		return status(typeDDL, "%s already exists, statement succeeded.", name.Table), nil
	case c.views[name] != nil && !s.OrReplace:
		return nil, alreadyExists(name)
	case c.views[name] != nil:
		if err := sv.allowed("OWNERSHIP", "view", name); err != nil {
			return nil, err
		}
	}
	c.views[name] = v
	return status(typeDDL, "View %s successfully created.", name.Table), nil
}

// fullNames completes the names of tables from the session's database and schema, since other sessions have others.
func (st *execution) fullNames(s *syntax.Select) error {
	for i := range s.From {
		r := &s.From[i]
		if r.Select != nil {
			if err := st.fullNames(r.Select); err != nil {
				return err
			}
			continue
		}
		n, err := st.session.qualify(r.Name)
		if err != nil {
			return err
		}
		r.Name = syntax.Name{{Name: n.Database}, {Name: n.Schema}, {Name: n.Table}}
	}
	for _, u := range s.Union {
		if err := st.fullNames(u); err != nil {
			return err
		}
	}
	return nil
}

// engineView describes a view to the engine.
func (c *catalogue) engineView(n TableName) (View, bool) {
	v := c.view(n)
	if v == nil {
		return View{}, false
	}
	out := View{Query: v.asText, Database: v.within.database, Schema: v.within.schema}
	for _, col := range v.columns {
		out.Columns = append(out.Columns, col.Name)
	}
	return out, true
}

func (c *catalogue) view(n TableName) *view {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.views[n]
}

// viewSource reads a view as a table of FROM. What becomes of a view whose table's columns have other types than they had is
// not documented; here it is refused.
func (c *compiler) viewSource(v *view, src *source) error {
	if err := c.st.server.allowed("SELECT", "view", v.name); err != nil {
		return err
	}
	p, err := (&compiler{st: c.st}).query(v.query, nil)
	if err != nil {
		return err
	}
	for i, col := range p.columns {
		if col.Type != v.columns[i].Type {
			return compileError("View definition for '%s' declared column '%s' as %s, but view query produces %s.", v.name, v.columns[i].Name, v.columns[i].Type, col.Type)
		}
	}
	src.name, src.cols = v.name, v.columns
	if src.alias == "" {
		src.alias = v.name.Table
	}
	src.load = func(_ *env, fn func(int64, []Value) error) error {
		return p.each(nil, func(row []Value) error {
			out := make([]Value, len(src.pick))
			for i, k := range src.pick {
				out[i] = row[k]
			}
			return fn(0, out)
		})
	}
	return nil
}

func (st *execution) dropView(name TableName, ifExists bool) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.views[name] == nil {
		if ifExists {
			return status(typeDDL, "Drop statement executed successfully (%s already dropped).", name.Table), nil
		}
		return nil, notFound("View", name)
	}
	if err := st.server.allowed("OWNERSHIP", "view", name); err != nil {
		return nil, err
	}
	delete(c.views, name)
	return status(typeDDL, "%s successfully dropped.", name.Table), nil
}

func (st *execution) showViews(s *syntax.Show) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &answer{kind: typeShow, columns: []Column{{Name: "created_on", Type: defaultType(KindTimestampLTZ)}}}
	for _, n := range []string{"name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure", "is_materialized"} {
		a.columns = append(a.columns, textColumn(n))
	}
	if _, err := st.within(s, TableName{}); err != nil {
		return nil, err
	}
	for _, n := range slices.SortedFunc(maps.Keys(c.views), func(a, b TableName) int { return strings.Compare(a.String(), b.String()) }) {
		in, err := st.within(s, n)
		if err != nil {
			return nil, err
		}
		if v := c.views[n]; in && likePattern(s.Like, n.Table) && (s.Starts == nil || strings.HasPrefix(n.Table, *s.Starts)) {
			a.rows = append(a.rows, []Value{TimestampValue(KindTimestampLTZ, v.created), TextValue(n.Table), TextValue(""), TextValue(n.Database), TextValue(n.Schema),
				TextValue(st.session.role), TextValue(v.comment), TextValue(v.text), TextValue("false"), TextValue("false")})
		}
	}
	return a, nil
}
