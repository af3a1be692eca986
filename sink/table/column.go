package table

import "fmt"

// Column is one column of a table, as DESC TABLE reports it or as it is to be added.
type Column struct {
	Name       string
	Type       Type
	NotNull    bool   // "null?" is N
	HasDefault bool   // it has a default, or is an identity: a COPY that leaves it out fills it
	Computed   bool   // it has an expression, and cannot be loaded
	Comment    string // of a column that is to be added; not read from the table
}

// loadable reports whether a COPY can fill the column.
func (c *Column) loadable() bool { return c.Type.Base != Other && !c.Computed }

// Fillable reports whether a key's values can be loaded into the column.
func (c Column) Fillable() bool { return c.loadable() && !c.own() }

// own reports whether it is one of the connector's two columns.
func (c *Column) own() bool { return c.Name == MetadataColumn || c.Name == RescuedColumn }

// ColumnTypeError says that a column that the connector needs has a type it cannot use.
type ColumnTypeError struct {
	Column Column
	Want   string
}

func (e *ColumnTypeError) Error() string {
	return fmt.Sprintf("column %s is %s, but must be %s: rename that column, or load into another table",
		Quote(e.Column.Name), e.Column.Type, e.Want)
}
