package validate

import (
	"errors"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxVisits is how much the library may do for one document: one for each schema that it applies to a value, and one for
// each member or element of that value. Where a schema contains itself in several alternatives, the work
// doubles with each level of a document, and so does the memory for violations.
const maxVisits = 300_000

// visits is how many visits a document of so many levels may take. A violation names its path, which the library puts together
// in steps: that takes time by the square of its length, a fifth of a millisecond on level 200.
func visits(levels int) int { return maxVisits / (1 + levels*levels/100) }

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
