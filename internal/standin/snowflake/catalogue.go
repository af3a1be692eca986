package snowflake

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// schemaName is a schema's full name.
type schemaName struct{ database, schema string }

func (n schemaName) String() string { return n.database + "." + n.schema }

type plainName string

func (n plainName) String() string { return string(n) }

// A tableColumn has an identity of its own, so that rows buffered in an open transaction survive an ALTER TABLE of another session.
type tableColumn struct {
	Column
	id int64
}

// A table's fields but lock are guarded by the catalogue's mutex; columns is replaced, never changed in place.
type table struct {
	name    TableName
	id      int64
	columns []tableColumn
	comment string
	created time.Time
	dropped time.Time
	store   TableName // the engine's name for it
	loads   map[string]string
	lock    tableLock
}

func (t *table) index(name string) int {
	return slices.IndexFunc(t.columns, func(c tableColumn) bool { return c.Name == name })
}

// The catalogue knows all names. Its mutex is held for look-ups and changes only, never while the engine works on rows.
type catalogue struct {
	mu         sync.Mutex
	databases  map[string]time.Time
	schemas    map[schemaName]time.Time
	tables     map[TableName]*table
	views      map[TableName]*view
	dropped    []*table // oldest first
	stages     map[TableName]*stage
	warehouses map[string]bool
	roles      map[string]bool
	nextID     int64
}

func newCatalogue() *catalogue {
	return &catalogue{
		databases: map[string]time.Time{}, schemas: map[schemaName]time.Time{}, tables: map[TableName]*table{}, views: map[TableName]*view{}, stages: map[TableName]*stage{},
		warehouses: map[string]bool{}, roles: map[string]bool{},
	}
}

func (c *catalogue) id() int64 { c.nextID++; return c.nextID }

// qualify completes a name from the session's database and schema.
func (se *session) qualify(n syntax.Name) (TableName, error) {
	out := TableName{Database: se.database, Schema: se.schema, Table: n[len(n)-1].Name}
	switch len(n) {
	case 3:
		out.Database, out.Schema = n[0].Name, n[1].Name
	case 2:
		out.Schema = n[0].Name
	}
	if out.Database == "" {
		return out, failf("090105", "22000", "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
	}
	if out.Schema == "" {
		return out, failf("090106", "22000", "Cannot perform operation. This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.")
	}
	return out, nil
}

// lookup finds a table and gives its columns as they are now.
func (c *catalogue) lookup(n TableName) (*table, []tableColumn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tables[n]; t != nil {
		return t, t.columns, nil
	}
	return nil, nil, notFound("Object", n)
}

// columnsOf gives a table's columns now, or false when it was dropped.
func (c *catalogue) columnsOf(t *table) ([]tableColumn, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.columns, t.dropped.IsZero()
}

// requireSchema fails where a new object's database or schema does not exist. The caller holds mu.
func (c *catalogue) requireSchema(n TableName) error {
	if _, ok := c.databases[n.Database]; !ok {
		return notFound("Database", plainName(n.Database))
	}
	if _, ok := c.schemas[schemaName{n.Database, n.Schema}]; !ok {
		return notFound("Schema", schemaName{n.Database, n.Schema})
	}
	return nil
}

// likePattern matches SHOW ... LIKE, which ignores case.
func likePattern(pattern *string, s string) bool {
	return pattern == nil || like(strings.ToUpper(*pattern), strings.ToUpper(s))
}

// like matches % and _ with a backslash as escape.
func like(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	pi, ti, star, mark := 0, 0, -1, 0
	for ti < len(t) {
		switch {
		case pi < len(p) && p[pi] == '%':
			star, mark = pi, ti
			pi++
			continue
		case pi+1 < len(p) && p[pi] == '\\' && p[pi+1] == t[ti]:
			pi += 2
			ti++
			continue
		case pi < len(p) && p[pi] != '\\' && (p[pi] == '_' || p[pi] == t[ti]):
			pi++
			ti++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		pi, ti = star+1, mark
	}
	for pi < len(p) && p[pi] == '%' {
		pi++
	}
	return pi == len(p)
}

func (t *table) hiddenName() TableName {
	n := t.store
	n.Table = fmt.Sprintf("%s\x00dropped %d", n.Table, t.id)
	return n
}
