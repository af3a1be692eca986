package validate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

// Whatever a schema says, what it says about a column holds for every document that keeps it.
func TestHintsHold(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		d := &drawer{t: t, draft: rapid.SampledFrom([]int{4, 7, 2019, 2020}).Draw(t, "draft")}
		d.defs = 3
		part := func() string {
			return `{"properties":{"a":` + d.hint(3) + `},"required":` + d.of([]string{`["a"]`, `["b"]`}) + `}`
		}
		var defs []string
		for i := range d.defs {
			defs = append(defs, fmt.Sprintf(`"d%%%d":%s`, i, d.hint(2)))
		}
		schema := `"allOf":[` + part() + `,{"$ref":"#/definitions/more"}],"definitions":{"more":` + part() + `,` + strings.Join(defs, ",") + `}}`
		if d.draft == 4 {
			schema = `"$schema":"http://json-schema.org/draft-04/schema#",` + schema
		}
		schema = "{" + schema
		s, err := Compile([]byte(schema), Options{})
		if err != nil {
			if strings.Contains(err.Error(), "infinite loop") {
				return
			}
			t.Fatalf("%s: %v", schema, err)
		}
		v := s.Validator()
		for _, a := range []string{
			``, `null`, `true`, `0`, `1.0`, `-0.5`, `0.01`, `0.125`, `1e30`, `""`, `"a"`, `"ab"`, `"abc"`, `"2024-02-29"`, `"12:00:00Z"`, `"2024-02-29T12:00:00Z"`, `[]`, `{}`, `{"a":1}`,
		} {
			doc := strings.Replace(`{"b":1,"a":`+a+`}`, `,"a":}`, `}`, 1)
			if v.Check([]byte(doc)) != nil {
				continue
			}
			members, ok := decoded(t, []byte(doc)).(map[string]any)
			if !ok {
				t.Fatalf("%s", doc)
			}
			for _, h := range s.Columns() {
				value, there := members[h.Key]
				if !there || value == nil {
					if h.NotNull {
						t.Fatalf("%s\n%s keeps it, and has no %s", schema, doc, h.Key)
					}
					continue
				}
				if held++; !fits(h.Type, value) {
					t.Fatalf("%s\n%s keeps it, and %s is no %s", schema, doc, h.Key, h.Type)
				}
			}
		}
	})
	if t.Logf("%d values were held to a hint", held); held < 10 {
		t.Error("that is too few")
	}
}

// hint draws a schema that speaks of a value's type.
func (d *drawer) hint(depth int) string {
	one := func() string { return d.hint(depth - 1) }
	n := d.upTo(11)
	if depth <= 0 {
		n = d.upTo(6)
	}
	switch n {
	case 0, 1:
		return `{"type":"string",` + d.of([]string{`"maxLength":2`, `"maxLength":10`, `"format":"date"`, `"format":"time"`, `"format":"date-time"`, `"minLength":1`}) + `}`
	case 2:
		return `{"type":"number",` + d.of([]string{`"multipleOf":1`, `"multipleOf":0.5`, `"multipleOf":0.01`, `"minimum":0`}) + `}`
	case 3:
		return `{"type":` + d.of(someTypes) + `}`
	case 4:
		return `{"type":["null",` + d.of(someTypes[1:]) + `]}`
	case 5:
		return `{"enum":[` + d.of([]string{"null,true", "1", "1.0,null", "1,0.5", `"a"`, `"a","ab"`, `null,"a"`, "[],{}", `1,"a"`}) + `]}`
	case 6:
		return d.of([]string{"{}", `{"maxLength":1}`, `{"format":"date"}`, `{"not":{"type":"null"}}`, `{"multipleOf":0.1}`, `{"required":["a"]}`})
	case 7, 8:
		return `{"anyOf":` + d.list(1, 3, one) + `}`
	case 9:
		return `{"oneOf":` + d.list(1, 2, one) + `,"maxLength":3,"multipleOf":0.5}`
	case 10:
		return `{"allOf":` + d.list(1, 2, one) + `}`
	default:
		return `{"$ref":` + fmt.Sprintf(`"#/definitions/d%%25%d"`, d.upTo(d.defs-1)) + `,"maxLength":1,"type":"string"}`
	}
}

// fits reports whether a value is one that a column's type is for.
func fits(column string, value any) bool {
	name, limits, _ := strings.Cut(strings.TrimSuffix(column, ")"), "(")
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch name {
	case "":
		return true
	case "NUMBER":
		_, scale, _ := strings.Cut(limits, ",")
		r, ok := new(big.Rat).SetString(string(number))
		return isNumber && ok && r.Mul(r, rat("1e"+scale)).IsInt()
	case "FLOAT":
		return isNumber
	case "BOOLEAN":
		_, ok := value.(bool)
		return ok
	case "VARCHAR":
		most, err := strconv.Atoi(limits)
		return isText && (err != nil || utf8.RuneCountInString(text) <= most)
	case "DATE", "TIME":
		return isText && jsonschema.Formats[strings.ToLower(name)](text)
	case "TIMESTAMP_TZ":
		return isText && jsonschema.Formats["date-time"](text)
	case "VARIANT":
		return !isText && !isNumber && value != true && value != false
	}
	return false
}

func rat(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}
