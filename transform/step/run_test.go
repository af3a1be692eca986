package step_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
	"kinesis-snowflake/transform/step"
)

func t(s string) step.Text { return step.Text{Value: s} }

func texts(all ...string) (out []step.Text) {
	for _, s := range all {
		out = append(out, t(s))
	}
	return out
}

func pairs(kv ...string) (out []step.Pair) {
	for i := 0; i < len(kv); i += 2 {
		out = append(out, step.Pair{Path: t(kv[i]), To: t(kv[i+1])})
	}
	return out
}

// join is a row as a JSON object, each value as the row has it.
func join(fields []row.Field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(string(f.Name))
		fmt.Fprintf(&b, "%s:%s", name, f.Value)
	}
	return "{" + b.String() + "}"
}

// outcome takes a record through steps: rows, and failures as "! index reason".
func outcome(tb testing.TB, p *step.Program, record string) (out []string) {
	tb.Helper()
	var s, again jsonscan.Scanner
	fields, err := s.Object([]byte(record), nil)
	if err != nil {
		tb.Fatal(record, err)
	}
	err = p.Runner().Run(&row.Row{Fields: fields}, func(r *row.Row) error {
		text := join(r.Fields)
		checked, err := again.Object([]byte(text), nil)
		if err != nil || len(checked) != len(r.Fields) {
			tb.Fatalf("%s became %s: %v", record, text, err)
		}
		for i, f := range r.Fields {
			if f.Kind != checked[i].Kind || (f.Flags^checked[i].Flags)&^row.HostileKey != 0 && f.Flags&row.HostileKey == 0 {
				tb.Fatalf("%s of %s is %v with %v, want %v with %v", f.Name, text, f.Kind, f.Flags, checked[i].Kind, checked[i].Flags)
			}
		}
		out = append(out, text)
		return nil
	}, func(index uint32, f *row.Failure) {
		if f.Stage != row.StageTransform {
			tb.Errorf("stage %s", f.Stage)
		}
		out = append(out, fmt.Sprintf("! %d %s", index, f.Reason))
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func compile(tb testing.TB, steps ...step.Config) *step.Program {
	tb.Helper()
	p, err := step.Compile(steps)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestSteps(tt *testing.T) {
	for _, c := range []struct {
		name string
		step step.Config
		in   string
		want string // rows and failures, each on a line
	}{
		{"keep", step.Config{Name: "keep", Paths: texts("a", "b.c", "d[*].e", `"x.y"`)}, `{"z":1, "a":1.50,"b":{"c":{"f":1},"g":2},"d":[{"e":1,"h":2},3,{"h":1}],"x.y":null}`, `{"a":1.50,"b":{"c":{"f":1}},"d":[{"e":1},{}],"x.y":null}`},
		{"keep of another kind", step.Config{Name: "keep", Paths: texts("a.b")}, `{"a":1}`, `{}`},
		{"drop", step.Config{Name: "drop", Paths: texts("a", "b.c", "d[*].e", "d[0]")}, `{"a":1,"a":2,"b":{"c":1, "g": 2 },"d":[{"e":1},{"e":2, "f":0}],"h": [ 1 ]}`, `{"b":{"g":2},"d":[{"f":0}],"h":[ 1 ]}`},
		{"drop nothing", step.Config{Name: "drop", Paths: texts("x", "a.x", "b[3]", "b[*].x")}, `{"a":{ "b" : 1},"b":[ 1 ]}`, `{"a":{ "b" : 1},"b":[ 1 ]}`},
		{"drop by an escaped key", step.Config{Name: "drop", Paths: texts(`a."é\n"`)}, `{"a":{"\u00e9\n":1,"x\"":2}}`, `{"a":{"x\"":2}}`},
		{"rename", step.Config{Name: "rename", Pairs: pairs("a", "b", "c.d", "c.e", "f.g", "h", "i", "j.k", "l[*].m", `l[*]."n o"`)}, `{"a":1,"c":{"d":1},"f":{"g":2,"x":1},"i":3,"l":[{"m":1},2]}`, `{"b":1,"c":{"e":1},"f":{"x":1},"l":[{"n o":1},2],"h":2,"j":{"k":3}}`},
		{"rename onto another", step.Config{Name: "rename", Pairs: pairs("a.b", "c")}, `{"a":{"b":1},"c":2}`, `! 0 step 1, rename: c has a value already, which a rename would overwrite`},
		{"rename a member onto another", step.Config{Name: "rename", Pairs: pairs("a.b", "a.c")}, `{"a":{"b":1,"c":1}}`, `! 0 step 1, rename: a.b has a value already, which a rename would overwrite`},
		{"flatten", step.Config{Name: "flatten"}, `{"a":{"b":{"c":1,"\u00e9":"\n"},"d":[{"e":1}]},"f":{},"g":1}`, `{"a_b_c":1,"a_b_é":"\n","a_d":[{"e":1}],"f":{},"g":1}`},
		{"flatten one level", step.Config{Name: "flatten", Paths: texts("a"), Depth: 1, Separator: "."}, `{"a":{"b":{"c":1}},"f":{"x":1}}`, `{"a.b":{"c":1},"f":{"x":1}}`},
		{"flatten a hostile key", step.Config{Name: "flatten"}, `{"a":{"\u0000":"\ud800","b":"\u0000"}}`, `{"a_\\u0000":"\ud800","a_b":"\u0000"}`},
		{"unnest", step.Config{Name: "unnest", Paths: texts("i")}, `{"a":1,"i":[{"x":1}, 2 ],"b":2}`, `{"a":1,"i":{"x":1},"b":2}` + "\n" + `{"a":1,"i":2,"b":2}`},
		{"unnest elsewhere", step.Config{Name: "unnest", Paths: texts("o.i"), As: t("e"), Index: t("n")}, `{"o":{"i":["a","b"],"k":1}}`, `{"o":{"k":1},"e":"a","n":0}` + "\n" + `{"o":{"k":1},"e":"b","n":1}`},
		{"unnest in place", step.Config{Name: "unnest", Paths: texts("o.i")}, `{"o":{"i":["a"],"k":1}}`, `{"o":{"k":1,"i":"a"}}`},
		{"unnest nothing", step.Config{Name: "unnest", Paths: texts("i")}, `{"a":1,"i":[]}`, `{"a":1}`},
		{"unnest null", step.Config{Name: "unnest", Paths: texts("i")}, `{"a":1,"i":null}`, `{"a":1,"i":null}`},
		{"unnest nothing to no row", step.Config{Name: "unnest", Paths: texts("i"), Empty: step.EmptyNone}, `{"a":1,"i":[]}`, ``},
		{"unnest null to no row", step.Config{Name: "unnest", Paths: texts("i"), Empty: step.EmptyNone}, `{"a":1}`, ``},
		{"unnest no array", step.Config{Name: "unnest", Paths: texts("i")}, `{"i":{}}`, `! 0 step 1, unnest: i is an object, not an array`},
		{"unnest no array, kept", step.Config{Name: "unnest", Paths: texts("i"), OnError: step.Keep}, `{"i":{}}`, `{"i":{}}`},
		{"unnest no array, null", step.Config{Name: "unnest", Paths: texts("i"), OnError: step.Null}, `{"i":{}}`, `{"i":null}`},
		{"parse_json", step.Config{Name: "parse_json", Paths: texts("a", "b[*]", "c", "d")}, `{"a":" {\"x\": [1.50,\"\\u00e9\"]} ","b":["1","true",2],"c":5}`, `{"a":{"x": [1.50,"\u00e9"]},"b":[1,true,2],"c":5}`},
		{"parse_json of none", step.Config{Name: "parse_json", Paths: texts("a")}, `{"a":"{"}`, `! 0 step 1, parse_json: a holds no JSON: unexpected end at byte 1, where a key in quotes or '}' should be`},
		{"parse_json of none, kept", step.Config{Name: "parse_json", Paths: texts("a.b", "c"), OnError: step.Keep}, `{"a":{"b":"{"},"c":"1"}`, `{"a":{"b":"{"},"c":1}`},
		{"parse_json of none, null", step.Config{Name: "parse_json", Paths: texts("a.b", "c"), OnError: step.Null}, `{"a":{"b":"{"},"c":"1"}`, `{"a":{"b":null},"c":1}`},
		{"hash", step.Config{Name: "hash", Paths: texts("a", "b", "c", "d", "e")}, `{"a":"abc","b":null,"c":"\u0061bc","e":12}`, `{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","b":null,"c":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","e":"6b51d431df5d7f141cbececcf79edf3dd861c3b4069f0b11661a3eefacbba918"}`},
		{"default", step.Config{Name: "default", Pairs: pairs("a", "1", "b", `"x"`, "c.d", "[1]", "e.f", "2", "g", "3", "h.i", "4")}, `{"a":0,"b":null,"c":{},"e":null,"h":{"j": 1}}`, `{"a":0,"b":"x","c":{"d":[1]},"e":{"f":2},"h":{"j": 1,"i":4},"g":3}`},
		{"default through a text", step.Config{Name: "default", Pairs: pairs("a.b", "1")}, `{"a":"x"}`, `! 0 step 1, default: a.b leads through a text`},
		{"default in a list", step.Config{Name: "default", Pairs: pairs("a[*].b", "1", "c[1]", "2")}, `{"a":[{"b":0},{},{"b":null}],"c":[1,null]}`, `{"a":[{"b":0},{"b":1},{"b":1}],"c":[1,2]}`},
		{"default beyond a list", step.Config{Name: "default", Pairs: pairs("a[1]", "1")}, `{"a":[0]}`, `! 0 step 1, default: a[1] leads to element 1 of an array of 1`},
		{"set", step.Config{Name: "set", Pairs: pairs("a", "b + 1", "c", "a * 2", "d.e", "o", "f", "nil")}, `{"b":9007199254740993,"o":{ "x" : 1.0 },"f":1}`, `{"b":9007199254740993,"o":{ "x" : 1.0 },"f":null,"a":9007199254740994,"c":18014398509481988,"d":{"e":{ "x" : 1.0 }}}`},
		{"set fails", step.Config{Name: "set", Pairs: pairs("a", "b + 1")}, `{"b":"x"}`, `! 0 step 1, set: a has a text where + needs a number`},
		{"set fails, null", step.Config{Name: "set", Pairs: pairs("a", "b + 1"), OnError: step.Null}, `{"a":1,"b":"x"}`, `{"a":null,"b":"x"}`},
		{"set fails, kept", step.Config{Name: "set", Pairs: pairs("a", "b + 1", "c", "1"), OnError: step.Keep}, `{"a":1,"b":"x"}`, `{"a":1,"b":"x","c":1}`},
		{"filter in", step.Config{Name: "filter", Expression: t(`a > 1`)}, `{"a":2}`, `{"a":2}`},
		{"filter out", step.Config{Name: "filter", Expression: t(`a > 1`)}, `{"a":1}`, ``},
		{"filter fails", step.Config{Name: "filter", Expression: t(`a > 1`)}, `{}`, `! 0 step 1, filter: compares null with a number by >; say what a missing value counts as: (x ?? 0)`},
		{"filter fails, kept", step.Config{Name: "filter", Expression: t(`a > 1`), OnError: step.Keep}, `{}`, `{}`},
		{"filter by no condition", step.Config{Name: "filter", Expression: t(`a`)}, `{"a":1}`, `! 0 step 1, filter: the condition is a number, neither true nor false`},
	} {
		tt.Run(c.name, func(tt *testing.T) {
			if got := strings.Join(outcome(tt, compile(tt, c.step), c.in), "\n"); got != c.want {
				tt.Errorf("%s became\n%s, want\n%s", c.in, got, c.want)
			}
		})
	}
}

func TestCast(tt *testing.T) {
	for _, c := range []struct{ typ, from, in, want string }{
		{"NUMBER(10,2)", "", `12.50`, `12.50`},
		{"NUMBER(10,2)", "", `"12.50"`, `12.5`},
		{"NUMBER(10,2)", "", `"+0012.5"`, `12.5`},
		{"NUMBER(10,2)", "", `1.5e2`, `150`},
		{"NUMBER(10,2)", "", `"-007"`, `-7`},
		{"NUMBER(10,2)", "", `12.345`, `! has more than 2 digits after the point`},
		{"NUMBER(10,2)", "", `12.340`, `12.340`},
		{"NUMBER(10,2)", "", `100000000`, `! has more than 8 digits before the point`},
		{"NUMBER(10,2)", "", `-99999999.99`, `-99999999.99`},
		{"NUMBER(10,2)", "", `true`, `! is a boolean, not a number`},
		{"NUMBER(10,2)", "", `"abc"`, `! is a text that spells no number`},
		{"NUMBER(10,2)", "", `""`, `! is a text that spells no number`},
		{"NUMBER(10,2)", "", `null`, `null`},
		{"NUMBER", "", `"12345678901234567890123456789012345678"`, `12345678901234567890123456789012345678`},
		{"NUMBER", "", `1e400000`, `! a number has more than 1000 digits or an exponent beyond 400, too large to calculate with`},
		{"FLOAT", "", `"1e3"`, `1e3`},
		{"FLOAT", "", `1.10`, `1.10`},
		{"BOOLEAN", "", `"Yes"`, `true`},
		{"BOOLEAN", "", `0`, `false`},
		{"BOOLEAN", "", `false`, `false`},
		{"BOOLEAN", "", `10`, `! is neither true nor false, nor a word or number for one of them`},
		{"VARCHAR", "", `1.50`, `"1.50"`},
		{"VARCHAR", "", `{"a": "b"}`, `"{\"a\": \"b\"}"`},
		{"VARCHAR(3)", "", `"äöü"`, `"äöü"`},
		{"VARCHAR(2)", "", `"äöü"`, `! is longer than 2 characters`},
		{"VARIANT", "", `[1]`, `[1]`},
		{"DATE", "", `"2026-02-28"`, `"2026-02-28"`},
		{"DATE", "", `"2026-02-28T23:00:00+05:00"`, `"2026-02-28"`},
		{"DATE", "", `"2026-02-29"`, `! is a text that spells no such time`},
		{"DATE", "", `"01/02/2026"`, `! is no date of ISO 8601; say how it is written with from: DD/MM/YYYY, or from: MM/DD/YYYY`},
		{"TIMESTAMP_NTZ", "", `"01.02.2026 12:00"`, `! is no date of ISO 8601; say how it is written with from: DD.MM.YYYY, or from: MM.DD.YYYY`},
		{"DATE", "DD/MM/YYYY", `"01.02.2026"`, `! is a text that spells no such time`},
		{"TIMESTAMP_NTZ(3)", "", `"2026-07-01T12:00:00.123Z"`, `"2026-07-01T12:00:00.123"`},
		{"TIMESTAMP_NTZ(3)", "", `"2026-07-01T12:00:00.1234Z"`, `! has more than 3 digits of a second`},
		{"TIMESTAMP_LTZ(0)", "epoch_ms", `1782907200001`, `! has more than 0 digits of a second`},
		{"TIMESTAMP_TZ (9)", "", `"2026-07-01T01:30:00.123456789+02:00"`, `"2026-07-01T01:30:00.123456789+02:00"`},
		{"TIME(3)", "", `"12:30:01.500"`, `"12:30:01.5"`},
		{"DATE", "", `"2026-02-28T23:00:00.123Z"`, `"2026-02-28"`},
		{"ARRAY", "", `[1, 2]`, `[1, 2]`},
		{"ARRAY", "", `"[1]"`, `! is a text, not an array`},
		{"OBJECT", "", `{"a": 1}`, `{"a": 1}`},
		{"OBJECT", "", `[1]`, `! is an array, not an object`},
		{"OBJECT", "", `null`, `null`},
		{"DATE", "epoch_s", `0`, `"1970-01-01"`},
		{"DATE", "DD.MM.YYYY", `"31.12.2025"`, `"2025-12-31"`},
		{"TIME", "", `"12:30:01.500"`, `"12:30:01.5"`},
		{"TIME", "", `"12:30"`, `"12:30:00"`},
		{"TIME", "HH12:MI AM", `"12:30 am"`, `"00:30:00"`},
		{"TIMESTAMP_NTZ", "", `"2026-07-01T12:00:00.123Z"`, `"2026-07-01T12:00:00.123"`},
		{"TIMESTAMP_NTZ", "", `"2026-07-01 01:30:00+02:00"`, `"2026-06-30T23:30:00"`},
		{"TIMESTAMP_TZ", "", `"2026-07-01T01:30:00+02:00"`, `"2026-07-01T01:30:00+02:00"`},
		{"TIMESTAMP_LTZ", "", `"2026-07-01T01:30:00"`, `"2026-07-01T01:30:00Z"`},
		{"TIMESTAMP_NTZ", "epoch_ms", `1782907200123`, `"2026-07-01T12:00:00.123"`},
		{"TIMESTAMP_NTZ", "epoch_ms", `"1782907200123"`, `"2026-07-01T12:00:00.123"`},
		{"TIMESTAMP_LTZ", "epoch_s", `1782907200.000000001`, `"2026-07-01T12:00:00.000000001Z"`},
		{"TIMESTAMP_NTZ", "epoch_s", `1782907200.0000000001`, `! has a fraction finer than a nanosecond`},
		{"TIMESTAMP_NTZ", "epoch_s", `-1`, `"1969-12-31T23:59:59"`},
		{"TIMESTAMP_NTZ", "epoch_ns", `-1`, `"1969-12-31T23:59:59.999999999"`},
		{"TIMESTAMP_NTZ", "epoch_s", `1e18`, `! lies outside of the years 1 to 9999`},
		{"TIMESTAMP_NTZ", "", `1782907200123`, `! is a number; say what it counts with from: epoch_s, epoch_ms, epoch_us or epoch_ns`},
		{"TIMESTAMP_TZ", `DD/MON/YYYY:HH24:MI:SS TZHTZM`, `"10/Oct/2000:13:55:36 -0700"`, `"2000-10-10T13:55:36-07:00"`},
		{"TIMESTAMP_NTZ", `YYYYMMDD"T"HH24MISS.FF`, `"20260701T120000.5"`, `"2026-07-01T12:00:00.5"`},
		{"TIMESTAMP_NTZ", "", `"2026-07-01T24:00:00Z"`, `! is a text that spells no such time`},
		{"TIMESTAMP_NTZ", "", `"0001-01-01T00:00:00+05:00"`, `! is a text that spells no such time`},
		{"TIMESTAMP_NTZ", "", `"2026-07-01T12:00:00+14:00"`, `"2026-06-30T22:00:00"`},
		{"TIMESTAMP_LTZ", "", `"2026-07-01T12:00:00+14:00"`, `"2026-06-30T22:00:00Z"`},
		{"TIMESTAMP_LTZ", "", `"2026-07-01T12:00:00+13:45"`, `"2026-07-01T12:00:00+13:45"`},
		{"TIMESTAMP_TZ", "", `"2026-07-01T12:00:00+14:00"`, `! is a text that spells no such time`},
		{"DATE", "", `"2026-07-01T12:00:00+14:00"`, `"2026-07-01"`},
		{"TIMESTAMP_TZ", "", `"2026-07-01T12:00:00+05:"`, `! is a text that spells no such time`},
		{"TIMESTAMP_TZ", "", `"2026-07-01T12:00:00+05"`, `"2026-07-01T12:00:00+05:00"`},
	} {
		tt.Run(c.typ+" "+c.in, func(tt *testing.T) {
			s := step.Config{Name: "cast", Pairs: []step.Pair{{Path: t("v.w"), To: t(c.typ), From: t(c.from)}}}
			want := `{"v":{"w":` + c.want + `}}`
			if reason, failed := strings.CutPrefix(c.want, "! "); failed {
				want = "! 0 step 1, cast: v.w " + reason
			}
			if got := strings.Join(outcome(tt, compile(tt, s), `{"v":{"w":`+c.in+`}}`), "\n"); got != want {
				tt.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// Each row begins with what stood beside its element, whatever the steps after made of the row before.
func TestRowsOfAnArrayDoNotMeet(tt *testing.T) {
	p := compile(tt,
		step.Config{Name: "unnest", Paths: texts("i")},
		step.Config{Name: "filter", Expression: t(`i != 2`)},
		step.Config{Name: "drop", Paths: texts("a")},
		step.Config{Name: "unnest", Paths: texts("k")},
		step.Config{Name: "rename", Pairs: pairs("b", "c")},
		step.Config{Name: "set", Pairs: pairs("o.x", "i * 10 + k", "i", "nil")},
		step.Config{Name: "cast", Pairs: pairs("n", "NUMBER(1)")},
	)
	got := outcome(tt, p, `{"a":1,"i":[1,2,3],"b":"\u0000","k":[4,5],"o":{"y":0},"n":null}`)
	var want []string
	for _, ik := range []string{"14", "15", "34", "35"} {
		want = append(want, fmt.Sprintf(`{"i":null,"c":"\u0000","k":%c,"o":{"y":0,"x":%s},"n":null}`, ik[1], ik))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || p.Filtered() != 1 {
		tt.Errorf("got\n%s\nwant\n%s\n%d filtered", strings.Join(got, "\n"), strings.Join(want, "\n"), p.Filtered())
	}
}

// A key that no text can hold stays marked, so that nobody takes its raw text for another key.
func TestAHostileKeyStaysOne(tt *testing.T) {
	p := compile(tt, step.Config{Name: "flatten"}, step.Config{Name: "drop", Paths: texts(`"a_\\u0000"`)})
	var s jsonscan.Scanner
	fields, err := s.Object([]byte(`{"a":{"\u0000":"\n"}}`), nil)
	if err != nil {
		tt.Fatal(err)
	}
	err = p.Runner().Run(&row.Row{Fields: fields}, func(r *row.Row) error {
		if len(r.Fields) != 1 || r.Fields[0].Flags != row.HostileKey|row.Escaped {
			tt.Errorf("got %+v", r.Fields)
		}
		return nil
	}, func(_ uint32, f *row.Failure) { tt.Error(f) })
	if err != nil {
		tt.Fatal(err)
	}
}
