package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/transform/step"
)

// stepped is the minimal file with steps, of which the first stands in line 14.
func stepped(steps string) string { return minimal + "transform:\n  steps:\n" + steps }

func TestEveryStepIsRead(t *testing.T) {
	p := mustParse(t, stepped(`
    - filter: status == "paid"
    - keep: [a, b.c]
      on_error: keep
    - drop: 12
    - rename: {a: b, "x y": '"x.y"'}
    - flatten: geo
    - flatten: {}
    - flatten: {paths: [a, b], separator: "__", depth: 2}
    - unnest: items
    - unnest: {path: items, as: item, index: n, empty: none}
    - cast:
        id: NUMBER(38,0)
        ts: {type: TIMESTAMP_NTZ, from: epoch_ms}
      on_error: "null"
    - set:
        total: |
          price * quantity
        kind: '"order"'
    - default: {country: "${COUNTRY}", n: 1.50, zip: "007", list: [1, {a: null, b: yes}], truth: true, octal: 0x10}
    - parse_json: payload
    - hash: [email]
    - hash: {paths: email, secret: "${SECRET}"}
`), vars("COUNTRY", "CH", "SECRET", "0123456789abcdef"))
	text := func(s string) step.Text { return step.Text{Value: s} }
	texts := func(all ...string) (out []step.Text) {
		for _, s := range all {
			out = append(out, text(s))
		}
		return out
	}
	pair := func(path, to string) step.Pair { return step.Pair{Path: text(path), To: text(to)} }
	want := []step.Config{
		{Name: "filter", Expression: text(`status == "paid"`)},
		{Name: "keep", Paths: texts("a", "b.c"), OnError: step.Keep},
		{Name: "drop", Paths: texts("12")},
		{Name: "rename", Pairs: []step.Pair{pair("a", "b"), pair("x y", `"x.y"`)}},
		{Name: "flatten", Paths: texts("geo")},
		{Name: "flatten", Separator: "_"},
		{Name: "flatten", Paths: texts("a", "b"), Separator: "__", Depth: 2},
		{Name: "unnest", Paths: texts("items")},
		{Name: "unnest", Paths: texts("items"), As: text("item"), Index: text("n"), Empty: step.EmptyNone},
		{Name: "cast", Pairs: []step.Pair{pair("id", "NUMBER(38,0)"), {Path: text("ts"), To: text("TIMESTAMP_NTZ"), From: text("epoch_ms")}}, OnError: step.Null},
		{Name: "set", Pairs: []step.Pair{pair("total", "price * quantity\n"), pair("kind", `"order"`)}},
		{Name: "default", Pairs: []step.Pair{pair("country", `"CH"`), pair("n", "1.50"), pair("zip", `"007"`), pair("list", `[1,{"a":null,"b":"yes"}]`), pair("truth", "true"), pair("octal", `"0x10"`)}},
		{Name: "parse_json", Paths: texts("payload")},
		{Name: "hash", Paths: texts("email")},
		{Name: "hash", Paths: texts("email"), Secret: NewSecret("0123456789abcdef")},
	}
	got := p.Transform.Steps
	noPlace := cmp.Comparer(func(a, b step.Text) bool { return a.Value == b.Value })
	noName := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".At" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, noPlace, noName, cmp.Comparer(func(a, b Secret) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// YAML takes a null that is not in quotes for no value; who writes one in on_error means the choice of that name.
func TestOnErrorNullNeedsNoQuotes(t *testing.T) {
	for written, want := range map[string]step.OnError{
		"null": step.Null, `"null"`: step.Null, "'null'": step.Null, "~": step.Null, "NULL": step.Null, "null # a fault": step.Null, "": "", "''": "", "fail": step.Fail,
	} {
		for _, form := range []string{"    - cast: {a: NUMBER}\n      on_error: " + written + "\n", "    - on_error: " + written + "\n      cast: {a: NUMBER}\n"} {
			file := stepped(form)
			p := mustParse(t, file, vars())
			if got := p.Transform.Steps[0].OnError; got != want {
				t.Errorf("on_error: %s is %q, want %q", written, got, want)
			}
			if err := bySchema(t, file); err != nil {
				t.Errorf("on_error: %s: the program takes it, the schema says %#v", written, err)
			}
		}
	}
	for _, written := range []string{"null", `"null"`} {
		_, err := Parse("p.yaml", []byte(stepped("    - default: {a: 1}\n      on_error: "+written+"\n")), vars())
		if err == nil || !strings.Contains(err.Error(), "14:7: transform.steps[1].default") {
			t.Errorf("default with on_error: %s: %v", written, err)
		}
	}
}

func TestFaultsOfSteps(t *testing.T) {
	for name, tt := range map[string]struct{ steps, want string }{
		"no deeper":            {"    - cast:\n      on_error: keep\n", "14:12: transform.steps[1].cast: is empty; what belongs to a step is indented deeper than the step's name; allowed: a mapping from path to type"},
		"an empty item":        {"    - drop: a\n    -\n", "transform.steps[2]: is empty where a step belongs"},
		"outside of the list":  {"    - drop: a\n  cast: {a: DATE}\n", "15:3: transform.cast: is not a key of this file here: it is a step, which stands in the list transform.steps; allowed: json_schema"},
		"a colon":              {"    - filter: a ?? \"x: y\" == 1\n", "14:15: is not valid YAML: mapping value is not allowed in this context; a value that holds a colon and a space is written in quotes"},
		"quotes at the start":  {"    - set:\n        a: \"b\" + c\n", "15:16: is not valid YAML: value is not allowed in this context. map key-value is pre-defined; a value that begins with a quote ends with it"},
		"a tag":                {"    - filter: !deleted\n", "14:15: transform.steps[1].filter: is a tag (!name; a text that begins with ! is written in quotes) where a single value belongs"},
		"no list":              {"    drop: a\n", "14:9: transform.steps: is a mapping where a list belongs"},
		"an item that is text": {"    - drop\n", "14:7: transform.steps[1]: is a single value where a step belongs"},
		"unknown step":         {"    - drop: a\n    - dorp: a\n", "15:7: transform.steps[2].dorp: is not a key of this file (did you mean transform.steps[2].drop?); allowed: on_error, filter, keep"},
		"two steps in one":     {"    - drop: a\n      keep: b\n", "15:7: transform.steps[1].keep: stands in one step with drop"},
		"no step":              {"    - on_error: keep\n", "14:15: transform.steps[1]: names no step"},
		"bad on_error":         {"    - drop: a\n      on_error: stop\n", `15:17: transform.steps[1].on_error: "stop" is not one of the choices; allowed: fail, null, keep`},
		"no paths":             {"    - drop: []\n", "14:13: transform.steps[1].drop: names no path"},
		"empty path":           {"    - drop: ['']\n", "14:14: transform.steps[1].drop: is empty; allowed: a path such as"},
		"a path that is one":   {"    - drop: [[a]]\n", "14:14: transform.steps[1].drop: is a list where a single value belongs"},
		"unknown option":       {"    - flatten: {separatr: _}\n", "14:17: transform.steps[1].flatten.separatr: is not a key of this file (did you mean transform.steps[1].flatten.separator?); allowed: paths, separator, depth"},
		"depth of text":        {"    - flatten: {depth: deep}\n", `14:24: transform.steps[1].flatten.depth: "deep" is not a whole number`},
		"unnest without path":  {"    - unnest: {as: x}\n", "14:15: transform.steps[1].unnest.path: is required and missing"},
		"cast without type":    {"    - cast: {a: {from: epoch_s}}\n", "14:17: transform.steps[1].cast.a.type: is required and missing"},
		"path twice":           {"    - set: {a: 1, a: 2}\n", `14:19: transform.steps[1].set: names "a" twice`},
		"no mapping":           {"    - set: [a]\n", "14:12: transform.steps[1].set: is a list where a mapping from paths belongs"},
		"short secret":         {"    - hash: {paths: a, secret: hunter2}\n", "14:32: transform.steps[1].hash.secret: does not have the right form"},
		"a variable's secret":  {"    - hash: {paths: a, secret: '${HIDE}'}\n", `14:32: transform.steps[1].hash.secret: "${HIDE}" does not have the right form; allowed: a text of at least 16`},
		"a secret with one":    {"    - hash: {paths: a, secret: 'hunter2${EMPTY}'}\n", "14:32: transform.steps[1].hash.secret: does not have the right form"},
		"unset variable":       {"    - set: {a: '${NOPE}'}\n", "14:16: transform.steps[1].set.a: reads the environment variable NOPE"},
		"wrong by a variable":  {"    - set: {a: '${HIDE}('}\n", `14:16: transform.steps[1].set: "${HIDE}(" is wrong with what its variables hold`},
		"wrong expression":     {"    - set:\n        a: 1\n        b: 1 +\n", `16:12: transform.steps[1].set: "1 +" is no expression: unexpected token EOF`},
		"wrong path":           {"    - drop: [a, 'b[']\n", `14:17: transform.steps[1].drop: "b[" is no path`},
		"empty secret":         {"    - hash: {paths: a, secret: '${EMPTY}'}\n", "14:32: transform.steps[1].hash.secret: is empty; allowed: a text of at least 16 characters without control characters; or leave the key out"},
		"secret of nothing":    {"    - hash: {paths: a, secret: }\n", "transform.steps[1].hash.secret: is empty"},
		"default twice":        {"    - default: {a: {b: 1, b: 2}}\n", `14:27: transform.steps[1].default.a: names "b" twice`},
		"merged default":       {"    - default: {a: {<<: {b: 1}}}\n", "14:21: transform.steps[1].default.a: has a merge key (<<); write the keys out"},
		"merged paths":         {"    - set: {<<: {b: 1}}\n", "14:13: transform.steps[1].set: has a merge key (<<); write the keys out"},
		"a key that is null":   {"    - set: {null: '1'}\n", `14:13: transform.steps[1].set: has the key "null", which is no text; put it in quotes if it is one`},
		"secret twice":         {"    - hash: {paths: a, secret: 0123456789abcdef, secret_file: /dev/null}\n", "secret_file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(stepped(tt.steps)), vars("HIDE", "hunter2", "EMPTY", ""))
			var errs Errors
			if !errors.As(err, &errs) || len(errs) != 1 || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("tells a secret: %v", err)
			}
		})
	}
}

// A schema may be larger than a secret, and is read by whoever compiles it.
func TestSchemaFileHasToBeThere(t *testing.T) {
	dir := folder(t, map[string]string{"large.json": strings.Repeat(" ", 2*maxSecret) + "{}"})
	for file, want := range map[string]string{"large.json": "", "none.json": "13:16: transform.json_schema: names the file \"none.json\", which cannot be read: no such file"} {
		p, err := Parse(dir+"/p.yaml", []byte(minimal+"transform:\n  json_schema: "+file+"\n"), vars())
		switch {
		case want == "" && (err != nil || p.Transform.JSONSchema != dir+"/"+file):
			t.Errorf("%s: %v", file, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", file, err, want)
		}
	}
}
