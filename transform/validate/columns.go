package validate

import (
	"slices"
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
