package table

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Explain says for people why a value is in _RESCUED.
func (r Reason) Explain() string {
	return [reasonCount]string{
		ReasonNoColumn:  "its key has no column",
		ReasonDuplicate: "a later value of the row took the column",
		ReasonKind:      "the column's type takes no such value",
		ReasonNumber:    "the column would round the number, or has no room for it",
		ReasonLength:    "the text is too long for the column",
		ReasonHostile:   `no text of Snowflake holds it: \u0000 or half a surrogate pair`,
	}[r]
}

// RescuedNames are the members of _RESCUED in a line of a load file: columns, and keys that have none.
func RescuedNames(line []byte) ([]string, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(line, &elements); err != nil || len(elements) < lineValues {
		return nil, fmt.Errorf("read the line of a row: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(elements[lineRescued], &members); err != nil {
		return nil, fmt.Errorf("read what is rescued of a row: %w", err)
	}
	return slices.Sorted(maps.Keys(members)), nil
}
