package pipeline

import (
	"encoding/json"

	"kinesis-snowflake/internal/row"
)

// objectOf puts a row's fields together again, as the payload of a row that Snowflake refused: equal to the record's
// JSON, though not in its white space.
func objectOf(r *row.Row) []byte {
	out := []byte{'{'}
	for i := range r.Fields {
		f := &r.Fields[i]
		if i > 0 {
			out = append(out, ',')
		}
		out = appendName(out, f)
		out = append(out, ':')
		out = append(out, f.Value...)
	}
	return append(out, '}')
}

func appendName(out []byte, f *row.Field) []byte {
	if f.Flags&row.HostileKey != 0 { // its name is the raw text between the quotes
		out = append(out, '"')
		out = append(out, f.Name...)
		return append(out, '"')
	}
	name, err := json.Marshal(string(f.Name))
	if err != nil {
		return append(out, `""`...) // a string always marshals
	}
	return append(out, name...)
}
