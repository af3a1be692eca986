package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kinesis-snowflake/transform/internal/sample"
)

// clickSchema is a schema for the click events of package sample, as a user would write it.
const clickSchema = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"required":["event_id","event_type","event_ts","session_id","page_url","ip"],
"properties":{
"event_id":{"type":"string","minLength":36,"maxLength":36},
"event_type":{"enum":["page_view","click","add_to_cart","purchase","scroll"]},
"event_ts":{"type":"string","format":"date-time"},
"received_at":{"type":"integer","minimum":0},
"user_id":{"type":["integer","null"]},
"session_id":{"type":"string","pattern":"^[0-9a-f]{32}$"},
"page_url":{"type":"string","maxLength":2048},
"page_title":{"type":"string"},
"referrer":{"type":["string","null"]},
"user_agent":{"type":"string"},
"ip":{"type":"string","format":"ipv4"},
"geo":{"type":"object","required":["country"],"properties":{"country":{"type":"string","minLength":2,"maxLength":2},"city":{"type":"string"},
"lat":{"type":"number","minimum":-90,"maximum":90},"lon":{"type":"number","minimum":-180,"maximum":180}}},
"is_mobile":{"type":"boolean"},
"load_ms":{"type":"number","minimum":0},
"revenue":{"type":"number","minimum":0,"multipleOf":0.01}},
"additionalProperties":false}`

func compileSchema(t testing.TB, schema string) *Schema {
	t.Helper()
	s, err := Compile([]byte(schema), Options{})
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return s
}

// fataler is what testing.TB and rapid's T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// decoded is a document as the library documents that it wants it.
func decoded(t fataler, doc []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return v
}

// agree compares the verdicts on a document: the form's, the library's, and the validator's.
func agree(t testing.TB, s *Schema, v *Validator, doc []byte) verdict {
	t.Helper()
	found := judge(t, s, v, doc)
	want := libraryVerdict(t, s, doc)
	if f := v.Check(doc); (f == nil) != (want == good) {
		t.Errorf("%s: %v, the library says %d", doc, f, want)
	}
	return found
}

// judge compares the form's verdict with the library's.
func judge(t testing.TB, s *Schema, v *Validator, doc []byte) verdict {
	t.Helper()
	found, want := v.fast.check(doc), libraryVerdict(t, s, doc)
	if found != unknown && found != want {
		t.Errorf("%s: the form says %d, the library %d", doc, found, want)
	}
	return found
}

// libraryVerdict asks the library by way of encoding/json.
func libraryVerdict(t testing.TB, s *Schema, doc []byte) verdict {
	t.Helper()
	value := decoded(t, doc)
	if slices.ContainsFunc(numbersOf(doc), func(n []byte) bool { return !isTame(n) }) {
		// The library would panic, or take long: it has to see what a Validator shows it.
		r := reader{b: doc}
		value = r.read()
	}
	if s.library.Validate(value) == nil {
		return good
	}
	return bad
}

func TestFormOnSuite(t *testing.T) {
	text, err := os.ReadFile("testdata/json-schema-test-suite.json")
	if err != nil {
		t.Fatal(err)
	}
	var suite map[string][]struct {
		Groups []struct {
			Schema json.RawMessage
			Tests  []struct{ Data json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &suite); err != nil {
		t.Fatal(err)
	}
	drafts := map[string]string{
		"draft4": "http://json-schema.org/draft-04/schema#", "draft6": "http://json-schema.org/draft-06/schema#", "draft7": "http://json-schema.org/draft-07/schema#",
		"draft2019-09": "https://json-schema.org/draft/2019-09/schema", "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
	}
	judged, all := 0, 0
	for draft, files := range suite {
		for _, f := range files {
			for _, g := range f.Groups {
				schema := g.Schema
				if schema[0] == '{' && len(schema) > 2 {
					schema = []byte(fmt.Sprintf(`{"$schema":%q,%s`, drafts[draft], schema[1:]))
				}
				s, err := Compile(schema, Options{})
				if err != nil {
					continue // an exception, which the test of the suite knows
				}
				v := s.Validator()
				for _, test := range g.Tests {
					all++
					if agree(t, s, v, test.Data) != unknown {
						judged++
					}
				}
			}
		}
	}
	if judged < all*7/10 {
		t.Errorf("of %d documents the form judges only %d", all, judged)
	}
	t.Logf("of %d documents the form judges %d", all, judged)
}

// Where the form cannot tell, nothing may make it sure.
func TestFormIsUnsure(t *testing.T) {
	const unsure = `{"uniqueItems":true}` // of an array of two arrays
	for _, c := range []struct {
		schema, doc string
		want        verdict
	}{
		{unsure, `[[],[0]]`, unknown},
		{unsure, `[1]`, good},
		{`{"not":` + unsure + `}`, `[[],[0]]`, unknown},
		{`{"if":` + unsure + `,"then":false}`, `[[],[0]]`, unknown},
		{`{"if":` + unsure + `,"else":false}`, `[[],[0]]`, unknown},
		{`{"if":` + unsure + `,"then":false,"else":false}`, `[[],[0]]`, bad},
		{`{"if":` + unsure + `,"then":true,"else":true}`, `[[],[0]]`, good},
		{`{"anyOf":[` + unsure + `,false]}`, `[[],[0]]`, unknown},
		{`{"anyOf":[` + unsure + `,true]}`, `[[],[0]]`, good},
		{`{"allOf":[` + unsure + `,true]}`, `[[],[0]]`, unknown},
		{`{"allOf":[` + unsure + `,false]}`, `[[],[0]]`, bad},
		{`{"oneOf":[` + unsure + `,true]}`, `[[],[0]]`, unknown},
		{`{"oneOf":[` + unsure + `,true,true]}`, `[[],[0]]`, bad},
		{`{"oneOf":[` + unsure + `,false]}`, `[[],[0]]`, unknown},
		{`{"contains":` + unsure + `}`, `[[[],[0]]]`, unknown},
		{`{"contains":` + unsure + `}`, `[[[],[0]],1]`, good},
		{`{"contains":` + unsure + `,"maxContains":1}`, `[[[],[0]],1]`, unknown},
		{`{"items":` + unsure + `}`, `[[[],[0]]]`, unknown},
		{`{"properties":{"a":` + unsure + `,"b":false}}`, `{"a":[[],[0]],"b":1}`, bad},
		{`{"uniqueItems":true}`, `[1,2,"1","a",true,null]`, good},
		{`{"uniqueItems":true}`, `[ "a" , "b" , "a" ]`, bad},
		{`{"uniqueItems":true}`, `[1,2,1.0]`, bad},
		{`{"uniqueItems":true}`, `[0,-0.0e5]`, bad},
		{`{"uniqueItems":true}`, `["a","\u0061"]`, unknown},
		{`{"uniqueItems":true}`, `["\n","\n"]`, bad},
		{`{"uniqueItems":true}`, `[1,100000000000000000000000]`, unknown},
		{`{"uniqueItems":true}`, `[1,1,{}]`, unknown},
		{`{"minProperties":2}`, `{"a":1}`, bad},
		{`{"minProperties":2}`, `{"a":1,"a":2}`, unknown},
		{`{"maxProperties":1}`, `{"a":1,"a":2}`, unknown},
		{`{"maxProperties":2}`, `{"a":1,"a":2}`, good},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":1,"a":"x"}`, good},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":"x","\u0061":1}`, bad},
		{`{"properties":{"a":{"type":"string"}}}`, `{"a":1,"b":1,"\u0061":"x"}`, good},
		{`{"minimum":1}`, `100000000000000000000000`, unknown},
		{`{"type":"integer"}`, `100000000000000000000000`, good},
		{`{"type":"integer"}`, `10.0`, good},
		{`{"type":"integer"}`, `1e400`, unknown},
		{`{"const":[1]}`, `[1]`, unknown},
		{`{"const":[1]}`, `{}`, bad},
		{`{"enum":[1,[1]]}`, `1.0`, good},
		{`{"properties":{"a":{"$dynamicRef":"#"}}}`, `{"a":{}}`, unknown},
		{`{"unevaluatedProperties":false}`, `{}`, unknown},
		{`{"unevaluatedProperties":false}`, `[]`, good},
	} {
		s := compileSchema(t, c.schema)
		if got := agree(t, s, s.Validator(), []byte(c.doc)); got != c.want {
			t.Errorf("%s: %s is %d, want %d", c.schema, c.doc, got, c.want)
		}
	}
}

// A wide table's schema requires more properties than a word has bits.
func TestManyRequired(t *testing.T) {
	for _, n := range []int{63, 64, 65, 128, 129, 200} {
		var names, members []string
		for i := range n {
			names = append(names, fmt.Sprintf(`"k%d"`, i))
			members = append(members, names[i]+":"+strconv.Itoa(i))
		}
		s := compileSchema(t, `{"required":[`+strings.Join(names, ",")+`],"properties":{"k0":{"type":"integer"}},"additionalProperties":{"type":"integer"}}`)
		v := s.Validator()
		if got := agree(t, s, v, []byte("{"+strings.Join(members, ",")+"}")); got != good {
			t.Errorf("all of %d: %d", n, got)
		}
		for i := range n {
			if got := agree(t, s, v, []byte("{"+strings.Join(slices.Delete(slices.Clone(members), i, i+1), ",")+"}")); got != bad {
				t.Errorf("of %d without %s: %d", n, names[i], got)
			}
		}
	}
}

func TestMutatedRecords(t *testing.T) {
	s := compileSchema(t, clickSchema)
	v := s.Validator()
	docs := sample.Records("click", 200)
	r := rand.New(rand.NewPCG(1, 1))
	replacements := [][2]string{
		{`"is_mobile":true`, `"is_mobile":1`},
		{`"click"`, `"clock"`},
		{`"lat":`, `"lat":9`},
		{`"country":"`, `"country":"X`},
		{`"country":"`, `"country":"\u00e4`},
		{`"ip"`, `"iq"`},
		{`"ip":"`, `"ip":"0`},
		{`Z","rec`, `","rec`},
		{`Z","rec`, `+01:00","rec`},
		{`T12:`, `t12:`},
		{`:59.`, `:60.`},
		{`2026-07-01T`, `2026-02-29T`},
		{`"session_id":"`, `"session_id":"g`},
		{`"session_id":"`, `"session_id":"\u0061`},
		{`"load_ms":`, `"load_ms":-`},
		{`"load_ms":`, `"load_ms":"x","load_ms":`},
		{`"load_ms":`, `"load_ms":1,"load_m\u0073":`},
		{`"user_id":`, `"user_id":1.5,"user_id":`},
		{`"received_at":`, `"received_at":1.0,"x":`},
		{`"received_at":`, `"user_id":1e2,"received_at":`},
		{`"received_at":1782907200`, `"received_at":1782907200.`},
		{`"revenue":`, `"revenue":0.00`},
		{`"revenue":`, `"revenue":1e-3,"revenue":`},
		{`"revenue":`, `"revenue":123456789012345678901234567890`},
		{`"city":`, `"city":null,"City":`},
		{`"geo":{`, `"geo":[{`},
		{`},"is_mobile"`, `}],"is_mobile"`},
		{`"event_id":`, `"event_id":"","event_id":`},
		{`{"event_id"`, `{"extra":{"a":[1,{"b":"}"}]},"event_id"`},
		{`{"event_id"`, `{"event\u005fid"`},
		{`"page_url":"`, `"page_url":"` + strings.Repeat("x", 2040)},
		{`"page_title":"`, `"page_title":"\ud800`},
	}
	const documents = 20_000
	counts := map[verdict]int{}
	for n := 0; n < documents; {
		doc := string(docs[r.IntN(len(docs))])
		for range 1 + r.IntN(2) {
			x := replacements[r.IntN(len(replacements))]
			doc = strings.Replace(doc, x[0], x[1], 1)
		}
		if r.IntN(4) == 0 { // any byte
			b := []byte(doc)
			b[r.IntN(len(b))] = `0123456789-.eE+"\{}[]:, tfnulrsabz`[r.IntN(34)]
			doc = string(b)
		}
		if !json.Valid([]byte(doc)) {
			continue
		}
		n++
		found := judge(t, s, v, []byte(doc))
		counts[found]++
		if found == unknown || n%10 == 0 {
			agree(t, s, v, []byte(doc))
		}
	}
	t.Logf("of the form's verdicts %d are good, %d bad, %d unknown", counts[good], counts[bad], counts[unknown])
	if counts[unknown] > documents/20 || counts[good] < documents/20 || counts[bad] < documents/2 {
		t.Errorf("verdicts %v", counts)
	}
}

func BenchmarkCheck(b *testing.B) {
	docs := sample.Records("click", 1000)
	size := 0
	for _, doc := range docs {
		size += len(doc)
	}
	plain := strings.Replace(clickSchema, `,"pattern":"^[0-9a-f]{32}$"`, "", 1)
	for _, c := range []struct {
		name, schema string
		check        func(v *Validator, doc []byte) bool
	}{
		{"form", clickSchema, func(v *Validator, doc []byte) bool { return v.fast.check(doc) == good }},
		{"form without pattern", plain, func(v *Validator, doc []byte) bool { return v.fast.check(doc) == good }},
		{"library", clickSchema, func(v *Validator, doc []byte) bool { return v.check(doc, unknown) == nil }},
		{"library without pattern", plain, func(v *Validator, doc []byte) bool { return v.check(doc, unknown) == nil }},
		{"library by encoding json", clickSchema, func(v *Validator, doc []byte) bool {
			v.budget.left = maxVisits
			return v.library.Validate(decoded(b, doc)) == nil
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			v := compileSchema(b, c.schema).Validator()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, doc := range docs {
					if !c.check(v, doc) {
						b.Fatalf("%s: %v", doc, v.Check(doc))
					}
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(docs))/b.Elapsed().Seconds()/1e3, "krec/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
