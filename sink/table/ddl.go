package table

import "strings"

// CreateTable returns the statement that creates a table with the given columns, which [Plan.Extend] of a plan without
// a table lists, the connector's own first. target is qualified and quoted. Run again, or by two workers at once, it
// changes nothing.
func CreateTable(target string, columns []Column, comment string) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE IF NOT EXISTS " + target + " (")
	for i := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		writeColumn(&b, &columns[i], columns[i].NotNull)
	}
	b.WriteString(")")
	if comment != "" {
		b.WriteString(" COMMENT = " + Literal(comment))
	}
	return b.String()
}

// AddColumns returns the statement that adds columns. A column that another worker added first, even with another
// type, is left as it is: read DESC TABLE afterwards. None is NOT NULL, since the rows that are there have no value for
// it.
func AddColumns(target string, columns []Column) string {
	var b strings.Builder
	b.WriteString("ALTER TABLE " + target + " ADD COLUMN ")
	for i := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("IF NOT EXISTS ")
		writeColumn(&b, &columns[i], false)
	}
	return b.String()
}

func writeColumn(b *strings.Builder, c *Column, notNull bool) {
	b.WriteString(Quote(c.Name) + " " + c.Type.String())
	if notNull {
		b.WriteString(" NOT NULL")
	}
	if c.Comment != "" {
		b.WriteString(" COMMENT " + Literal(c.Comment))
	}
}

// SetType returns the statement that gives a column a wider type. Snowflake refuses one that would cut a text, so two
// workers at once end with the wider of both.
func SetType(target string, c Column) string {
	return "ALTER TABLE " + target + " ALTER COLUMN " + Quote(c.Name) + " SET DATA TYPE " + c.Type.String()
}

// DropNotNull returns the statement that lets a column accept NULL.
func DropNotNull(target, column string) string {
	return "ALTER TABLE " + target + " ALTER COLUMN " + Quote(column) + " DROP NOT NULL"
}
