package table

import "strings"

// Quote returns name as a quoted identifier, which keeps its case and any character.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Qualified returns the quoted, fully qualified name of a table or stage.
func Qualified(database, schema, name string) string {
	return Quote(database) + "." + Quote(schema) + "." + Quote(name)
}

// Literal returns s as a string constant. Snowflake reads backslash escapes inside '...'.
func Literal(s string) string {
	return `'` + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`, "\r", `\r`).Replace(s) + `'`
}
