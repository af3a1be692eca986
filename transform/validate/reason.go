package validate

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

const (
	maxValue   = 100 // bytes of a value in a failure's text
	maxMessage = 300 // bytes of what is wrong with it, which may list keys
)

// explain words a violation: where in the document, what keyword wants what, the value, and the keyword's place in the
// schema. Of several it takes the one deepest in the document, as that is the one of the alternative that fits best.
// plain is the same without the value.
func explain(violation *jsonschema.ValidationError, doc []byte) (reason, plain string) {
	found := leaves(nil, violation)
	best := slices.MaxFunc(found, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(
			cmp.Compare(depth(a.InstanceLocation), depth(b.InstanceLocation)),
			-cmp.Compare(depth(a.KeywordLocation), depth(b.KeywordLocation)), // the schema's own words before those of its parts
			-cmp.Compare(a.InstanceLocation, b.InstanceLocation), -cmp.Compare(a.KeywordLocation, b.KeywordLocation),
		)
	})
	where, tokens := pointer(best.InstanceLocation)
	if where == "" {
		where = "the document"
	}
	keyword, message := wording(best)
	what := fmt.Sprintf("%s: %s: %s", cutTo(where, maxMessage), keyword, cutTo(message, maxMessage))
	quoted := ""
	if levels, ofKey := place(best); levels != len(tokens) {
		what += ": below it, at an empty key" // which the library leaves out of the path
	} else if ofKey {
		what += ": the key " + cutTo(strconv.Quote(tokens[levels-1]), maxValue)
	} else if value := find(doc, tokens); value != nil {
		quoted = ": " + cut(value)
	}
	rule := " (schema " + cutTo(shorten(best.AbsoluteKeywordLocation, violation.AbsoluteKeywordLocation), maxMessage)
	if len(found) > 1 {
		rule += fmt.Sprintf("; and %d more", len(found)-1)
	}
	return what + quoted + rule + ")", what + rule + ")"
}

func leaves(found []*jsonschema.ValidationError, e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return append(found, e)
	}
	for _, cause := range e.Causes {
		found = leaves(found, cause)
	}
	return found
}

func depth(location string) int { return strings.Count(location, "/") }

// pointer makes one of the library's locations, which are escaped twice, into a JSON pointer and its tokens.
func pointer(location string) (string, []string) {
	if location == "" {
		return "", nil
	}
	tokens := strings.Split(location[1:], "/")
	for i, token := range tokens {
		if plain, err := url.PathUnescape(token); err == nil {
			token = plain
		}
		tokens[i] = token
	}
	text := "/" + strings.Join(tokens, "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return text, tokens
}

// place tells from the keywords that lead to a violation on how many levels of the document it is, and whether it is of a key there
// rather than of its value.
func place(e *jsonschema.ValidationError) (levels int, ofKey bool) {
	tokens := strings.Split(e.KeywordLocation, "/")
	for i := 1; i < len(tokens); i++ {
		switch tokens[i] {
		case "propertyNames":
			return levels + 1, true
		case "properties", "patternProperties":
			levels++
			i++ // a name follows
		case "dependencies", "dependentSchemas", "dependentRequired":
			i++
		case "additionalProperties", "unevaluatedProperties", "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains":
			// As the last one it is violated by the whole object or array, unless it is a schema that lets nothing pass.
			if i < len(tokens)-1 || e.Message == neverAllowed {
				levels++
			}
		}
	}
	return levels, false
}

// neverAllowed is the library's message for a schema that is false.
const neverAllowed = "not allowed"

// wording names the keyword of a violation, and says what it wants in the library's words without the value.
func wording(e *jsonschema.ValidationError) (keyword, message string) {
	message = e.Message
	if message == neverAllowed {
		return "false", "no value is allowed here"
	}
	tokens := strings.Split(e.KeywordLocation, "/")
	for i := len(tokens) - 1; i >= 0 && keyword == ""; i-- {
		if tokens[i] == "dependencies" || tokens[i] == "dependentRequired" || i == len(tokens)-1 && strings.Trim(tokens[i], "0123456789") != "" {
			keyword = tokens[i]
		}
	}
	if n := len(tokens); n >= 3 && (tokens[n-3] == "dependencies" || tokens[n-3] == "dependentRequired") {
		keyword = tokens[n-3]
	}
	switch keyword {
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		message, _, _ = strings.Cut(message, " but found ")
	case "multipleOf":
		if i := strings.LastIndex(message, "not multipleOf "); i >= 0 {
			message = "must be a multiple of " + message[i+len("not multipleOf "):]
		}
	case "format":
		if i := strings.LastIndex(message, "is not valid "); i >= 0 {
			message = message[i:]
		}
	case "additionalProperties":
		// In the library's words the keys are in the order of a map.
		names, found := strings.CutPrefix(message, "additionalProperties ")
		if names, ok := strings.CutSuffix(names, " not allowed"); ok && found {
			list := strings.Split(names, ", ")
			slices.Sort(list)
			message = "not allowed: " + strings.Join(list, ", ")
		}
	}
	return keyword, message
}

// shorten names a place in the schema: in the schema file by the pointer alone, in another by the file's name and the pointer.
func shorten(location, root string) string {
	file, fragment, _ := strings.Cut(location, "#")
	rootFile, _, _ := strings.Cut(root, "#")
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	if file == rootFile {
		return "#" + fragment
	}
	return path.Base(file) + "#" + fragment
}

// wordSchemaError words why a schema cannot be compiled.
func wordSchemaError(err error) error {
	var schema *jsonschema.SchemaError
	if !errors.As(err, &schema) {
		return err
	}
	var violation *jsonschema.ValidationError
	if !errors.As(schema.Err, &violation) {
		return errors.New(strings.TrimPrefix(schema.Err.Error(), "jsonschema: "))
	}
	found := leaves(nil, violation)
	best := slices.MaxFunc(found, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(cmp.Compare(depth(a.InstanceLocation), depth(b.InstanceLocation)), -cmp.Compare(a.InstanceLocation, b.InstanceLocation),
			-cmp.Compare(a.KeywordLocation, b.KeywordLocation))
	})
	where, _ := pointer(best.InstanceLocation)
	if strings.HasSuffix(best.KeywordLocation, "/format") && strings.HasSuffix(best.Message, "is not valid 'regex'") {
		return fmt.Errorf("at #%s: %s: not a regular expression of Go, which has no look-around and no backreferences", where, cutTo(best.Message, maxMessage))
	}
	return fmt.Errorf("at #%s: %s", where, cutTo(best.Message, maxMessage))
}

// cut shortens a value to what a failure's text shows of it.
func cut(value []byte) string { return cutTo(string(value), maxValue) }

func cutTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}
