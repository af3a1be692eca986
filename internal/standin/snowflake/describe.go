package snowflake

import "kinesis-snowflake/internal/standin/snowflake/syntax"

// describeTable answers DESC TABLE, which needs no warehouse.
func (st *execution) describeTable(s *syntax.Describe) (*answer, error) {
	name, err := st.session.qualify(s.Name)
	if err != nil {
		return nil, err
	}
	var columns []tableColumn
	if v := st.server.cat.view(name); v != nil {
		for _, c := range v.columns {
			columns = append(columns, tableColumn{Column: c})
		}
	} else if _, columns, err = st.server.cat.lookup(name); err != nil {
		return nil, notFound("Table", name)
	}
	a := &answer{kind: typeDescribe}
	for _, n := range []string{"name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment", "policy name", "privacy domain"} {
		a.columns = append(a.columns, textColumn(n))
	}
	for _, c := range columns {
		a.rows = append(a.rows, []Value{TextValue(c.Name), TextValue(c.Type.String()), TextValue("COLUMN"), yesNo(!c.NotNull), optional(c.Default),
			TextValue("N"), TextValue("N"), {}, {}, optional(c.Comment), {}, {}})
	}
	return a, nil
}

func (st *execution) showColumns(s *syntax.Show) (*answer, error) {
	c := st.server.cat
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := st.found(s, false)
	if err != nil {
		return nil, err
	}
	if s.InKind == "TABLE" && len(list) == 0 {
		return nil, notFound("Table", plainName(s.In.String()))
	}
	a := &answer{kind: typeShow}
	for _, n := range []string{"table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment", "database_name", "autoincrement"} {
		a.columns = append(a.columns, textColumn(n))
	}
	for _, t := range list {
		for _, c := range t.columns {
			if !likePattern(s.Like, c.Name) {
				continue
			}
			nullable := "true"
			if c.NotNull {
				nullable = "NOT_NULL"
			}
			a.rows = append(a.rows, []Value{TextValue(t.name.Table), TextValue(t.name.Schema), TextValue(c.Name), TextValue(dataTypeJSON(c.Column)), TextValue(nullable),
				TextValue(c.Default), TextValue("COLUMN"), TextValue(""), TextValue(c.Comment), TextValue(t.name.Database), TextValue("")})
		}
	}
	return a, nil
}

// dataTypeJSON is how SHOW COLUMNS writes a type.
func dataTypeJSON(c Column) string {
	names := map[Kind]string{KindNumber: "FIXED", KindFloat: "REAL", KindVarchar: "TEXT"}
	name := names[c.Type.Kind]
	if name == "" {
		name = c.Type.Kind.String()
	}
	b := appendJSONString([]byte(`{"type":`), name)
	field := func(k string, n int) { b = append(append(b, `,"`+k+`":`...), IntValue(int64(n)).Text...) }
	switch {
	case c.Type.Kind == KindNumber:
		field("precision", c.Type.Precision)
		field("scale", c.Type.Scale)
	case c.Type.Length > 0:
		field("length", c.Type.Length)
	case c.Type.Kind == KindTime || isTimestamp(c.Type.Kind):
		field("precision", 0)
		field("scale", c.Type.Scale)
	}
	b = append(b, `,"nullable":`...)
	if c.NotNull {
		return string(append(b, "false}"...))
	}
	return string(append(b, "true}"...))
}
