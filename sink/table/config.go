package table

import "kinesis-snowflake/internal/row"

// DefaultColumnLimit is the number of columns of a table, the connector's own aside, from which on no more are added by
// inference, where [Config.Limit] says no other.
const DefaultColumnLimit = 500

// MaxColumnLimit is the greatest Limit. Snowflake sets no number but bounds a table's metadata, and advises against
// thousands of columns; a dictionary of keys holds no more either.
const MaxColumnLimit = 2000

// Config is what does not change between the plans of a table.
type Config struct {
	Keys *row.Keys
	// Pins decide columns before anything else does, in the order that they stand in.
	Pins []Spec
	// Hints decide what no pin decides, and stand after the pins. Columns with a type, by pin or hint, are there from the
	// table's creation on, also beyond Limit.
	Hints []Spec
	// Freeze leaves a table as it is, once it is there: values of keys without a column are rescued, no column is
	// widened, and a row without a value for a NOT NULL column is failed. The connector's own columns are added even so.
	Freeze bool
	// Required are columns of the table that are NOT NULL and cannot be made to accept NULL: a row without a value for one
	// is failed, as long as the column is NOT NULL.
	Required []string
	// Variant puts a record into one column, [RecordColumn]. Pins and hints have no say then.
	Variant bool
	// Timestamps makes a new column whose first values are all RFC 3339 date-times a TIMESTAMP_TZ. [Config.Observation] looks
	// for them.
	Timestamps bool
	// Limit replaces DefaultColumnLimit, where it is positive; negative means that inference adds no column.
	Limit int
}

// ColumnLimit is the number of columns from which on inference adds no more.
func (c *Config) ColumnLimit() int {
	switch {
	case c.Limit < 0:
		return 0
	case c.Limit == 0:
		return DefaultColumnLimit
	}
	return c.Limit
}

// Observation returns an empty one, which looks for what c asks for.
func (c *Config) Observation() Observation { return Observation{Timestamps: c.Timestamps} }

// own are the connector's own columns.
func (c *Config) own() []Column {
	own := []Column{{Name: MetadataColumn, Type: objectType}, {Name: RescuedColumn, Type: variantType}}
	if c.Variant {
		own = append(own, Column{Name: RecordColumn, Type: variantType})
	}
	return own
}
