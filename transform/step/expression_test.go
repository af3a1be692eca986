package step_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
	"kinesis-snowflake/transform/step"
)

func TestExpressions(tt *testing.T) {
	const record = `{"i":9007199254740993,"huge":123456789012345678901234567890,"d":0.1,"e":1.50e2,"t":"häl\u006co","n":null,"b":true,"l":[1,{"x":2.5,"k":"v"},"z",3],"o":{"a":{"b":[10,20]},"odd key":7},
		"odd-key":8,"items":[{"q":2,"p":1.10},{"q":3,"p":2.20}],"tags":["a","b"],"l":[4,5]}`
	for expr, want := range map[string]string{
		`i`: `9007199254740993`, `huge`: `123456789012345678901234567890`, `e`: `1.50e2`, `t`: `"häl\u006co"`, `o`: `{"a":{"b":[10,20]},"odd key":7}`, `missing`: `null`, `o.a.b[1]`: `20`, `o.a.b[-1]`: `20`,
		`o.a.b[2]`: `null`, `o.x.y.z`: `null`, `t.x`: `null`, `o?.a?.b`: `[10,20]`, `o["odd key"]`: `7`, `$env["odd-key"]`: `8`, `l`: `[4,5]`,
		`i + 1`: `9007199254740994`, `i * 2 - 1`: `18014398509481985`, `i * i`: `81129638414606699710187514626049`, `huge + 1`: `123456789012345678901234567891`, `-huge`: `-123456789012345678901234567890`,
		`d + 0.2`: `0.3`, `d * 3`: `0.3`, `1 / 3`: `0.33333333333333333333333333333333333333`, `2 / 3`: `0.66666666666666666666666666666666666667`, `1 / 8`: `0.125`, `6 / 3`: `2`, `7 % 3`: `1`, `-7 % 3`: `-1`, `2 ** 100`: `1267650600228229401496703205376`,
		`9223372036854775807 + 1`: `9223372036854775808`, `0.1234567890123456789012345`: `0.1234567890123456789012345`, `1_000.5`: `1000.5`, `1e3`: `1000`, `0x10`: `16`,
		`i == 9007199254740993`: `true`, `i == 9007199254740992`: `false`, `huge > i`: `true`, `e == 150`: `true`, `huge == 123456789012345678901234567890.0`: `true`, `1.0 == 1`: `true`, `t == 1`: `false`, `nil == n`: `true`, `missing == nil`: `true`,
		`t == "hällo"`: `true`, `t + "!"`: `"hällo!"`, `t startsWith "hä"`: `true`, `t contains "ll"`: `true`, `t endsWith "o"`: `true`, `n contains "x"`: `false`, `t matches "^h.l+o$"`: `true`, `missing matches "x"`: `false`, `"b" > "a"`: `true`,
		`b and not false`: `true`, `b && n == nil || missing`: `true`, `b ? 1 : 2`: `1`, `(n ?? d)`: `0.1`, `o.a ?? 1`: `{"b":[10,20]}`, `n?.x ?? "none"`: `"none"`,
		`4 in l`: `true`, `t in ["x", "hällo"]`: `true`, `"a" in o`: `true`, `4 not in l`: `false`, `1 in missing`: `false`, `3 in 1..5`: `true`,
		`[1, d, t, o.a, nil]`: `[1,0.1,"häl\u006co",{"b":[10,20]},null]`, `{"a": d, "x": {"y": tags}}`: `{"a":0.1,"x":{"y":["a","b"]}}`, `[1.0, 2] == [1, 2.00]`: `true`, `{"a": 1, "b": 2} == {"b": 2, "a": 1}`: `true`, `o.a == {"b": [10, 20]}`: `true`,
		`len(t)`: `5`, `len(l)`: `2`, `len(o)`: `2`, `upper(t)`: `"HÄLLO"`, `lower("ÄB")`: `"äb"`, `trim(" x ")`: `"x"`, `trimPrefix(t, "hä")`: `"llo"`, `trimSuffix(t, "lo")`: `"häl"`, `replace(t, "l", "L")`: `"häLLo"`, `split("a,b", ",")`: `["a","b"]`, `join(tags, "-")`: `"a-b"`, `join(tags)`: `"ab"`,
		`indexOf(t, "l")`: `2`, `hasPrefix(t, "h")`: `true`, `hasSuffix(t, "x")`: `false`, `upper(n)`: `null`, `abs(-d)`: `0.1`, `ceil(1.2)`: `2`, `floor(-1.2)`: `-2`, `round(2.5)`: `3`, `round(-2.5)`: `-3`, `round(2.345, 2)`: `2.35`, `round(1, 2)`: `1`, `max(i, 1)`: `9007199254740993`, `min(d, 1)`: `0.1`,
		`number("1.50")`: `1.50`, `number(" +007 ") + 1`: `8`, `string(1.5)`: `"1.5"`, `string(o.a)`: `"{\"b\":[10,20]}"`, `type(d)`: `"number"`, `type(missing)`: `"null"`, `first(l)`: `4`, `last(l)`: `5`, `keys(o)`: `["a","odd key"]`,
		`sum(items, .q * .p)`: `8.8`, `sum(l)`: `9`, `map(items, .p)`: `[1.10,2.20]`, `map(items, ({"s": #.q}))`: `[{"s":2},{"s":3}]`, `filter(items, .q > 2)`: `[{"q":3,"p":2.20}]`, `count(items, .q > 2)`: `1`, `any(items, .q > 2)`: `true`, `all(items, .q > 2)`: `false`, `none(items, .q > 3)`: `true`, `one(items, .q > 2)`: `true`,
		`find(items, .q == 3).p`: `2.20`, `findIndex(items, .q == 3)`: `1`, `map(l, # + #index)`: `[4,6]`, `count(missing, true)`: `0`, `map(items, let q = .q; sum(l, # * q))`: `[18,27]`, `items | filter(.q > 2) | map(.p)`: `[2.20]`, `let x = d; x * x`: `0.01`,
		`t[1:3]`: `"äl"`, `l[1:]`: `[5]`, `l[:-1]`: `[4]`, `if b { 1 } else { 2 }`: `1`, `1; 2`: `2`, `+d`: `0.1`,
	} {
		got := outcome(tt, compile(tt, step.Config{Name: "set", Pairs: pairs("v", expr)}, step.Config{Name: "keep", Paths: texts("v")}), record)
		if len(got) != 1 || got[0] != `{"v":`+want+`}` {
			tt.Errorf("%s is %q, want %s", expr, got, want)
		}
	}
}

// A key may have a function's name: what is not called is a key.
func TestKeysNamedLikeFunctions(tt *testing.T) {
	const record = `{"type":"sale","count":3,"last":{"x":2,"type":"t"},"map":[1,2],"len":1,"items":[{"type":"sale"},{"type":1}]}`
	for expr, want := range map[string]string{
		`type == "sale"`: `true`, `upper(type)`: `"SALE"`, `type in ["sale"]`: `true`, `type ?? 1`: `"sale"`, `last.x + 1`: `3`, `last["type"]`: `"t"`, `count + len`: `4`, `map[1]`: `2`, `map(map, # * count)`: `[3,6]`, `type(type)`: `"string"`,
		`count(items, .type == type)`: `1`, `type(count(map, # > len))`: `"number"`, `len(map) == len + 1`: `true`, `{"type": type}`: `{"type":"sale"}`, `first == nil`: `true`, `type matches "s.*"`: `true`, `map | map(# + 1) | len()`: `2`, `let x = type; x`: `"sale"`,
	} {
		got := outcome(tt, compile(tt, step.Config{Name: "set", Pairs: pairs("v", expr)}, step.Config{Name: "keep", Paths: texts("v")}), record)
		if len(got) != 1 || got[0] != `{"v":`+want+`}` {
			tt.Errorf("%s is %q, want %s", expr, got, want)
		}
	}
	compile(tt, step.Config{Name: "filter", Expression: t(`type != "heartbeat"`)})
	if _, err := step.Compile([]step.Config{{Name: "set", Pairs: pairs("v", `let type = 1; type`)}}); err == nil {
		tt.Error("a variable has a function's name, and would be taken for the key")
	}
}

func TestExpressionsThatFail(tt *testing.T) {
	for expr, want := range map[string]string{
		`n > 1`: "compares null with a number by >", `t + 1`: "has a text where + needs a number", `not n`: "has null where true or false should be", `n and b`: "has null where true or false should be", `1 / 0`: "a division by zero", `5 % 0`: "a division by zero", `h2 % 2`: "not whole",
		`h + 1`: "too large to calculate with", `h > 1`: "too large", `2 ** 1000`: "power", `10 ** 400 * 10 ** 400 * 10 ** 400`: "too large", `len(b)`: "has true or false where len needs", `filter(t, true)`: "has a text where a list", `map(l, #)[n]`: "has null where a key or an index should be",
		`count(l, #)`: "has a number where true or false should be", `1..100000`: "range of more than 10000", `number("x")`: "spells no number", `join(l)`: "has a number where join needs a text", `upper(l)`: "has a list where upper needs a text",
	} {
		got := outcome(tt, compile(tt, step.Config{Name: "set", Pairs: pairs("v", expr)}), `{"n":null,"t":"x","b":true,"h":1e999,"h2":1.5,"l":[1]}`)
		if len(got) != 1 || !strings.HasPrefix(got[0], "! 0 step 1, set: v ") || !strings.Contains(got[0], want) {
			tt.Errorf("%s: got %q, want %s", expr, got, want)
		}
	}
}

func TestWrongExpressionsAreToldAtTheStart(tt *testing.T) {
	for expr, want := range map[string]string{
		`a +`: "unexpected token EOF, at character 3", `a = b`: "; write == to compare", `"a" - 1`: "invalid operation: - (mismatched types string and int)", `1 + true`: "mismatched types", `nope(a)`: "there is no function nope", `upper(1)`: "cannot use int as argument", `upper()`: "not enough arguments",
		`a matches b`: "the pattern of matches has to be a text in quotes", `a matches "("`: "error parsing regexp", `now()`: "there is no function now", `reduce(a, #acc + #, 0)`: "reduce", `repeat(a, 10)`: "there is no function repeat", `$env`: "$env", `$env[a]`: "$env needs a key", `a.b()`: "called like a function",
		`99999999999999999999`: "invalid integer literal", `1e999`: "", strings.Repeat("a", 20000): "longer than", strings.Repeat("-", 10000) + "a": "",
	} {
		_, err := step.Compile([]step.Config{{Name: "set", Pairs: pairs("v", expr)}})
		var faults step.Errors
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(err.Error(), want) || faults[0].At.Value != expr {
			tt.Errorf("%.50s: got %v, want %s", expr, err, want)
		}
	}
	for _, expr := range []string{`1`, `"x"`, `len(a)`, `[1]`} {
		if _, err := step.Compile([]step.Config{{Name: "filter", Expression: t(expr)}}); err == nil {
			tt.Errorf("%s is taken for a condition", expr)
		}
	}
}

func TestWrongStepsAreToldAtTheStart(tt *testing.T) {
	for want, c := range map[string]step.Config{
		`"a..b" is no path`:                           {Name: "drop", Paths: texts("a..b")},
		`"a[" is no path`:                             {Name: "drop", Paths: texts("a[")},
		`"a[x]" is no path`:                           {Name: "drop", Paths: texts("a[x]")},
		`"\"a" is no path`:                            {Name: "drop", Paths: texts(`"a`)},
		`"[0]" is no path`:                            {Name: "drop", Paths: texts(`[0]`)},
		`"a b c ." is no path`:                        {Name: "drop", Paths: texts(`a b c .`)},
		`leads through the old path`:                  {Name: "rename", Pairs: pairs("a", "a.b")},
		`is the old path`:                             {Name: "rename", Pairs: pairs("a", "a")},
		`possible only without [*]`:                   {Name: "rename", Pairs: pairs("a[*].b", "c")},
		`is not at the top level`:                     {Name: "flatten", Paths: texts("a.b")},
		`may lead to several values`:                  {Name: "unnest", Paths: texts("a[*]")},
		`"NUMBER(39)" is no NUMBER`:                   {Name: "cast", Pairs: pairs("a", "NUMBER(39)")},
		`"INTEGERS" is no type`:                       {Name: "cast", Pairs: pairs("a", "INTEGERS")},
		`"BINARY" is no type that a cast makes`:       {Name: "cast", Pairs: pairs("a", "BINARY")},
		`"TIMESTAMP" is another type in each account`: {Name: "cast", Pairs: pairs("a", "TIMESTAMP")},
		`"TIME(10)" has other digits of a second`:     {Name: "cast", Pairs: pairs("a", "TIME(10)")},
		`"ARRAY(1)" has arguments`:                    {Name: "cast", Pairs: pairs("a", "ARRAY(1)")},
		`"DATE(3)" has arguments`:                     {Name: "cast", Pairs: pairs("a", "DATE(3)")},
		`where the type is none`:                      {Name: "cast", Pairs: []step.Pair{{Path: t("a"), To: t("FLOAT"), From: t("epoch_s")}}},
		`has no year, month and day`:                  {Name: "cast", Pairs: []step.Pair{{Path: t("a"), To: t("DATE"), From: t("HH24:MI")}}},
		`outside of double quotes`:                    {Name: "cast", Pairs: []step.Pair{{Path: t("a"), To: t("DATE"), From: t("YYYY-MM-DDT")}}},
		`has no value that could become null`:         {Name: "filter", Expression: t("a"), OnError: step.Null},
		`names one element of a list`:                 {Name: "keep", Paths: texts("a[0]")},
		`names no path`:                               {Name: "hash"},
		`is no step`:                                  {Name: "explode"},
	} {
		if _, err := step.Compile([]step.Config{c}); err == nil || !strings.Contains(err.Error(), want) {
			tt.Errorf("got %v, want %s", err, want)
		}
	}
}

// No record makes an expression run long or grow large: each of these would take hours or terabytes.
func TestExpressionsEnd(tt *testing.T) {
	long := `{"l":[` + strings.Repeat("1,", 100_000) + `1],"t":"` + strings.Repeat("a", 1<<20) + `","o":{` + strings.Repeat(`"k":1,`, 100_000) + `"z":1}}`
	for _, expr := range []string{
		`count(l, count(l, count(l, true) > 0) > 0)`, `any(l, t contains "b")`, `replace(t, "a", t)`, `join(map(l, t))`, `map(l, l)`, `map(l, t + t)`, `split(t, "")`, `any(l, t matches "(a|b)*c")`, `count(l, o == {"k": 1})`, `count(l, len(t) == 1)`,
		`all(l, # in l[1:])`, `map(1..9999, map(1..9999, #))`, `let a = t + t; let b = a + a; let c = b + b; let d = c + c; let e = d + d; e + e`,
	} {
		begin := time.Now()
		got := outcome(tt, compile(tt, step.Config{Name: "set", Pairs: pairs("v", expr)}), long)
		if len(got) != 1 || !strings.Contains(got[0], "takes too long for this record") {
			tt.Errorf("%s: %.100q", expr, got)
		}
		if took := time.Since(begin); took > 20*time.Second { // hours, were it not for the bound
			tt.Errorf("%s took %s", expr, took)
		}
	}
}

// An expression decodes the paths that it names, and of a record's text nothing else: so it does not see a fault elsewhere.
func TestAnExpressionLooksAtWhatItNames(tt *testing.T) {
	p := compile(tt, step.Config{Name: "filter", Expression: t(`a.b == 1 and c == 2`)})
	fields := []row.Field{
		{Kind: row.Object, Name: []byte("a"), Value: []byte(`{"x":?,"b":1}`)}, // no JSON, which would make a reader of it panic or fail
		{Kind: row.Int, Name: []byte("c"), Value: []byte(`2`)}, {Kind: row.Int, Name: []byte("d"), Value: nil},
	}
	rows := 0
	err := p.Runner().Run(&row.Row{Fields: fields}, func(*row.Row) error { rows++; return nil }, func(_ uint32, f *row.Failure) { tt.Error(f) })
	if err != nil || rows != 1 {
		tt.Errorf("%d rows, %v", rows, err)
	}
}

func TestTenStepsDoNotAllocate(tt *testing.T) {
	x := compile(tt, ten()...).Runner()
	var s jsonscan.Scanner
	data := []byte(`{"event_id":"x","event_type":"click","event_ts":"2026-07-01T12:00:00.120Z","received_at":1782907200123,"session_id":"s","referrer":null,"user_agent":"m","ip":"1.2.3.4","geo":{"country":"CH","lat":1.5},"load_ms":120.5,"revenue":12.50}`)
	r := &row.Row{}
	emit := func(*row.Row) error { return nil }
	fail := func(_ uint32, f *row.Failure) { tt.Error(f.Reason) }
	allocs := testing.AllocsPerRun(200, func() {
		r.Fields, _ = s.Object(data, r.Fields[:0])
		if err := x.Run(r, emit, fail); err != nil {
			tt.Error(err)
		}
	})
	if allocs != 0 {
		tt.Errorf("%v allocations a record", allocs)
	}
}
