package validate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/transform/validate"
)

func TestColumnTypes(t *testing.T) {
	for _, c := range []struct{ schema, want string }{
		{`{"type":"integer"}`, "NUMBER(38,0)"},
		{`{"type":["integer","null"]}`, "NUMBER(38,0)"},
		{`{"type":"number"}`, "FLOAT"},
		{`{"type":["integer","number"]}`, "FLOAT"},
		{`{"type":"number","multipleOf":0.01}`, "NUMBER(38,2)"},
		{`{"type":"number","multipleOf":1e-3}`, "NUMBER(38,3)"},
		{`{"type":"number","multipleOf":0.25}`, "NUMBER(38,2)"},
		{`{"type":"number","multipleOf":5}`, "NUMBER(38,0)"},
		{`{"type":"number","multipleOf":1e-30}`, "FLOAT"},
		{`{"type":"string"}`, "VARCHAR"},
		{`{"type":"string","maxLength":20}`, "VARCHAR(20)"},
		{`{"type":"string","maxLength":0}`, "VARCHAR"},
		{`{"type":"string","maxLength":100000000}`, "VARCHAR"},
		{`{"type":"string","format":"date"}`, "DATE"},
		{`{"type":"string","format":"date-time"}`, "TIMESTAMP_TZ"},
		{`{"type":["null","string"],"format":"time"}`, "TIME"},
		{`{"type":"string","format":"uuid","maxLength":36}`, "VARCHAR(36)"},
		{`{"type":"string","format":"date","allOf":[{"format":"time"}]}`, "VARCHAR"},
		{`{"format":"date"}`, ""},
		{`{"type":"boolean"}`, "BOOLEAN"},
		{`{"type":"object"}`, "VARIANT"},
		{`{"type":["array","object","null"]}`, "VARIANT"},
		{`{"type":["array","string"]}`, ""},
		{`{"type":["integer","string"]}`, ""},
		{`{"type":"null"}`, ""},
		{`{}`, ""},
		{`true`, ""},
		{`false`, ""},
		{`{"enum":["a","b",null]}`, "VARCHAR"},
		{`{"enum":[1,2.0]}`, "NUMBER(38,0)"},
		{`{"enum":[1,2.5]}`, "FLOAT"},
		{`{"enum":[1,"a"]}`, ""},
		{`{"const":true}`, "BOOLEAN"},
		{`{"$ref":"#/$defs/id"}`, "VARCHAR(10)"},
		{`{"$ref":"#/$defs/id","maxLength":5}`, "VARCHAR(5)"},
		{`{"allOf":[{"type":"number"},{"multipleOf":0.1},{"multipleOf":0.01}]}`, "NUMBER(38,1)"},
		{`{"allOf":[{"type":"number"},{"type":"integer"}]}`, "NUMBER(38,0)"},
		{`{"allOf":[{"type":"string"},{"type":"integer"}]}`, ""},
		{`{"anyOf":[{"type":"string","maxLength":9},{"type":"null"}]}`, "VARCHAR(9)"},
		{`{"oneOf":[{"type":"null"},{"$ref":"#/$defs/id"}]}`, "VARCHAR(10)"},
		{`{"anyOf":[{"type":"string","format":"date"},{"type":"string","format":"date"},{"type":"null"}]}`, "DATE"},
		{`{"anyOf":[{"type":"string","format":"date"},{"type":"string","format":"date-time"}]}`, ""},
		{`{"anyOf":[{"type":"string"},{"type":"integer"}]}`, ""},
		{`{"anyOf":[{"type":"integer"},{"type":"number"}]}`, ""},
		{`{"type":"integer","anyOf":[{"minimum":5},{"maximum":2}]}`, "NUMBER(38,0)"},
		{`{"type":"object","properties":{"x":{"$ref":"#"}}}`, "VARIANT"},
		{`{"allOf":[{"anyOf":[{"maxLength":1},{}]},{"type":"string"}]}`, "VARCHAR"},
		{`{"allOf":[{"anyOf":[{"format":"date"},{"format":"date-time"}]},{"type":"string"}]}`, "VARCHAR"},
		{`{"allOf":[{"oneOf":[{"multipleOf":2},{"multipleOf":0.3}]},{"type":"number"}]}`, "FLOAT"},
		{`{"anyOf":[{"type":"string","format":"date"},{"type":"null"}],"maxLength":10}`, "DATE"},
		{`{"anyOf":[{"anyOf":[{"type":"string","maxLength":9},{"type":"string","maxLength":5}]}]}`, ""},
	} {
		s := compile(t, `{"properties":{"v":`+c.schema+`},"$defs":{"id":{"type":"string","maxLength":10}}}`, validate.Options{})
		got := ""
		if hints := s.Columns(); len(hints) > 0 {
			got = hints[0].Type
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.schema, got, c.want)
		}
	}
}

func TestColumns(t *testing.T) {
	const schema = `{"$schema":"http://json-schema.org/draft-07/schema#","required":["z","n","any"],"properties":{
		"z":{"type":"integer","description":"the last letter"},
		"n":{"type":["string","null"]},
		"a\u0062":{"description":"no type"},
		"any":{},
		"both":{"type":"string"}},
		"allOf":[{"$ref":"#/definitions/more"},{"properties":{"both":{"maxLength":3,"description":"both"}},"required":["both"]}],
		"definitions":{"more":{"properties":{"y":{"type":"boolean"},"b":{"type":"object"}},"required":["b"]}}}`
	want := []validate.ColumnHint{
		{Key: "z", Type: "NUMBER(38,0)", NotNull: true, Comment: "the last letter", Order: 0},
		{Key: "n", Type: "VARCHAR", Order: 1},
		{Key: "ab", Comment: "no type", Order: 2},
		{Key: "both", Type: "VARCHAR(3)", NotNull: true, Comment: "both", Order: 4},
		{Key: "y", Type: "BOOLEAN", Order: 5},
		{Key: "b", Type: "VARIANT", NotNull: true, Order: 6},
	}
	for range 5 {
		if got := compile(t, schema, validate.Options{Mode: validate.Reject}).Columns(); !slices.Equal(got, want) {
			t.Errorf("%+v\nwant\n%+v", got, want)
		}
	}
	for i := range want {
		want[i].NotNull = false
	}
	if got := compile(t, schema, validate.Options{Mode: validate.Warn}).Columns(); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	for _, none := range []string{`true`, `false`, `{}`, `{"type":"string"}`, `{"anyOf":[{"properties":{"a":{"type":"string"}}}]}`} {
		if got := compile(t, none, validate.Options{}).Columns(); len(got) != 0 {
			t.Errorf("%s: %+v", none, got)
		}
	}
}

// The order of the text counts whatever the schema calls itself.
func TestColumnsOfSchemaWithAnAddress(t *testing.T) {
	for _, id := range []string{`"$id":"urn:example:order"`, `"$id":"order.json"`, `"$id":"/schemas/v1/order#"`, `"$id":"tag:example.com,2020:order"`, `"$id":"https://example.com/x?v=1"`, `"$schema":"http://json-schema.org/draft-04/schema#","id":"urn:example:order#"`} {
		for _, dir := range []string{"", t.TempDir()} {
			s := compile(t, `{`+id+`,"properties":{"z":{"type":"string"},"b":{"$ref":"#/definitions/b"},"a":{"type":"string"}},"definitions":{"b":{"type":"string"}}}`, validate.Options{BaseDir: dir, File: "s.json"})
			got := ""
			for _, h := range s.Columns() {
				got += h.Key
			}
			if got != "zba" {
				t.Errorf("%s: columns %s", id, got)
			}
		}
	}
}

// Descriptions are meant for people: a table must come about whatever stands there.
func TestComments(t *testing.T) {
	long := strings.Repeat("é", 3000)
	s := compile(t, `{"properties":{"a":{"description":"it's \u0000\"5\" \\ \ud83d\ude00\r\n\ud800\u009b"},"b":{"description":"`+long+`"}}}`, validate.Options{})
	want := []validate.ColumnHint{{Key: "a", Comment: "it's \"5\" \\ 😀\n\ufffd"}, {Key: "b", Comment: long[:2*1021] + "...", Order: 1}}
	if got := s.Columns(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `"k%d":{"type":"integer","description":"%s"},`, i, long)
	}
	hints := compile(t, `{"properties":{`+b.String()+`"z":{}}}`, validate.Options{}).Columns()
	size := 0
	for _, h := range hints {
		size += len(h.Comment)
	}
	if len(hints) != 1000 || size > 256<<10 || size < 250<<10 {
		t.Errorf("%d columns with comments of %d bytes", len(hints), size)
	}
}
