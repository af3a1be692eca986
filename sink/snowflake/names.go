package snowflake

import "strings"

// Name is the full name of an object in a schema.
type Name struct {
	Database, Schema, Object string
}

// String quotes each part, so that case and every character are kept.
func (n Name) String() string {
	return quoteIdent(n.Database) + "." + quoteIdent(n.Schema) + "." + quoteIdent(n.Object)
}

// Schema is the quoted name of the object's schema.
func (n Name) schema() string { return quoteIdent(n.Database) + "." + quoteIdent(n.Schema) }

// Sibling is another object of the same schema.
func (n Name) sibling(object string) Name { return Name{n.Database, n.Schema, object} }

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// quoteText writes a string literal. Snowflake reads backslash escapes inside '...', so backslashes double too.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

func quoteList(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quoteText(s)
	}
	return strings.Join(quoted, ", ")
}
