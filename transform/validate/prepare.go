package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// countRight mends counts such as maxLength that are beyond an int: the library's conversion makes them negative, so that
// every value would be too long.
func countRight(s *jsonschema.Schema) {
	for _, most := range []*int{&s.MaxLength, &s.MaxItems, &s.MaxProperties, &s.MaxContains} {
		if *most < -1 {
			*most = math.MaxInt
		}
	}
	for _, least := range []*int{&s.MinLength, &s.MinItems, &s.MinProperties, &s.MinContains} {
		if *least < -1 {
			*least = math.MaxInt
		}
	}
}

// ids returns what a schema says of its own address, by the keywords of all drafts.
func ids(schema []byte) (all []*url.URL) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(schema, &members)        // true and false have none
	for _, key := range []string{"$id", "id"} { // id is that of draft 4
		var id string
		if json.Unmarshal(members[key], &id) != nil {
			continue
		}
		if u, err := url.Parse(id); err == nil {
			all = append(all, u)
		}
	}
	return all
}

// baseOf returns a schema's $id as a URL that others can be relative to, nil if it has none.
func baseOf(schema []byte) *url.URL {
	for _, id := range ids(schema) {
		if id.IsAbs() && id.Opaque == "" {
			return id
		}
	}
	return nil
}

// checkKind refuses documents that hold JSON Schemas and are none: as a schema, they would let everything pass.
func checkKind(schema []byte) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(schema, &members) // true and false have none
	for _, kind := range []string{"openapi", "swagger", "asyncapi"} {
		if version := members[kind]; len(version) > 0 && version[0] == '"' {
			return fmt.Errorf(`it is a document of %s, which holds schemas: name one of them in a file beside it, such as {"$ref": "api.json#/components/schemas/Order"}`, kind)
		}
	}
	return nil
}

// checkNumbers reports a number that the library must not meet in a schema.
func checkNumbers(schema []byte) error {
	d := json.NewDecoder(bytes.NewReader(schema))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the library says what is wrong
		}
		if num, ok := token.(json.Number); ok {
			d := parseDecimal([]byte(num))
			if len(num) > 2*MaxDigits || len(d.digits) > MaxDigits || d.exponent > MaxExponent || d.exponent < -MaxExponent {
				return fmt.Errorf("the number %.40s has more than %d digits, or is beyond ten to the power of %d or %d", num, MaxDigits, MaxExponent, -MaxExponent)
			}
		}
	}
}

// checkSchema refuses what the library takes for no constraint at all, where it means that nothing is good.
func checkSchema(s *jsonschema.Schema) (err error) {
	walk(s, func(s *jsonschema.Schema) {
		if s.Enum != nil && len(s.Enum) == 0 {
			err = fmt.Errorf("at %s: enum lists no value, so that nothing would be valid", shorten(s.Location, s.Location))
		}
	})
	return err
}

func withoutFragment(u *url.URL) string {
	plain := *u
	plain.Fragment, plain.RawFragment = "", ""
	return plain.String()
}

// comparesNumbers reports whether a schema may compare numbers of a document with more than numbers of the schema.
func comparesNumbers(s *jsonschema.Schema, texts map[string][]byte) bool {
	found := false
	walk(s, func(s *jsonschema.Schema) { found = found || s.MultipleOf != nil || s.UniqueItems })
	for _, text := range texts { // what only a dynamic reference leads to is not walked
		for d := json.NewDecoder(bytes.NewReader(text)); !found; {
			token, err := d.Token()
			if err != nil {
				break
			}
			found = token == "multipleOf" || token == "uniqueItems"
		}
	}
	return found
}
