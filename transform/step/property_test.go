package step_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
	"kinesis-snowflake/transform/step"
)

var (
	names   = []string{"a", "b", "c", "a.b", "b[0]", "b[*].a", `"\n"`, "c.a.b", "b[-1]", "a[*]"}
	sources = []string{`nil`, `a`, `b + 1`, `len(c)`, `a.b ?? 1`, `string(c)`, `map(b, .a)`, `{"x": a, "y": [b]}`, `sum(b)`, `c matches "a+"`, `a * b / 3`, `number(c)`, `a[1:2]`, `filter(b, # != 1)`, `keys(a)`, `round(b, 1)`, `upper(c) + "x"`, `a == b`, `a in b`}
	types   = []string{"NUMBER(5,2)", "FLOAT", "BOOLEAN", "VARCHAR", "VARCHAR(2)", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_TZ", "VARIANT"}
)

// anyStep draws a step that may be wrong in its combination, never in its texts.
func anyStep(t *rapid.T) step.Config {
	c := step.Config{Name: rapid.SampledFrom([]string{"filter", "keep", "drop", "rename", "flatten", "unnest", "cast", "set", "default", "parse_json", "hash"}).Draw(t, "name")}
	c.OnError = rapid.SampledFrom([]step.OnError{"", step.Fail, step.Null, step.Keep}).Draw(t, "on_error")
	path := func(label string) step.Text { return step.Text{Value: rapid.SampledFrom(names).Draw(t, label)} }
	for range rapid.IntRange(1, 3).Draw(t, "n") {
		c.Paths = append(c.Paths, path("path"))
		p := step.Pair{Path: path("of"), To: path("to")}
		switch c.Name {
		case "cast":
			p.To.Value = rapid.SampledFrom(types).Draw(t, "type")
			if strings.HasPrefix(p.To.Value, "TIMESTAMP") {
				p.From.Value = rapid.SampledFrom([]string{"", "epoch_s", "epoch_ms", "epoch_ns", "YYYY-MM-DD"}).Draw(t, "from")
			}
		case "set":
			p.To.Value = rapid.SampledFrom(sources).Draw(t, "expression")
		case "default":
			p.To.Value = rapid.SampledFrom([]string{`1`, `"x"`, `{"a":[1]}`, `null`}).Draw(t, "value")
		}
		c.Pairs = append(c.Pairs, p)
	}
	c.Expression.Value = rapid.SampledFrom([]string{`a == b`, `(a ?? 0) > 1`, `any(b, true)`, `true`}).Draw(t, "condition")
	switch c.Name {
	case "unnest":
		c.Paths = c.Paths[:1]
		c.Empty = rapid.SampledFrom([]step.Empty{"", step.EmptyRow, step.EmptyNone}).Draw(t, "empty")
		if rapid.Bool().Draw(t, "with index") {
			c.Index = path("index")
		}
		if rapid.Bool().Draw(t, "elsewhere") {
			c.As = path("as")
		}
	case "flatten":
		c.Depth = rapid.IntRange(0, 3).Draw(t, "depth")
		if rapid.Bool().Draw(t, "all") {
			c.Paths = nil
		}
	}
	return c
}

// anyJSON draws a value in the text of its producer: white space, escapes and all.
func anyJSON(t *rapid.T, depth int) string {
	scalars := []string{`null`, `true`, `false`, `0`, `-1.50`, `1e2`, `12345678901234567890.125`, `1e999`, `""`, `"x"`, `"\u0061\n"`, `"\ud800"`, `"\u0000"`, `"2026-07-01T00:00:00Z"`, `"12.5"`, `"{\"a\":1}"`, `"aé"`}
	n := rapid.IntRange(0, 5).Draw(t, "shape")
	if depth == 0 || n < 3 {
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	}
	var parts []string
	for range rapid.IntRange(0, 3).Draw(t, "size") {
		if n == 3 {
			parts = append(parts, anyJSON(t, depth-1))
		} else {
			parts = append(parts, anyMember(t, depth-1))
		}
	}
	gap := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "gap")
	text := gap + strings.Join(parts, gap+","+gap) + gap
	if n == 3 {
		return "[" + text + "]"
	}
	return "{" + text + "}"
}

func anyMember(t *rapid.T, depth int) string {
	key := rapid.SampledFrom([]string{"a", "b", "c", "d", "", `\n`, `\u0061`, `\u0000`, `\ud800`}).Draw(t, "key")
	return `"` + key + `": ` + anyJSON(t, depth)
}

func anyRecord(t *rapid.T) string {
	var members []string
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		members = append(members, anyMember(t, 3))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// Whatever the steps and the record, what comes out is JSON whose kinds and flags are told, which outcome checks, and each
// row or failure has a number of its own.
func TestRowsAreSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []step.Config
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			steps = append(steps, anyStep(t))
		}
		p, err := step.Compile(steps)
		if err != nil {
			return
		}
		soundly(t, p, anyRecord(t))
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// soundly takes a record through steps and checks what comes out.
func soundly(t fataler, p *step.Program, record string) (rows []string, failed int) {
	var s, again jsonscan.Scanner
	fields, err := s.Object([]byte(record), nil)
	if err != nil {
		return nil, 0
	}
	last := -1
	number := func(index uint32) {
		if int(index) <= last {
			t.Fatalf("number %d after %d", index, last)
		}
		last = int(index)
	}
	err = p.Runner().Run(&row.Row{Fields: fields}, func(r *row.Row) error {
		number(r.Index)
		for i := range r.Fields {
			f := &r.Fields[i]
			kind, flags, err := again.Value(f.Value)
			if err != nil || kind != f.Kind || (flags^f.Flags)&^row.HostileKey != 0 {
				t.Fatalf("field %q %s is %v %v, want %v %v, %v", f.Name, f.Value, f.Kind, f.Flags, kind, flags, err)
			}
		}
		rows = append(rows, join(r.Fields))
		return nil
	}, func(index uint32, f *row.Failure) { number(index); failed++ })
	if err != nil {
		t.Fatalf("%v", err)
	}
	if !p.Multi() && len(rows)+failed+int(p.Filtered()) != 1 {
		t.Fatalf("%d rows, %d failures, %d filtered of one record", len(rows), failed, p.Filtered())
	}
	return rows, failed
}

// What no step names comes out byte for byte, in its order, in every row.
func TestStepsLeaveAloneWhatTheyDoNotName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []step.Config
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			c := anyStep(t)
			if c.Name == "keep" {
				c.Paths = append(c.Paths, texts("k1", "k2", "k3")...)
			}
			if c.Name == "flatten" && c.Paths == nil {
				c.Paths = texts("a") // without paths it names every object
			}
			steps = append(steps, c)
		}
		p, err := step.Compile(steps)
		if err != nil {
			return
		}
		kept := map[string]string{}
		var members []string
		for _, k := range []string{"k1", "k2", "k3"} {
			members = append(members, anyMember(t, 3))
			kept[k] = anyJSON(t, 3)
			members = append(members, fmt.Sprintf("%q : %s", k, kept[k]))
		}
		record := "{" + strings.Join(members, ",") + "}"
		var s jsonscan.Scanner
		fields, err := s.Object([]byte(record), nil)
		if err != nil {
			t.Fatalf("%s: %v", record, err)
		}
		err = p.Runner().Run(&row.Row{Fields: fields}, func(r *row.Row) error {
			var got []string
			for _, f := range r.Fields {
				if want, ok := kept[string(f.Name)]; ok {
					got = append(got, string(f.Name))
					if string(f.Value) != want {
						t.Fatalf("%s became %s in %s", want, f.Value, join(r.Fields))
					}
				}
			}
			if !slices.Equal(got, []string{"k1", "k2", "k3"}) {
				t.Fatalf("of k1, k2 and k3 %q are left in %s", got, join(r.Fields))
			}
			return nil
		}, func(uint32, *row.Failure) {})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzExpression: whatever the expression and the record, compiling and evaluating end, and what is made is JSON.
func FuzzExpression(f *testing.F) {
	for _, s := range sources {
		f.Add(s, `{"a":{"b":[1]},"b":2.5,"c":"aa"}`)
	}
	f.Fuzz(func(t *testing.T, source, record string) {
		p, err := step.Compile([]step.Config{{Name: "set", Pairs: []step.Pair{{Path: step.Text{Value: "v"}, To: step.Text{Value: source}}}}})
		if err == nil {
			soundly(t, p, record)
		}
	})
}

// FuzzSteps: whatever texts stand in steps, and whatever the record, nothing panics and rows are sound.
func FuzzSteps(f *testing.F) {
	f.Add(uint8(0), "a.b", "c", `{"a":{"b":"1"}}`)
	f.Add(uint8(3), "b[0]", "NUMBER(3)", `{"b":["1"]}`)
	f.Add(uint8(4), "a", "YYYY-MM-DD", `{"a":"2026-01-01"}`)
	f.Add(uint8(5), "a", "a.b", `{"a":[{"b":1}]}`)
	f.Fuzz(func(t *testing.T, which uint8, path, other, record string) {
		pair := step.Pair{Path: step.Text{Value: path}, To: step.Text{Value: other}}
		one := []step.Text{pair.Path}
		all := []step.Config{
			{Name: "rename", Pairs: []step.Pair{pair}}, {Name: "keep", Paths: append(one, pair.To)}, {Name: "drop", Paths: one}, {Name: "cast", Pairs: []step.Pair{pair}},
			{Name: "cast", Pairs: []step.Pair{{Path: pair.Path, To: step.Text{Value: "TIMESTAMP_TZ"}, From: pair.To}}}, {Name: "unnest", Paths: one, As: pair.To}, {Name: "flatten", Separator: other},
			{Name: "default", Pairs: []step.Pair{pair}}, {Name: "parse_json", Paths: one}, {Name: "hash", Paths: one}, {Name: "unnest", Paths: one, Index: pair.To},
		}
		p, err := step.Compile(all[int(which)%len(all) : int(which)%len(all)+1])
		if err == nil {
			soundly(t, p, record)
		}
	})
}
