package validate_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/transform/validate"
)

// Numbers that the library must not see get their verdict even so: for some it would take minutes.
func TestHugeNumbers(t *testing.T) {
	nines := strings.Repeat("9", 100_000)
	for _, c := range []struct {
		schema, number string
		valid          bool
	}{
		{`{}`, `1e5000000`, true},
		{`{"type":"number"}`, `1e-99999999`, true},
		{`{"type":"string"}`, `1e5000000`, false},
		{`{"type":"integer"}`, `1e5000000`, true},
		{`{"type":"integer"}`, `-1.5e999999999999999999999`, true},
		{`{"type":"integer"}`, `1e-99999999`, false},
		{`{"type":"integer"}`, `0e99999999`, true},
		{`{"type":"integer"}`, `-0.0e-99999999`, true},
		{`{"type":"integer"}`, nines, true},
		{`{"type":"integer"}`, nines + ".0", true},
		{`{"type":"integer"}`, nines + ".5", false},
		{`{"type":"integer"}`, "1." + nines, false},
		{`{"type":"integer"}`, "1." + nines + "e100000", true},
		{`{"type":"integer"}`, "1." + nines + "e99999", false},
		{`{"type":"integer"}`, "0." + strings.Repeat("0", 100_000) + "1e100001", true},
		{`{"type":"integer"}`, "1" + strings.Repeat("0", 100_000) + "e-100000", true},
		{`{"minimum":5}`, `1e5000000`, true},
		{`{"minimum":5}`, `-1e5000000`, false},
		{`{"minimum":0}`, `1e-5000000`, true},
		{`{"exclusiveMinimum":0}`, `1e-5000000`, true},
		{`{"exclusiveMinimum":0}`, `-1e-5000000`, false},
		{`{"exclusiveMinimum":0}`, `0e5000000`, false},
		{`{"maximum":1e399}`, `1e400`, false},
		{`{"maximum":1e399}`, nines, false},
		{`{"maximum":1e399}`, `-` + nines, true},
		{`{"maximum":1}`, `1.` + strings.Repeat("0", 100_000) + `1`, false},
		{`{"maximum":1}`, `1.` + strings.Repeat("0", 100_000), true},
		{`{"minimum":1}`, `0.` + nines, false},
		{`{"maximum":1}`, `0.` + nines, true},
		{`{"const":1}`, `0.` + nines, false},
		{`{"const":1}`, `1.` + strings.Repeat("0", 100_000), true},
		{`{"const":1e399}`, `1e399`, true},
		{`{"const":1e399}`, `1e400`, false},
		{`{"enum":[0,1]}`, `0e5000000`, true},
		{`{"multipleOf":1}`, `1e5000000`, false}, // it cannot be told
		{`{"multipleOf":1}`, `1.0e300`, true},
		{`{"items":{"type":"integer"},"uniqueItems":true}`, `[1e5000000,1e5000000]`, false},
	} {
		v := compile(t, c.schema, validate.Options{}).Validator()
		f := v.Check([]byte(c.number))
		if (f == nil) != c.valid {
			t.Errorf("%s: %.40s is %v", c.schema, c.number, f)
		}
		if f != nil && len(f.Reason) > 600 {
			t.Errorf("%s: %.40s: the reason has %d bytes", c.schema, c.number, len(f.Reason))
		}
	}
}

// Schemas made from other languages' types have their greatest integers as limits.
func TestCountsBeyondAnInt(t *testing.T) {
	const most, more = `9223372036854775807`, `1e30`
	for _, c := range []struct {
		schema string
		valid  bool
	}{
		{`{"maxLength":` + most + `,"format":"email","type":["string","array"],"maxItems":` + most + `,"uniqueItems":true}`, true},
		{`{"uniqueItems":true,"maxItems":` + more + `,"contains":{},"maxContains":` + more + `}`, true},
		{`{"maxProperties":` + most + `,"unevaluatedProperties":true}`, true},
		{`{"minItems":` + more + `}`, false},
		{`{"contains":{},"minContains":` + more + `}`, false},
	} {
		v := compile(t, `{"items":`+c.schema+`}`, validate.Options{}).Validator()
		if f := v.Check([]byte(`[["a@b.c",1]]`)); (f == nil) != c.valid {
			t.Errorf("%s: %v", c.schema, f)
		}
	}
}

// Whatever a number is, it compares to a schema's number as arithmetic says.
func TestNumbersCompare(t *testing.T) {
	digits := rapid.StringMatching(`(0|[1-9][0-9]{0,30}|[1-9]0{10,30})(\.[0-9]{1,30}|\.0{1,20}[0-9]?)?`)
	exponent := rapid.StringMatching(`(e[+-]?[0-9]{1,2})?`)
	small := rapid.StringMatching(`-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?(e-?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		number := sign + digits.Draw(t, "digits") + exponent.Draw(t, "exponent")
		if rapid.Bool().Draw(t, "small") {
			number = small.Draw(t, "number")
		}
		bound := small.Draw(t, "bound")
		n, ok1 := new(big.Rat).SetString(number)
		m, ok2 := new(big.Rat).SetString(bound)
		if !ok1 || !ok2 {
			t.Fatalf("%s, %s", number, bound)
		}
		check := func(schema string, want bool) {
			s, err := validate.Compile([]byte(schema), validate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if f := s.Validator().Check([]byte(number)); (f == nil) != want {
				t.Errorf("%s: %s is %v", schema, number, f)
			}
		}
		check(`{"minimum":`+bound+`}`, n.Cmp(m) >= 0)
		check(`{"exclusiveMaximum":`+bound+`}`, n.Cmp(m) < 0)
		check(`{"const":`+bound+`}`, n.Cmp(m) == 0)
		check(`{"type":"integer"}`, n.IsInt())
		if m.Sign() > 0 {
			check(`{"multipleOf":`+bound+`}`, new(big.Rat).Quo(n, m).IsInt())
		}
	})
}

// A schema that contains itself in alternatives doubles its work on each level of a document.
func TestExplosiveSchema(t *testing.T) {
	const schema = `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["x"]},{"properties":{"a":{"$ref":"#"}},"required":["y"]}]}`
	v := compile(t, schema, validate.Options{}).Validator()
	doc := strings.Repeat(`{"x":1,"y":1,"a":`, 200) + `{}` + strings.Repeat(`}`, 200)
	f := v.Check([]byte(doc))
	if f == nil || f.Reason != "it takes too many steps to be checked against this schema" {
		t.Errorf("%v", f)
	}
	if f := v.Check([]byte(`{"x":1,"a":{"y":1}}`)); f != nil {
		t.Errorf("afterwards: %v", f)
	}
	// Here few values are visited, but each has many elements.
	v = compile(t, `{"allOf":[`+strings.Repeat(`{"items":{"type":"string"},"uniqueItems":true},`, 50)+`{}]}`, validate.Options{}).Validator()
	f = v.Check([]byte(`[` + strings.Repeat(`1,`, 100_000) + `1]`))
	if f == nil || f.Reason != "it violates the schema; it takes too many steps to say where" {
		t.Errorf("%v", f)
	}
}

// The document's rest would be skipped on each of its levels.
func TestDeepDocument(t *testing.T) {
	const levels = 400
	doc := []byte(strings.Repeat(`{"a":`, levels) + `[` + strings.Repeat(`"",`, 256<<10) + `""]` + strings.Repeat(`}`, levels))
	v := compile(t, `{"allOf":[{"type":["object","array"]},{"properties":{"a":{"$ref":"#"}}}]}`, validate.Options{}).Validator()
	if f := v.Check(doc); f != nil {
		t.Errorf("%s", f.Reason)
	}
	v = compile(t, `{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["x"]},{"type":["object","array"]}]}`, validate.Options{}).Validator()
	if f := v.Check(doc); f == nil || !strings.HasPrefix(f.Reason, "it is too large to be checked against this schema") {
		t.Errorf("%v", f)
	}
}

// Every element of a large document violates the schema: the library would make megabytes of violations of each.
func TestHugeDocument(t *testing.T) {
	v := compile(t, `{"properties":{"a":{"type":"array","items":{"type":"string"}}}}`, validate.Options{}).Validator()
	doc := `{"a":[` + strings.Repeat("1,", 400_000) + `1]}`
	if f := v.Check([]byte(doc)); f == nil || f.Reason != "it violates the schema; with 400003 values on up to 2 levels it is too large to say where" {
		t.Errorf("%v", f)
	}
	if f := v.Check([]byte(strings.ReplaceAll(doc, "1", `""`))); f != nil {
		t.Errorf("%v", f)
	}
	v = compile(t, `{"properties":{"a":{"uniqueItems":true}}}`, validate.Options{}).Validator()
	if f := v.Check([]byte(doc)); f == nil || !strings.HasPrefix(f.Reason, "it is too large to be checked against this schema") {
		t.Errorf("%v", f)
	}
	// Many keys, each of which comes again.
	v = compile(t, `{"additionalProperties":{"type":"string"}}`, validate.Options{}).Validator()
	var keys strings.Builder
	for _, value := range []string{"1", `"x"`} {
		for i := range 100_000 {
			keys.WriteString(`"k` + strings.Repeat("x", i%50) + big.NewInt(int64(i)).String() + `":` + value + `,`)
		}
	}
	if f := v.Check([]byte(`{` + keys.String() + `"z":""}`)); f != nil {
		t.Errorf("%v", f)
	}
}
