package validate

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"kinesis-snowflake/transform/jsonscan"
)

// ColumnHint is what a schema says about the column of one top-level key.
type ColumnHint struct {
	Key string
	// Type is an SQL type such as NUMBER(38,2); empty if the schema leaves it open.
	Type string
	// NotNull: every document that keeps the schema has a value for the key that is not null, and none that does not keep it becomes a row.
	NotNull bool
	Comment string // the description, cut
	Order   int    // the key's place in the schema's text, counted from 0
}

// maxVarchar is the greatest length of a VARCHAR, in characters.
const maxVarchar = 16 << 20

// A statement of Snowflake's may have 1 MB, and one creates all columns of a table. What does not fit is left out rather than
// that no table could be made.
const (
	maxComment  = 1024      // characters, as of a comment in the pipeline file
	maxComments = 256 << 10 // bytes of all together
)

// comment is a description as a column can bear it.
func comment(description string) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, description)
	if utf8.RuneCountInString(text) > maxComment {
		text = string([]rune(text)[:maxComment-3]) + "..."
	}
	return text
}

// columns collects what a schema says about top-level keys, in the order of its text.
func columns(s *jsonschema.Schema, l *loader, mode Mode) []ColumnHint {
	var (
		order    []string
		merged   = map[string]*claims{}
		required = map[string]bool{}
		room     = maxComments
	)
	for _, part := range together(s) {
		for _, name := range part.Required {
			required[name] = true
		}
		for _, name := range propertyOrder(part, l) {
			if merged[name] == nil {
				merged[name] = &claims{types: allTypes}
				order = append(order, name)
			}
			merged[name].add(part.Properties[name])
		}
	}
	var hints []ColumnHint
	for i, name := range order {
		c := merged[name]
		h := ColumnHint{Key: name, Type: c.sql(), Comment: comment(c.description), Order: i}
		if room -= len(h.Comment); room < 0 {
			h.Comment = ""
		}
		h.NotNull = h.Type != "" && mode != Warn && required[name] && c.types&nullType == 0
		if h.Type != "" || h.Comment != "" {
			hints = append(hints, h)
		}
	}
	return hints
}

// together are the schemas that all hold for what s holds for: s, what it refers to, and the parts of allOf.
func together(s *jsonschema.Schema) (all []*jsonschema.Schema) {
	var add func(s *jsonschema.Schema)
	add = func(s *jsonschema.Schema) {
		if s == nil || slices.Contains(all, s) {
			return
		}
		all = append(all, s)
		add(s.Ref)
		for _, part := range s.AllOf {
			add(part)
		}
	}
	add(s)
	return all
}

// propertyOrder lists a schema's properties in the order of its text.
func propertyOrder(s *jsonschema.Schema, l *loader) (names []string) {
	file, fragment, _ := strings.Cut(s.Location, "#")
	_, tokens := pointer(fragment)
	var scanner jsonscan.Scanner
	fields, err := scanner.Object(find(l.text(file), append(tokens, "properties")), nil)
	if err == nil {
		for _, f := range fields {
			if name := fieldName(f); s.Properties[name] != nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	// The text of a draft's own schema is not at hand.
	var rest []string
	for name := range s.Properties {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

// typeSet is a set of JSON types.
type typeSet uint8

const (
	nullType typeSet = 1 << iota
	booleanType
	integerType
	fractionType // numbers that are no integers
	stringType
	objectType
	arrayType
	allTypes = 1<<iota - 1
)

var typesByName = map[string]typeSet{
	"null": nullType, "boolean": booleanType, "integer": integerType, "number": integerType | fractionType,
	"string": stringType, "object": objectType, "array": arrayType,
}

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
