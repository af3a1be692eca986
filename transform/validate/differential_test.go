package validate

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"
)

// The words of the random schemas and documents below. They are few, so that documents often have what a schema speaks of, and
// each is there for what it might be mistaken for.
var (
	someKeys = []string{`"a"`, `"b"`, `"c"`, `"d"`, `"ab"`, `""`, `"a/b"`, `"~"`, `"%"`, `"%25"`, `"é"`, `"$ref"`, `"properties"`}
	// spelled has other spellings of keys.
	spelled     = []string{`"\u0061"`, `"\u0062"`, `"a\u0062"`, `"\u00e9"`, `"a\/b"`, `"e\u0301"`, `"A"`, `"\ud800"`, `"x"`}
	someNumbers = []string{`0`, `-0`, `0.0`, `1`, `1.0`, `1e0`, `10e-1`, `0.1e1`, `1E+0`, `2`, `3`, `-1`, `-1.5`, `0.5`, `5e-1`, `0.1`, `0.3`, `0.01`, `1.01`, `1e-2`, `1e2`, `100`,
		`12345678901234567890`, `9223372036854775807`, `9223372036854775808`, `18446744073709551616`, `999999999999999999`, `9999999999999999999`, `0.1234567890123456789`, `123456789012345678901234567890`, `1e19`, `1e20`,
		`1e30`, `1.0000000000000000001`, `1.000000000000000000000`, `9007199254740993`, `1e-19`, `1e-20`, `1e-30`, `0e30`}
	hugeNumbers = []string{`1e399`, `1e400`, `1e401`, `-1e402`, `1e-399`, `1e-401`, `0e999`, `15e-1`, `1` + strings.Repeat("0", 420), `1` + strings.Repeat("0", 420) + `.5`, `1.` + strings.Repeat("0", 420) + `1`, `1e999`}
	someStrings = []string{`""`, `"a"`, `"ab"`, `"abc"`, `"é"`, `"ab😀"`, `"1"`, `"A"`, `"\u0061"`, `"\ud83d\ude00"`, `"\ud800"`, `"\ud800\u0061"`, `"\u0000"`, `"\n"`, `"a\nb"`, `"\\"`, `"null"`,
		`"2024-02-29"`, `"2023-02-29"`, `"0000-01-01"`, `"2024-02-29T12:00:00Z"`, `"2024-02-29t12:00:00.5z"`, `"2016-12-31T23:59:60Z"`, `"2016-12-31T23:59:60+01:00"`, `"12:00:00Z"`, `"23:59:60Z"`, `"12:00:00+24:00"`, `"12:00:00"`,
		`"127.0.0.1"`, `"127.0.0.01"`, `"256.0.0.1"`, `"::1"`, `"12345678-1234-1234-1234-1234567890ab"`, `"a@b.c"`, `"http://a/b"`, `"[a"`, `"P1D"`, `"/a/b"`, `"a.b"`}
	somePatterns = []string{`"^a"`, `"b$"`, `"^$"`, `"."`, `"^.$"`, `"^\\w+$"`, `"\\d"`, `"é"`, `"^[^a]*$"`, `"\\p{L}"`, `"a|b"`, `"(?i)A"`, `"\\s"`, `"^\\S$"`}
	someFormats  = []string{`"date"`, `"date-time"`, `"time"`, `"uuid"`, `"ipv4"`, `"ipv6"`, `"email"`, `"uri"`, `"regex"`, `"hostname"`, `"json-pointer"`, `"duration"`, `"none"`}
	someTypes    = []string{`"null"`, `"boolean"`, `"integer"`, `"number"`, `"string"`, `"object"`, `"array"`}
	someCounts   = []string{`0`, `1`, `2`, `2.0`, `3`, `2e0`, `9223372036854775807`, `1e30`}
)

// drawer draws schemas of a draft, and documents.
type drawer struct {
	t     *rapid.T
	draft int
	defs  int
}

func (d *drawer) of(list []string) string { return rapid.SampledFrom(list).Draw(d.t, "w") }
func (d *drawer) upTo(n int) int          { return rapid.IntRange(0, n).Draw(d.t, "n") }
func (d *drawer) oneIn(n int) bool        { return d.upTo(n-1) == n-1 }

// list draws between least and most things.
func (d *drawer) list(least, most int, one func() string) string {
	var all []string
	for range least + d.upTo(most-least) {
		all = append(all, one())
	}
	return "[" + strings.Join(all, ",") + "]"
}

// set draws between least and most members with distinct names.
func (d *drawer) set(least, most int, names []string, one func() string) string {
	var all []string
	used := map[string]bool{}
	for range least + d.upTo(most-least) {
		if name := d.of(names); !used[name] {
			used[name] = true
			all = append(all, name+":"+one())
		}
	}
	return "{" + strings.Join(all, ",") + "}"
}

func (d *drawer) names() string {
	names := d.set(1, 3, someKeys, func() string { return "" })
	return strings.NewReplacer("{", "[", "}", "]", ":", "").Replace(names)
}

// schema draws a schema. References lead to definitions of the root and to the root, often in circles.
func (d *drawer) schema(depth int) string {
	if d.draft >= 6 && d.oneIn(12) {
		return d.of([]string{"true", "false"})
	}
	used := map[string]bool{}
	var words []string
	for range 1 + d.upTo(2) {
		for _, word := range d.keyword(depth) {
			name, _, _ := strings.Cut(word, ":")
			if !used[name] {
				used[name] = true
				words = append(words, word)
			}
		}
	}
	return "{" + strings.Join(words, ",") + "}"
}

// keyword draws a keyword, or several that belong together.
func (d *drawer) keyword(depth int) []string {
	sub := func() string { return d.schema(depth - 1) }
	one := func(name, value string) []string { return []string{`"` + name + `":` + value} }
	flat := []func() []string{
		func() []string { return one("type", d.of(someTypes)) },
		func() []string { return one("type", "["+d.of(someTypes[:4])+","+d.of(someTypes[4:])+"]") },
		func() []string { return one("enum", "["+d.document(1)+`,"other"]`) },
		func() []string {
			return one("const", d.document(2)) // no keyword of draft 4
		},
		func() []string { return one(d.of([]string{"minLength", "maxLength"}), d.of(someCounts)) },
		func() []string { return one(d.of([]string{"minItems", "maxItems"}), d.of(someCounts)) },
		func() []string { return one(d.of([]string{"minProperties", "maxProperties"}), d.of(someCounts)) },
		func() []string { return one(d.of([]string{"minimum", "maximum"}), d.of(someNumbers)) },
		func() []string {
			name := d.of([]string{"Minimum", "Maximum"})
			if d.draft == 4 {
				return append(one(strings.ToLower(name), d.of(someNumbers)), one("exclusive"+name, d.of([]string{"true", "false"}))...)
			}
			return one("exclusive"+name, d.of(someNumbers))
		},
		func() []string {
			return one("multipleOf", d.of([]string{`1`, `1.0`, `2`, `0.5`, `0.01`, `1e-2`, `3`, `0.3`, `1e-19`, `1e-30`, `1e30`, `7e19`, `12345678901234567890`}))
		},
		func() []string { return one("pattern", d.of(somePatterns)) },
		func() []string { return one("format", d.of(someFormats)) },
		func() []string { return one("uniqueItems", d.of([]string{"true", "true", "false"})) },
		func() []string { return one("required", d.names()) },
		func() []string { return one("$ref", d.reference()) },
	}
	if depth <= 0 {
		return rapid.SampledFrom(flat[:len(flat)-1]).Draw(d.t, "keyword")()
	}
	nested := []func() []string{
		func() []string { return one("properties", d.set(1, 3, someKeys, sub)) },
		func() []string { return one("patternProperties", d.set(1, 2, somePatterns, sub)) },
		func() []string { return one("additionalProperties", d.of([]string{"true", "false", sub(), sub()})) },
		func() []string {
			return append(one("properties", d.set(1, 3, someKeys, sub)), one("additionalProperties", d.of([]string{"false", sub()}))...)
		},
		func() []string { return one("allOf", d.list(1, 2, sub)) },
		func() []string { return one("anyOf", d.list(1, 3, sub)) },
		func() []string { return one("oneOf", d.list(1, 3, sub)) },
		func() []string { return one("not", sub()) },
		func() []string { return one("dependencies", d.set(1, 2, someKeys, sub)) },
		func() []string { return one("dependencies", d.set(1, 2, someKeys, d.names)) },
		func() []string {
			if d.draft >= 2020 {
				return append(one("prefixItems", d.list(1, 2, sub)), one("items", sub())...)
			}
			return append(one("items", d.list(1, 2, sub)), one("additionalItems", d.of([]string{"true", "false", sub()}))...)
		},
		func() []string { return one("items", sub()) },
		func() []string { return one("propertyNames", sub()) },
		func() []string { return one("contains", sub()) },
		func() []string {
			return append(append(one("contains", sub()), one("minContains", d.of(someCounts))...), one("maxContains", d.of(someCounts))...)
		},
		func() []string { return append(append(one("if", sub()), one("then", sub())...), one("else", sub())...) },
		func() []string { return append(one("if", sub()), one(d.of([]string{"then", "else"}), sub())...) },
	}
	if d.draft >= 2019 {
		nested = append(nested,
			func() []string { return one("dependentSchemas", d.set(1, 2, someKeys, sub)) },
			func() []string { return one("dependentRequired", d.set(1, 2, someKeys, d.names)) },
			func() []string {
				return append(one("unevaluatedProperties", sub()), one("properties", d.set(1, 2, someKeys, sub))...)
			},
			func() []string { return append(one("unevaluatedItems", sub()), one("contains", sub())...) },
			func() []string { return append(one("unevaluatedItems", "false"), one("anyOf", d.list(1, 2, sub))...) },
			func() []string {
				return append(one("unevaluatedProperties", "false"), one("allOf", d.list(1, 2, sub))...)
			},
			func() []string {
				if d.draft == 2019 {
					return one("$recursiveRef", `"#"`)
				}
				return one("$dynamicRef", d.of([]string{`"#"`, `"#node"`}))
			},
		)
	}
	return rapid.SampledFrom(append(nested, flat...)).Draw(d.t, "keyword")()
}

func (d *drawer) reference() string {
	if d.oneIn(3) {
		return `"#"`
	}
	return fmt.Sprintf(`"#/definitions/d%%25%d"`, d.upTo(d.defs-1))
}

// root draws a whole schema.
func (d *drawer) root(depth int) string {
	d.defs = 3
	head := map[int]string{
		4: `"$schema":"http://json-schema.org/draft-04/schema#","id":"http://example.com/s",`, 6: `"$schema":"http://json-schema.org/draft-06/schema#",`, 7: `"$schema":"http://json-schema.org/draft-07/schema#","$id":"urn:example:s",`,
		2019: `"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,`, 2020: `"$dynamicAnchor":"node",`,
	}[d.draft]
	var defs []string
	for i := range d.defs {
		text := d.schema(depth - 1)
		for d.draft < 6 && text[0] != '{' {
			text = "{}"
		}
		defs = append(defs, fmt.Sprintf(`"d%%%d":%s`, i, text))
	}
	text := d.schema(depth)
	if text[0] != '{' {
		text = "{}"
	}
	body := text[1:]
	if body != "}" {
		body = "," + body
	}
	return "{" + head + `"definitions":{` + strings.Join(defs, ",") + "}" + body
}

// document draws a JSON text: with keys that stand there twice, escapes, and spaces.
func (d *drawer) document(depth int) string {
	space := func() string {
		if d.oneIn(8) {
			return d.of([]string{" ", "\n\t ", "\r\n"})
		}
		return ""
	}
	kind := d.upTo(9)
	if depth <= 0 {
		kind = d.upTo(3)
	}
	switch kind {
	case 0:
		return d.of([]string{"null", "true", "false"})
	case 1:
		return d.of(someNumbers)
	case 2, 3:
		return d.of(someStrings)
	case 4, 5, 6:
		items := d.upTo(4)
		if d.oneIn(10) {
			items = 22 // more than 20: uniqueItems goes another way
		}
		var all []string
		for range items {
			all = append(all, space()+d.document(depth-1-items/20)+space())
		}
		return "[" + strings.Join(all, ",") + space() + "]"
	default:
		var all []string
		for range d.upTo(4) {
			key := d.of(someKeys)
			if d.oneIn(5) {
				key = d.of(spelled)
			}
			all = append(all, space()+key+space()+":"+space()+d.document(depth-1)+space())
		}
		return "{" + strings.Join(all, ",") + space() + "}"
	}
}

// differ compares verdicts on random documents by a random schema, and counts them.
func differ(t *rapid.T, counts map[verdict]int) {
	d := &drawer{t: t, draft: rapid.SampledFrom([]int{4, 6, 7, 2019, 2020, 2020}).Draw(t, "draft")}
	schema := d.root(3)
	s, err := Compile([]byte(schema), Options{})
	if err != nil {
		if strings.Contains(err.Error(), "infinite loop") {
			return
		}
		t.Fatalf("%s: %v", schema, err)
	}
	v := s.Validator()
	for range 12 {
		doc := d.document(3)
		if d.oneIn(20) {
			doc = d.of(hugeNumbers)
		}
		want := good
		// These numbers are cheap enough for the library, so it sees the document itself.
		if err := v.library.Validate(unbudgeted(v, decoded(t, []byte(doc)))); err != nil {
			want = bad
			placed(t, err, doc)
		}
		found := v.fast.check([]byte(doc))
		counts[found]++
		if found != unknown && found != want {
			t.Fatalf("%s\n%s: the form says %d, the library %d", schema, doc, found, want)
		}
		if f := v.Check([]byte(doc)); (f == nil) != (want == good) && (f == nil || !strings.Contains(f.Reason, "too l")) {
			t.Fatalf("%s\n%s: %+v, the library says %d", schema, doc, f, want)
		}
		if f := v.check([]byte(doc), unknown); (f == nil) != (want == good) && (f == nil || !strings.Contains(f.Reason, "too l")) {
			t.Fatalf("%s\n%s: without the form %+v, the library says %d", schema, doc, f, want)
		}
	}
}

// placed compares the levels that keywords lead to with the library's path in the document.
func placed(t *rapid.T, err error, doc string) {
	var violation *jsonschema.ValidationError
	if !errors.As(err, &violation) {
		return // a loop that only a dynamic reference closes
	}
	for _, e := range leaves(nil, violation) {
		_, tokens := pointer(e.InstanceLocation)
		if levels, _ := place(e); levels != len(tokens) && (levels < len(tokens) || !strings.Contains(doc, `""`)) {
			t.Fatalf("%s: %s at %s is on %d levels", doc, e.KeywordLocation, e.InstanceLocation, levels)
		}
	}
}

func unbudgeted(v *Validator, value any) any {
	v.budget.left = 1 << 40
	return value
}

func TestRandomSchemas(t *testing.T) {
	counts := map[verdict]int{}
	rapid.Check(t, func(t *rapid.T) { differ(t, counts) })
	t.Logf("of the form's verdicts %d are good, %d bad, %d unknown", counts[good], counts[bad], counts[unknown])
	if all := counts[good] + counts[bad] + counts[unknown]; counts[good] < all/20 || counts[bad] < all/20 || counts[unknown] > all*2/3 {
		t.Errorf("verdicts %v", counts)
	}
}

func FuzzRandomSchemas(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { differ(t, map[verdict]int{}) }))
}
