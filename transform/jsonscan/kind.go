package jsonscan

import (
	"bytes"

	"kinesis-snowflake/internal/row"
)

// KindOf returns the kind of a JSON value that was scanned before and has no white space around it.
func KindOf(value []byte) row.Kind {
	switch value[0] {
	case '"':
		return row.String
	case '{':
		return row.Object
	case '[':
		return row.Array
	case 't':
		return row.True
	case 'f':
		return row.False
	case 'n':
		return row.Null
	}
	if bytes.ContainsAny(value, ".eE") {
		return row.Float
	}
	return row.Int
}
