package step_test

import (
	"strings"
	"testing"

	"kinesis-snowflake/transform/step"
)

// A value that a step does not speak of is not lost because another has its key, or comes to have it.
func TestNoValueIsLostToAKeyThatIsThereTwice(tt *testing.T) {
	for _, c := range []struct {
		step step.Config
		in   string
		want string // rows
	}{
		{step.Config{Name: "rename", Pairs: pairs("a", "b.c")}, `{"a":1,"a":2}`, `{"a":1,"b":{"c":2}}`},
		{step.Config{Name: "rename", Pairs: pairs("o.a", "b")}, `{"o":{"a":1,"a":2}}`, `{"o":{"a":1},"b":2}`},
		{step.Config{Name: "rename", Pairs: pairs("o.a", "o.b.c")}, `{"o":{"a":1,"a":2}}`, `{"o":{"a":1,"b":{"c":2}}}`},
		{step.Config{Name: "rename", Pairs: pairs("o.a", "b")}, `{"o":{"a":1},"o":{"a":2}}`, `{"o":{"a":1},"o":{},"b":2}`},
		{step.Config{Name: "unnest", Paths: texts("i"), As: t("e.x")}, `{"i":[1],"i":[2]}`, `{"i":[1],"e":{"x":2}}`},
		{step.Config{Name: "unnest", Paths: texts("o.i"), As: t("e")}, `{"o":{"i":[1],"i":[2]}}`, `{"o":{"i":[1]},"e":2}`},
		{step.Config{Name: "unnest", Paths: texts("o.i"), As: t("e")}, `{"o":{"i":[1],"i":[]}}`, `{"o":{"i":[1]}}`},
		// The element is what is loaded, being the last.
		{step.Config{Name: "unnest", Paths: texts("i"), As: t("e"), Index: t("n")}, `{"i":[1,2],"e":"old","n":"old"}`, `{"e":"old","n":"old","e":1,"n":0}` + "\n" + `{"e":"old","n":"old","e":2,"n":1}`},
		{step.Config{Name: "unnest", Paths: texts("o.i"), As: t("o")}, `{"o":{"i":[1],"x":2}}`, `{"o":{"x":2},"o":1}`},
		{step.Config{Name: "unnest", Paths: texts("i"), As: t("e")}, `{"i":[1],"e":null,"x":2}`, `{"e":1,"x":2}`},
		{step.Config{Name: "flatten"}, `{"a":{"b":1},"a_b":2}`, `{"a_b":1,"a_b":2}`},
		// What is replaced is replaced under both.
		{step.Config{Name: "set", Pairs: pairs("a", "nil", "o.x", "nil")}, `{"a":1,"a":2,"o":{"x":1},"o":3,"o":{"x":2}}`, `{"a":null,"a":null,"o":{"x":null},"o":3,"o":{"x":null}}`},
		{step.Config{Name: "default", Pairs: pairs("a", "9", "b", "9")}, `{"a":null,"a":1,"b":1,"b":null}`, `{"a":null,"a":1,"b":1,"b":9}`},
	} {
		if got := strings.Join(outcome(tt, compile(tt, c.step), c.in), "\n"); got != c.want {
			tt.Errorf("%s of %s: got %s, want %s", c.step.Name, c.in, got, c.want)
		}
	}
}

// A list that is not there has no elements: there is nothing to do with each.
func TestElementsOfAListThatIsNotThere(tt *testing.T) {
	for _, name := range []string{"set", "default"} {
		p := compile(tt, step.Config{Name: name, Pairs: pairs("l[*].v", "1", "o.l[*]", "1", "n.l[*].v", "1", "n.x[*]", "1")})
		for in, want := range map[string]string{
			`{"a":1}`:                                `{"a":1}`,
			`{"l":null,"o":{"l":null},"n":null}`:     `{"l":null,"o":{"l":null},"n":null}`,
			`{"l":[],"o":{},"n":{"l":[]}}`:           `{"l":[],"o":{},"n":{"l":[]}}`,
			`{"l":[{},null],"n":{"l":[{"v":null}]}}`: `{"l":[{"v":1},{"v":1}],"n":{"l":[{"v":1}]}}`,
		} {
			if got := outcome(tt, p, in); got[0] != want {
				tt.Errorf("%s of %s: got %s", name, in, got[0])
			}
		}
		p = compile(tt, step.Config{Name: name, Pairs: pairs("l[0]", "1")})
		if got := outcome(tt, p, `{"l":[]}`); !strings.Contains(got[0], "leads to element 0 of an array of 0") {
			tt.Error(got)
		}
	}
	p := compile(tt, step.Config{Name: "rename", Pairs: pairs("l[0]", "l[-1].x")})
	if got := outcome(tt, p, `{"l":[{"a":1}]}`); got[0] != `! 0 step 1, rename: l[-1].x leads through the old path` {
		tt.Error(got)
	}
}

// on_error: keep leaves alone the value that failed, and no other.
func TestWhatFailsIsKeptAlone(tt *testing.T) {
	p := compile(tt, step.Config{Name: "rename", Pairs: pairs("l[*].m", "l[*].n"), OnError: step.Keep})
	if got := outcome(tt, p, `{"l":[{"m":1,"n":2},{"m":3}]}`); got[0] != `{"l":[{"m":1,"n":2},{"n":3}]}` {
		tt.Error(got)
	}
}

func TestParseJSONOfWhatCannotBeHeld(tt *testing.T) {
	deep := strings.Repeat("[", 511) + strings.Repeat("]", 511) // deep enough at the top level, too deep below
	for _, c := range []struct {
		onError  step.OnError
		in, want string
	}{
		{step.Fail, `{"a":{"b":"{\"c\":\"\ud800\"}"}}`, `! 0 step 1, parse_json: a.b holds no JSON: a NUL, or a surrogate without its partner`},
		{step.Keep, `{"a":{"b":"{\"c\":\"\ud800\"}"}}`, `{"a":{"b":"{\"c\":\"\ud800\"}"}}`},
		{step.Fail, `{"a":{"b":"{\"c\":\"\\ud800\"}"}}`, `{"a":{"b":{"c":"\ud800"}}}`},
		{step.Fail, `{"a":{"b":"` + deep + `"}}`, `! 0 step 1, parse_json: a.b nested deeper than 512 at byte 515`},
		{step.Keep, `{"a":{"b":"` + deep + `"}}`, `{"a":{"b":"` + deep + `"}}`},
		{step.Null, `{"a":{"b":"` + deep + `"}}`, `{"a":{"b":null}}`},
	} {
		p := compile(tt, step.Config{Name: "parse_json", Paths: texts("a.b"), OnError: c.onError})
		if got := strings.Join(outcome(tt, p, c.in), "\n"); got != c.want {
			tt.Errorf("%s of %.100s: got %.200s, want %.200s", c.onError, c.in, got, c.want)
		}
	}
}
