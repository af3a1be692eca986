package validate

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// claims is what several schemas say together about one value.
type claims struct {
	types       typeSet
	formats     []string
	maxLength   int // -1: none; meaningful once a schema was added
	multipleOf  []*big.Rat
	description string
	agreed      []string // column types that alternatives agree in: each set of them in one
	unclear     bool     // its type depends on which alternative holds
	added       bool
	nested      int // how many alternatives it stands in
}

func (c *claims) add(s *jsonschema.Schema) {
	for _, s := range together(s) {
		c.addOne(s)
	}
}

func (c *claims) addOne(s *jsonschema.Schema) {
	if !c.added {
		c.added, c.maxLength = true, -1
	}
	if s.Always != nil && !*s.Always {
		c.types = 0
	}
	if len(s.Types) > 0 {
		var types typeSet
		for _, name := range s.Types {
			types |= typesByName[name]
		}
		c.types &= types
	}
	if values := slices.Concat(s.Enum, s.Constant); len(values) > 0 {
		var types typeSet
		for _, v := range values {
			types |= typeOf(v)
		}
		c.types &= types
	}
	if s.Format != "" {
		c.formats = append(c.formats, s.Format)
	}
	if s.MaxLength >= 0 && (c.maxLength < 0 || s.MaxLength < c.maxLength) {
		c.maxLength = s.MaxLength
	}
	if s.MultipleOf != nil {
		c.multipleOf = append(c.multipleOf, s.MultipleOf)
	}
	if c.description == "" {
		c.description = s.Description
	}
	for _, alternatives := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		if len(alternatives) > 0 {
			c.addAlternatives(alternatives)
		}
	}
}

// addAlternatives adds what alternatives agree in, null aside: an optional value is often written as one of something and null.
func (c *claims) addAlternatives(alternatives []*jsonschema.Schema) {
	if c.nested == maxNested {
		c.unclear = true
		return
	}
	var types typeSet
	var agreed []string
	for _, s := range alternatives {
		each := &claims{types: c.types, nested: c.nested + 1}
		each.add(s)
		types |= each.types
		c.unclear = c.unclear || each.unclear
		if each.types&^nullType != 0 {
			agreed = append(agreed, each.sql())
		}
	}
	c.types &= types
	switch agreed = slices.Compact(agreed); len(agreed) {
	case 0:
	case 1:
		c.agreed = append(c.agreed, agreed[0])
	default:
		c.unclear = true
	}
}

// maxNested is how many levels of alternatives are looked into.
const maxNested = 4

// sql returns the column type for the claims, "" if they leave it open. What alternatives agree in counts where nothing else says
// more: a claim of one of them alone must never do.
func (c *claims) sql() string {
	if c.unclear {
		return ""
	}
	own := c.own()
	for _, sql := range c.agreed {
		if sql != "" && (own == "VARCHAR" || own == "FLOAT" || strings.HasPrefix(own, "VARCHAR") && !strings.HasPrefix(sql, "VARCHAR")) {
			own = sql
		}
	}
	return own
}

// own is sql without what is in alternatives.
func (c *claims) own() string {
	switch c.types &^ nullType {
	case booleanType:
		return "BOOLEAN"
	case integerType:
		return "NUMBER(38,0)"
	case fractionType, integerType | fractionType:
		if scale := c.scale(); scale >= 0 {
			return "NUMBER(38," + strconv.Itoa(scale) + ")"
		}
		return "FLOAT"
	case stringType:
		return c.text()
	case objectType, arrayType, objectType | arrayType:
		return "VARIANT"
	}
	return ""
}

// scale returns how many decimals the numbers have, -1 if that is not known.
func (c *claims) scale() int {
	best := -1
	for _, m := range c.multipleOf {
		ten := big.NewInt(1)
		for scale := range maxScale + 1 {
			// m has at most so many decimals, and so have its multiples.
			if new(big.Rat).Mul(m, new(big.Rat).SetInt(ten)).IsInt() {
				if best < 0 || scale < best {
					best = scale
				}
				break
			}
			ten.Mul(ten, big.NewInt(10))
		}
	}
	return best
}

const maxScale = 18 // leaves 20 digits before the point

func (c *claims) text() string {
	if len(c.formats) > 0 && len(slices.Compact(slices.Sorted(slices.Values(c.formats)))) == 1 {
		switch c.formats[0] {
		case "date":
			return "DATE"
		case "date-time":
			return "TIMESTAMP_TZ"
		case "time":
			return "TIME"
		}
	}
	if 0 < c.maxLength && c.maxLength <= maxVarchar {
		return "VARCHAR(" + strconv.Itoa(c.maxLength) + ")"
	}
	return "VARCHAR"
}

// typeOf returns the type of a value of the schema's text.
func typeOf(v any) typeSet {
	switch v := v.(type) {
	case nil:
		return nullType
	case bool:
		return booleanType
	case string:
		return stringType
	case map[string]any:
		return objectType
	case []any:
		return arrayType
	case interface{ String() string }: // a number
		if d := parseDecimal([]byte(v.String())); d.integer {
			return integerType
		}
		return fractionType
	}
	return 0
}
