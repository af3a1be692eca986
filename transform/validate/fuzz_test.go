package validate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"kinesis-snowflake/transform/internal/sample"
)

// schemas has schemas for the documents of FuzzValidate, each about other keywords.
func schemas() []string {
	return []string{
		clickSchema,
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"type":"array","items":{"$ref":"#"},"minItems":1,"maxItems":3}},"$defs":{"n":{"type":["number","null"],"exclusiveMinimum":-1.5,"maximum":1e3}},"additionalProperties":{"type":"string","maxLength":3}}`,
		`{"oneOf":[{"properties":{"k":{"const":"x"},"v":{"type":"integer"}},"required":["k"]},{"properties":{"k":{"const":1},"v":{"multipleOf":0.5}},"required":["k"]},{"not":{"required":["k"]}}]}`,
		`{"if":{"properties":{"a":{"const":true}},"required":["a"]},"then":{"required":["b"]},"else":{"maxProperties":2},"minProperties":1,"propertyNames":{"pattern":"^[a-z]","maxLength":4}}`,
		`{"patternProperties":{"^a":{"type":"string","format":"date"},"b$":{"format":"time"}},"additionalProperties":{"enum":[1,"1",null,[1],{"a":1},1.5,true]}}`,
		`{"anyOf":[{"prefixItems":[{"type":"integer"},{"type":"string"}],"items":false},{"contains":{"const":3},"minContains":2,"maxContains":3},{"uniqueItems":true,"maxItems":4}]}`,
		`{"allOf":[{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["x"]},{"properties":{"a":{"$ref":"#"}}}]}],"properties":{"a":{"type":"object"}}}`,
		`{"unevaluatedProperties":false,"properties":{"a":{"format":"uuid"},"b":{"format":"email"}},"dependentRequired":{"a":["b"]},"dependentSchemas":{"b":{"minProperties":2}}}`,
		`{"type":["array","object"],"items":{"type":"number","minimum":-5,"multipleOf":3},"properties":{"":{"type":"string"}},"required":["","é"]}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","minimum":3,"exclusiveMinimum":true,"items":[{"type":"string"}],"additionalItems":{"type":"null"},"dependencies":{"a":["b"]}}`,
	}
}

func FuzzValidate(f *testing.F) {
	for i := range schemas() {
		for _, doc := range []string{
			`{"a":1,"b":[{"a":null},{"a":1e3}],"c":"äöü"}`, `{"k":"x","v":1.0}`, `{"a":true,"b":"2024-02-29"}`, `[1,"a"]`, `[3,3,3]`, `{"a":{"a":{"a":{"x":1}}},"x":2}`,
			`{"a":1,"\u0061":"x","a":2}`, `1e5000000`, `[1e-99999999,0e99,-0,-0.0,1.50,1E+2]`, `{"":"\ud83d\ude00","é":0,"\u00e9":1}`, `"\ud800"`, `null`, ` [ { } , [ ] ] `, `{"a":12345678901234567890123}`,
			string(sample.Records("click", 1)[0]),
		} {
			f.Add(uint8(i), []byte(doc))
		}
	}
	var compiled []*Schema
	var validators []*Validator
	for _, schema := range schemas() {
		s := compileSchema(f, schema)
		compiled, validators = append(compiled, s), append(validators, s.Validator())
	}
	f.Fuzz(func(t *testing.T, which uint8, doc []byte) {
		if !json.Valid(doc) || !validText(doc) {
			return
		}
		s, v := compiled[int(which)%len(compiled)], validators[int(which)%len(compiled)]
		if f := v.Check(doc); f == nil || !strings.Contains(f.Reason, "too ") {
			agree(t, s, v, doc)
		}
		if f := v.Check(doc); f != nil && (f.Stage != "validate" || f.Reason == "" || len(f.Reason) > 2000) {
			t.Errorf("%s: %+v", doc, f)
		}
	})
}

// validText reports whether a document passes the scanner, which comes first in a pipeline.
func validText(doc []byte) bool {
	return strings.ToValidUTF8(string(doc), "") == string(doc) && maxNesting(doc) <= 512
}

func maxNesting(doc []byte) (deepest int) {
	depth := 0
	for _, c := range doc {
		switch c {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
}

func numbersOf(doc []byte) (numbers [][]byte) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return numbers
		}
		if n, ok := token.(json.Number); ok {
			numbers = append(numbers, []byte(n))
		}
	}
}

// FuzzSchema compiles anything as a schema, and checks anything by it.
func FuzzSchema(f *testing.F) {
	for _, schema := range schemas() {
		f.Add([]byte(schema), []byte(`{"a":1,"b":["x"]}`))
	}
	f.Fuzz(func(t *testing.T, schema, doc []byte) {
		s, err := Compile(schema, Options{})
		if err != nil || !json.Valid(doc) || !validText(doc) {
			return
		}
		v := s.Validator()
		for _, h := range s.Columns() {
			if h.Type == "" && h.Comment == "" {
				t.Errorf("%s: hint %+v", schema, h)
			}
		}
		fast := v.fast.check(doc)
		slow := v.check(doc, unknown)
		if fast == good && slow != nil && !strings.Contains(slow.Reason, "too ") || fast == bad && slow == nil {
			t.Errorf("%s by %s: the form says %d, the library %v", doc, schema, fast, slow)
		}
	})
}
