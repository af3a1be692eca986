package validate

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxVisits is how much the library may do for one document: one for each schema that it applies to a value, and one for
// each member or element of that value. Where a schema contains itself in several alternatives, the work
// doubles with each level of a document, and so does the memory for violations.
const maxVisits = 300_000

// errSpent is what the library panics with when its budget is spent.
var errSpent = errors.New("too many steps")

// budget is an extension of the library that stands in every schema and counts.
type budget struct {
	left int
}

// Compile puts the budget into every schema.
func (b *budget) Compile(jsonschema.CompilerContext, map[string]any) (jsonschema.ExtSchema, error) {
	return b, nil
}

// Validate charges for a schema that is applied to a value.
func (b *budget) Validate(_ jsonschema.ValidationContext, v any) error {
	switch v := v.(type) {
	case map[string]any:
		b.left -= len(v)
	case []any:
		b.left -= len(v)
	}
	if b.left--; b.left < 0 {
		panic(errSpent)
	}
	return nil
}
