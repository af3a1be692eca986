package config

import (
	"errors"
	"strings"
	"testing"
)

func TestValuesThatACommaCuts(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"type of a cast":        {stepped("    - cast: {amount: NUMBER(10,2), b: DATE}\n"), `14:22: transform.steps[1].cast.amount: is cut at its comma, which ends a value without quotes inside { }; allowed: the value in quotes: {amount: "NUMBER(10,2)"}`},
		"type of a cast's own":  {stepped("    - cast: {amount: {type: NUMBER(10, 2)}}\n"), `14:29: transform.steps[1].cast.amount.type: is cut at its comma, which ends a value without quotes inside { }; allowed: the value in quotes: {type: "NUMBER(10,2)"}`},
		"type of a column":      {minimal + "transform:\n  columns: {amount: NUMBER(10,2)}\n", `13:21: transform.columns.amount: is cut at its comma`},
		"type of a pin":         {minimal + "transform:\n  columns:\n    amount: {not_null: true, type: NUMBER(10,2), name: A}\n", `14:36: transform.columns.amount.type: is cut at its comma`},
		"a step in braces":      {stepped("    - {cast: {a: NUMBER(10,2)}, on_error: keep}\n"), "14:18: transform.steps[1].cast.a: is cut at its comma"},
		"an expression":         {stepped("    - {filter: max(b,c) > 1}\n"), "14:16: transform.steps[1].filter: is cut at its comma, which ends a value without quotes inside { }; allowed: the value in quotes"},
		"a comment, twice":      {minimal + "transform: {columns: {a: {comment: this, that, and those}}}\n", "12:36: transform.columns.a.comment: is cut at its comma"},
		"a secret":              {minimal + "  batch: {}\ntransform: {steps: [{hash: {paths: a, secret: 0123456789abcdef(1,hunter2)}}]}\n", "13:47: transform.steps[1].hash.secret: is cut at its comma, which ends a value without quotes inside { }; allowed: the value in quotes"},
		"a value after a list":  {minimal + "transform: {columns: {a: {type: DATE}, b}}\n", "12:40: transform.columns: has a key without a colon inside its { }"},
		"nothing to be cut off": {minimal + "telemetry: {log}\n", "12:13: telemetry: has a key without a colon inside its { }"},
		"brackets in braces":    {stepped("    - {filter: a in [1,2]}\n"), "14:21: is not valid YAML: ',' or '}' must be specified; inside { } and [ ] a value that holds one of , [ ] { } is written in quotes"},
		"a tab":                 {"source:\n\tstream: a\n", "2:1: is not valid YAML: a tab, where only spaces indent"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(tt.file), vars())
			var all Errors
			if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("tells a secret: %v", err)
			}
		})
	}
	// In an ordinary section a half of a secret is no key that is not known.
	_, err := Parse("p.yaml", []byte("sink: {password: abc,hunter2}\n"), vars())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "1:18: sink.password: is cut") {
		t.Errorf("got %v", err)
	}
	mustParse(t, minimal+`transform: {columns: {"a": "NUMBER(10,2)", 'c': {"type":"DATE"}}, decode: , "steps":[{cast: {"a":"NUMBER(1,0)"}}]}`+"\n", vars())
}
