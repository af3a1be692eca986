package validate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/validate"
)

func compile(t testing.TB, schema string, o validate.Options) *validate.Schema {
	t.Helper()
	s, err := validate.Compile([]byte(schema), o)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return s
}

func TestReasons(t *testing.T) {
	const schema = `{"type":"object","required":["id"],"additionalProperties":false,"properties":{
		"id":{"type":"integer","minimum":1,"maximum":10},
		"name":{"type":"string","maxLength":5,"pattern":"^[a-z]*$"},
		"at":{"type":"string","format":"date-time"},
		"items":{"type":"array","uniqueItems":true,"items":{"$ref":"#/$defs/item"}},
		"price":{"multipleOf":0.01},
		"kind":{"enum":["a","b"]},
		"a/b~c %":{"const":1},
		"propertyNames":{"type":"object","propertyNames":{"pattern":"^[a-z]","maxLength":5}},
		"never":false,
		"either":{"oneOf":[{"type":"object","required":["x"]},{"type":"object","properties":{"y":{"type":"object","properties":{"z":{"type":"null"}}}},"required":["y"]}]}
		},"$defs":{"item":{"type":"object","required":["sku","qty"],"properties":{"sku":{"type":"string"}}}}}`
	v := compile(t, schema, validate.Options{}).Validator()
	for _, c := range []struct{ doc, want string }{
		{`{}`, `the document: required: missing properties: 'id': {} (schema #/required)`},
		{`{"id":"x"}`, `/id: type: expected integer, but got string: "x" (schema #/properties/id/type)`},
		{`{"id":0}`, `/id: minimum: must be >= 1: 0 (schema #/properties/id/minimum)`},
		{`{"id":1.5}`, `/id: type: expected integer, but got number: 1.5 (schema #/properties/id/type)`},
		{`{"id":1,"name":"abcdef"}`, `/name: maxLength: length must be <= 5, but got 6: "abcdef" (schema #/properties/name/maxLength)`},
		{`{"id":1,"name":"A"}`, `/name: pattern: does not match pattern '^[a-z]*$': "A" (schema #/properties/name/pattern)`},
		{`{"id":1,"at":"yesterday"}`, `/at: format: is not valid 'date-time': "yesterday" (schema #/properties/at/format)`},
		{`{"id":1,"items":[{"sku":"a","qty":1},{"qty":2}]}`, `/items/1: required: missing properties: 'sku': {"qty":2} (schema #/$defs/item/required)`},
		{`{"id":1,"items":[{"sku":"a","qty":1},{"sku":"a","qty":1.0}]}`, `/items: uniqueItems: items at index 0 and 1 are equal: [{"sku":"a","qty":1},{"sku":"a","qty":1.0}] (schema #/properties/items/uniqueItems)`},
		{`{"id":1,"price":0.001}`, `/price: multipleOf: must be a multiple of 0.01: 0.001 (schema #/properties/price/multipleOf)`},
		{`{"id":1,"price":1e5000000}`, `the number 1e5000000 is too long or too large to be checked by multipleOf or uniqueItems`},
		{`{"id":1,"kind":"c"}`, `/kind: enum: value must be one of "a", "b": "c" (schema #/properties/kind/enum)`},
		{`{"id":1,"a/b~c %":2}`, `/a~1b~0c %: const: value must be "1": 2 (schema #/properties/a~1b~0c %/const)`},
		{`{"id":1,"propertyNames":{"a/B":1,"B/c\u0000":2}}`, `/propertyNames/B~1c` + "\x00" + `: pattern: does not match pattern '^[a-z]': the key "B/c\x00" (schema #/properties/propertyNames/propertyNames/pattern)`},
		{`{"id":1,"propertyNames":{"":1}}`, `/propertyNames: pattern: does not match pattern '^[a-z]': below it, at an empty key (schema #/properties/propertyNames/propertyNames/pattern)`},
		{`{"id":1,"propertyNames":2}`, `/propertyNames: type: expected object, but got number: 2 (schema #/properties/propertyNames/type)`},
		{`{"id":1,"never":null}`, `/never: false: no value is allowed here: null (schema #/properties/never)`},
		{`{"id":1,"z":1,"y":2,"x":3}`, `the document: additionalProperties: not allowed: 'x', 'y', 'z': {"id":1,"z":1,"y":2,"x":3} (schema #/additionalProperties)`},
		{`{"id":1,"either":{"y":{"z":5}}}`, `/either/y/z: type: expected null, but got number: 5 (schema #/properties/either/oneOf/1/properties/y/properties/z/type; and 1 more)`},
		{`{"id":0,"name":"A","kind":1}`, `/id: minimum: must be >= 1: 0 (schema #/properties/id/minimum; and 2 more)`},
		{`{"id":0,"id":0,"name":"A"}`, `/id: minimum: must be >= 1: 0 (schema #/properties/id/minimum; and 1 more)`},
		{`{"id":1,"name":"` + strings.Repeat("ä", 100) + `"}`, `/name: maxLength: length must be <= 5, but got 100: "` + strings.Repeat("ä", 49) + `... (schema #/properties/name/maxLength; and 1 more)`},
	} {
		for range 5 { // the library's order is that of a map
			f := v.Check([]byte(c.doc))
			if f == nil || f.Stage != row.StageValidate {
				t.Errorf("%s: %+v", c.doc, f)
				break
			}
			if f.Reason != c.want {
				t.Errorf("%s:\n%s\nwant\n%s", c.doc, f.Reason, c.want)
				break
			}
		}
	}
}

func TestSchemaErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "inside", "ok.json"), `{"type":"integer"}`)
	write(t, filepath.Join(dir, "outside.json"), `{"type":"integer"}`)
	write(t, filepath.Join(dir, "inside", "broken.json"), `{"type":`)
	if err := os.Symlink(filepath.Join(dir, "outside.json"), filepath.Join(dir, "inside", "link.json")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ schema, want string }{
		{``, "read JSON Schema: not JSON at line 1, column 1: unexpected end of JSON input"},
		{`{} {}`, "read JSON Schema: not JSON at line 1, column 4: invalid character '{' after top-level value"},
		{"{\n  \"type\": \"object\",\n  \"title\": \"é\", 'x'\n}", "read JSON Schema: not JSON at line 3, column 17: invalid character '\\'' looking for beginning of object key string"},
		{"{\n\"a\": [", "read JSON Schema: not JSON at line 2, column 6: unexpected end of JSON input"},
		{`[]`, "read JSON Schema: it is neither an object nor true or false"},
		{`{"type":"text"}`, "compile JSON Schema: at #/type: "},
		{`{"properties":{"a":{"pattern":"(?=x)"}}}`, "compile JSON Schema: at #/properties/a/pattern: '(?=x)' is not valid 'regex': not a regular expression of Go, which has no look-around and no backreferences"},
		{`{"$ref":"#/$defs/none"}`, "compile JSON Schema: "},
		{`{"$schema":"https://example.com/mine"}`, "compile JSON Schema: $ref leads to https://example.com/mine, and only files in the schema file's folder are read: copy that schema there and name it by its file name"},
		{`{"$ref":"https://example.com/x.json"}`, "compile JSON Schema: $ref leads to https://example.com/x.json, and only files"},
		{`{"$schema":"http://json-schema.org/draft-03/schema#"}`, "compile JSON Schema: $schema or $ref leads to http://json-schema.org/draft-03/schema: the drafts 4, 6, 7, 2019-09 and 2020-12 are known, and nothing is fetched"},
		{`{"openapi":"3.0.0","components":{"schemas":{"Order":{"type":"object"}}}}`, "read JSON Schema: it is a document of openapi, which holds schemas: name one of them in a file beside it, such as "},
		{`{"$ref":"//example.com/x.json"}`, "compile JSON Schema: "},
		{`{"$ref":"../outside.json"}`, "compile JSON Schema: $ref leads to file://" + dir + "/outside.json, and only files"},
		{`{"$ref":"%2e%2e/outside.json"}`, "compile JSON Schema: "},
		{`{"$ref":"/etc/passwd"}`, "compile JSON Schema: $ref leads to file:///etc/passwd, and only files"},
		{`{"$ref":"link.json"}`, "compile JSON Schema: read the schema that $ref names"},
		{`{"$ref":"none.json"}`, "compile JSON Schema: read the schema that $ref names"},
		{`{"$ref":"."}`, "compile JSON Schema: "},
		{`{"$ref":"broken.json"}`, "compile JSON Schema: "},
		{`{"$id":"https://example.com/a/b.json","$ref":"../ok.json"}`, "compile JSON Schema: $ref leads to https://example.com/ok.json"},
		{`{"minimum":1e401}`, "read JSON Schema: the number 1e401 has more than 400 digits, or is beyond ten to the power of 400 or -400"},
		{`{"minimum":1e-5000000}`, "read JSON Schema: the number 1e-5000000"},
		{`{"const":1e5000000}`, "read JSON Schema: the number 1e5000000"},
		{`{"enum":[]}`, "compile JSON Schema: at #: enum lists no value, so that nothing would be valid"},
		{`{"properties":5}`, "compile JSON Schema: at #/properties: expected object, but got number"},
	} {
		_, err := validate.Compile([]byte(c.schema), validate.Options{BaseDir: filepath.Join(dir, "inside")})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant\n%s", c.schema, err, c.want)
		}
	}
}

// A document of OpenAPI is no schema, but has some.
func TestSchemaOfOpenAPI(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "api.json"), `{"openapi":"3.0.0","components":{"schemas":{"Order":{"type":"object","required":["id"],"properties":{"id":{"$ref":"#/components/schemas/Id"},"at":{"type":"string"}}},"Id":{"type":"integer"}}}}`)
	s := compile(t, `{"$ref": "api.json#/components/schemas/Order"}`, validate.Options{BaseDir: dir})
	v := s.Validator()
	if f := v.Check([]byte(`{"id":1}`)); f != nil {
		t.Error(f.Reason)
	}
	if f := v.Check([]byte(`{"id":"1"}`)); f == nil || !strings.HasPrefix(f.Reason, "/id: type") {
		t.Errorf("%v", f)
	}
	if hints := s.Columns(); len(hints) != 2 || hints[0] != (validate.ColumnHint{Key: "id", Type: "NUMBER(38,0)", NotNull: true}) {
		t.Errorf("%+v", hints)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReferencesToFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder", "é")
	write(t, filepath.Join(dir, "types", "money.json"), `{"$defs":{"amount":{"type":"number","minimum":0,"description":"an amount"}}}`)
	write(t, filepath.Join(dir, "item.json"), "\ufeff"+`{"type":"object","properties":{"price":{"$ref":"types/money.json#/$defs/amount"}}}`)
	for _, schema := range []string{
		`{"$id":"https://example.com","properties":{"item":{"$ref":"item.json"},"next":{"$ref":"#"},"total":{"$ref":"/types/money.json#/$defs/amount"}}}`,
		`{"properties":{"item":{"$ref":"item.json"},"next":{"$ref":"orders.json"},"total":{"$ref":"types/money.json#/$defs/amount"}}}`,
		`{"$id":"https://example.com/schemas/orders.json","properties":{"item":{"$ref":"item.json"},"next":{"$ref":"orders.json"},"total":{"$ref":"/schemas/types/money.json#/$defs/amount"}}}`,
	} {
		s := compile(t, schema, validate.Options{BaseDir: dir, File: "orders.json"})
		v := s.Validator()
		if f := v.Check([]byte(`{"item":{"price":1},"total":2,"next":{"next":{"item":{"price":0.5}}}}`)); f != nil {
			t.Errorf("%s: %s", schema, f.Reason)
		}
		f := v.Check([]byte(`{"next":{"item":{"price":-1}}}`))
		if want := "/next/item/price: minimum: must be >= 0: -1 (schema money.json#/$defs/amount/minimum)"; f == nil || f.Reason != want {
			t.Errorf("%s: %v, want %s", schema, f, want)
		}
		if hints := s.Columns(); len(hints) != 2 || hints[0] != (validate.ColumnHint{Key: "item", Type: "VARIANT"}) ||
			hints[1] != (validate.ColumnHint{Key: "total", Type: "FLOAT", Comment: "an amount", Order: 2}) {
			t.Errorf("%s: columns %+v", schema, hints)
		}
		// Nothing is read once the schema is compiled.
		if err := os.Rename(filepath.Join(dir, "item.json"), filepath.Join(dir, "gone.json")); err != nil {
			t.Fatal(err)
		}
		if f := s.Validator().Check([]byte(`{"item":5}`)); f == nil {
			t.Error("5 is an item")
		}
		if err := os.Rename(filepath.Join(dir, "gone.json"), filepath.Join(dir, "item.json")); err != nil {
			t.Fatal(err)
		}
	}
}
