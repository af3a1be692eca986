package snowflake

import (
	"strings"

	"kinesis-snowflake/sink/table"
)

// Name is the full name of an object in a schema.
type Name struct {
	Database, Schema, Object string
}

// String quotes each part, so that case and every character are kept.
func (n Name) String() string {
	return table.Qualified(n.Database, n.Schema, n.Object)
}

// Sibling is another object of the same schema.
func (n Name) sibling(object string) Name { return Name{n.Database, n.Schema, object} }

// quoteText writes a string literal.
func quoteText(s string) string { return table.Literal(s) }

func quoteList(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quoteText(s)
	}
	return strings.Join(quoted, ", ")
}
