package dynamodbtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var sample = item{
	"leaseKey": str("k"), "s": str("hello"), "n": num("10"), "b": bin("\x01\x02"), "t": boolean(true), "z": null(),
	"ss": strs("a", "b"), "ns": nums("1", "2"), "l": list(num("1"), str("x")), "m": doc(item{"a": num("1"), "l": list(str("y"))}),
}

// conditionRules: developer guide, "Comparison operator and function reference"
// for conditions that hold; the texts of refusals were recorded from the service
// by dynalite 4.0.0's test suite, except where noted.
var conditionRules = []rule{
	{name: "holds", run: func(e *env) { conditions(e, true) }},
	{name: "does not hold", run: func(e *env) { conditions(e, false) }},
	{name: "is refused", run: func(e *env) {
		table := e.table()
		for c, text := range refusedConditions {
			_, err := e.update(table, update{c: c, values: valuesIn(c), names: namesIn(c)})
			e.Log(c)
			e.refused(err, "ValidationException", text)
		}
	}},
}

var values = item{
	":hello": str("hello"), ":he": str("he"), ":n9": num("9"), ":n10": num("10.0"), ":n11": num("11"), ":a": str("a"), ":x": str("x"),
	":one": num("1"), ":S": str("S"), ":M": str("M"), ":Q": str("Q"), ":five": num("5"), ":t": boolean(true), ":y": str("y"), ":ba": strs("b", "a"), ":b1": bin("\x01"),
}

var trueConditions = []string{
	"s = :hello", "n = :n10", "n <> :n9", "gone <> :n9", "n > :n9", "n >= :n10", "n < :n11", "n <= :n10",
	"n BETWEEN :n9 AND :n11", "n IN (:n9, :n10)", "attribute_exists(m.a)", "attribute_not_exists(m.b)", "attribute_not_exists(l[2])",
	"attribute_type(s, :S)", "attribute_type(m, :M)", "begins_with(s, :he)", "begins_with(b, :b1)", "contains(s, :he)", "contains(ss, :a)", "contains(ns, :one)", "contains(l, :x)",
	"size(s) = :five", "size(m.l) = :one", "m.a = :one", "m.l[0] = :y", "l[1] = :x", "t = :t", "ss = :ba",
	"NOT n = :n9", "NOT gone = :n9", "n = :n9 OR s = :hello AND t = :t", "(n = :n9 OR s = :hello) AND t = :t", "NOT (n = :n9 OR gone = :n9)", "n = :n9 or NOT s <> :hello",
	"#s = :hello", "#m.#a = :one",
}

var falseConditions = []string{
	"s = :he", "s = :n10", "n <> :n10", "n > :n10", "n > :hello", "gone = :n9", "gone < :n9", "n BETWEEN :n11 AND :n11", "n IN (:n9, :hello)", "gone IN (:n9)",
	"attribute_exists(m.b)", "attribute_exists(l[2])", "attribute_exists(s.x)", "attribute_not_exists(s)", "attribute_type(s, :M)", "begins_with(s, :x)", "begins_with(n, :he)", "contains(n, :one)", "contains(ss, :one)",
	"size(n) = :one", "size(gone) = :one", "n = :n10 AND s = :he", "n = :n9 OR s = :hello AND s = :he", "(n = :n10 OR s = :hello) AND s = :he",
}

var names = map[string]string{"#s": "s", "#m": "m", "#a": "a", "#k": "leaseKey"}

func conditions(e *env, want bool) {
	table := e.table()
	e.put(table, sample)
	list := falseConditions
	if want {
		list = trueConditions
	}
	for _, c := range list {
		_, err := e.update(table, update{c: c, values: valuesIn(c), names: namesIn(c)})
		if !want && !isConditionFailed(err) || want && err != nil {
			e.Errorf("%s: got %v, want it to be %t", c, err, want)
		}
	}
}

func valuesIn(c string) item {
	var in item
	for k, v := range values {
		if hasWord(c, k) {
			if in == nil {
				in = item{}
			}
			in[k] = v
		}
	}
	return in
}

func namesIn(c string) map[string]string {
	var in map[string]string
	for k, v := range names {
		if hasWord(c, k) {
			if in == nil {
				in = map[string]string{}
			}
			in[k] = v
		}
	}
	return in
}

func hasWord(s, w string) bool {
	for i := 0; ; i++ {
		at := strings.Index(s[i:], w)
		if at < 0 {
			return false
		}
		i += at
		rest := s[i+len(w):]
		if rest == "" || !strings.ContainsAny(rest[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
			return true
		}
	}
}

var refusedConditions = map[string]string{
	"owner = :a":                "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: owner",
	"s = :missing":              "An expression attribute value used in expression is not defined; attribute value: :missing",
	"#missing = :a":             "An expression attribute name used in the document path is not defined; attribute name: #missing",
	"s = ":                      "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"",
	"s == :a":                   "Invalid ConditionExpression: Syntax error; token: \"=\", near: \"= = :a\"",
	"s":                         "Syntax error",
	"s = :a AND":                "Syntax error",
	"(s = :a":                   "Syntax error",
	"s = :a)":                   "Syntax error",
	"((s = :a))":                "The expression has redundant parentheses;",
	"exists(s)":                 "Invalid function name; function: exists",
	"attribute_exists(s, s)":    "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
	"attribute_exists(:a)":      "Operator or function requires a document path; operator or function: attribute_exists",
	"attribute_type(s, :Q)":     "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
	"attribute_type(s, :one)":   "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
	"begins_with(s, :one)":      "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
	"size(s)":                   "The function is not allowed to be used this way in an expression; function: size",
	"attribute_exists(s) = :t":  "The function is not allowed to be used this way in an expression; function: attribute_exists",
	"size(:one) = :one":         "Incorrect operand type for operator or function; operator or function: size, operand type: N",
	"n BETWEEN :n11 AND :n9":    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
	"n BETWEEN :n11 AND :hello": "The BETWEEN operator requires same data type for lower and upper bounds",
	"s = s":                     "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [s]",
	"s = :a AND n = :one AND !": "Syntax error",
	"attribute_exists(m.)":      "Syntax error",
	"attribute_exists(l[x])":    "Syntax error",
	"s = :t AND status = :a":    "reserved keyword: status",
}

// updateRules: developer guide, "Update expressions".
var updateRules = []rule{
	{name: "applies", run: func(e *env) {
		table := e.table()
		for _, tt := range []struct {
			u      string
			values item
			want   item // changes to sample
		}{
			{"SET s = :v", item{":v": str("z")}, item{"s": str("z")}},
			{"SET n = n + :v", item{":v": num("0.5")}, item{"n": num("10.5")}},
			{"SET n = :v - n", item{":v": num("1")}, item{"n": num("-9")}},
			{"SET x = if_not_exists(x, :v)", item{":v": num("1")}, item{"x": num("1")}},
			{"SET n = if_not_exists(n, :v) + :v", item{":v": num("1")}, item{"n": num("11")}},
			{"SET l = list_append(l, :v)", item{":v": list(null())}, item{"l": list(num("1"), str("x"), null())}},
			{"SET l = list_append(:v, l)", item{":v": list(null())}, item{"l": list(null(), num("1"), str("x"))}},
			{"SET q = list_append(if_not_exists(q, :v), :v)", item{":v": list(num("1"))}, item{"q": list(num("1"), num("1"))}},
			{"SET l[9] = :v", item{":v": str("end")}, item{"l": list(num("1"), str("x"), str("end"))}},
			{"SET l[0] = :v, m.l[0] = :v", item{":v": str("0")}, item{"l": list(str("0"), str("x")), "m": doc(item{"a": num("1"), "l": list(str("0"))})}},
			{"SET m.b = :v REMOVE m.a", item{":v": str("0")}, item{"m": doc(item{"b": str("0"), "l": list(str("y"))})}},
			{"SET s = n, n = :v", item{":v": str("0")}, item{"s": num("10"), "n": str("0")}}, // right-hand sides see the item as it was
			{"REMOVE s, gone, l[0]", nil, item{"s": nil, "l": list(str("x"))}},
			{"ADD n :v, fresh :v", item{":v": num("-10")}, item{"n": num("0"), "fresh": num("-10")}},
			{"ADD ss :v", item{":v": strs("b", "c")}, item{"ss": strs("a", "b", "c")}},
			{"ADD ns :v", item{":v": nums("2.0", "3")}, item{"ns": nums("1", "2", "3")}},
			{"DELETE ss :v", item{":v": strs("b", "c")}, item{"ss": strs("a")}},
			{"DELETE ss :v", item{":v": strs("b", "a")}, item{"ss": nil}}, // a set is never empty
			{"delete ss :v set n = :w", item{":v": strs("b"), ":w": num("1")}, item{"ss": strs("a"), "n": num("1")}},
		} {
			e.Log(tt.u)
			e.put(table, sample)
			out, err := e.update(table, update{u: tt.u, values: tt.values, returns: types.ReturnValueAllNew})
			e.ok(err)
			want := item{}
			for k, v := range sample {
				want[k] = v
			}
			for k, v := range tt.want {
				if want[k] = v; v == nil {
					delete(want, k)
				}
			}
			e.same(out.Attributes, want)
			e.same(e.get(table, "k"), want)
		}
	}},
	// Observed of the service: positions in one expression refer to the item as
	// it was before the update, so two removals take two elements.
	{name: "removals use old positions", needs: func(c Capabilities) bool { return c.Strict }, run: func(e *env) {
		table := e.table()
		e.put(table, item{"leaseKey": str("k"), "l": list(num("0"), num("1"), num("2"))})
		_, err := e.update(table, update{u: "REMOVE l[0], l[1]"})
		e.ok(err)
		e.same(e.get(table, "k"), item{"leaseKey": str("k"), "l": list(num("2"))})
	}},
	{name: "is refused", run: func(e *env) {
		table := e.table()
		e.put(table, sample)
		for _, tt := range []struct {
			u      string
			values item
			text   string
		}{
			{"SET leaseKey = :v", item{":v": str("x")}, "Cannot update attribute leaseKey. This attribute is part of the key"},
			{"REMOVE leaseKey", nil, "Cannot update attribute leaseKey. This attribute is part of the key"},
			{"SET s = :v, s = :v", item{":v": str("x")}, "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [s], path two: [s]"},
			{"SET m = :v REMOVE m.a", item{":v": str("x")}, "Two document paths overlap"},
			{"SET m.a = :v, m[1] = :v", item{":v": str("x")}, "Two document paths conflict"},
			{"SET s = :v SET n = :v", item{":v": str("x")}, `The "SET" section can only be used once in an update expression;`},
			{"SET s = gone", nil, "The provided expression refers to an attribute that does not exist in the item"},
			{"SET s = s + :v", item{":v": num("1")}, "An operand in the update expression has an incorrect data type"},
			{"SET s = s + :v", item{":v": str("1")}, "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
			{"SET gone.a = :v", item{":v": num("1")}, "The document path provided in the update expression is invalid for update"},
			{"REMOVE gone[3]", nil, "The document path provided in the update expression is invalid for update"},
			{"SET s.a = :v", item{":v": num("1")}, "The document path provided in the update expression is invalid for update"},
			{"ADD s :v", item{":v": num("1")}, "An operand in the update expression has an incorrect data type"},
			{"ADD s :v", item{":v": str("1")}, "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
			{"DELETE n :v", item{":v": num("1")}, "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
			{"DELETE ss :v", item{":v": nums("1")}, "An operand in the update expression has an incorrect data type"},
			{"SET s = foo(:v, :v)", item{":v": num("1")}, "Invalid function name; function: foo"},
			{"SET s = if_not_exists(:v, :v)", item{":v": num("1")}, "Operator or function requires a document path; operator or function: if_not_exists"},
			{"SET timestamp = :v", item{":v": num("1")}, "reserved keyword: timestamp"},
			{"SET s :v", item{":v": num("1")}, "Invalid UpdateExpression: Syntax error"},
			{"s = :v", item{":v": num("1")}, "Invalid UpdateExpression: Syntax error"},
			{"SET s = :v,", item{":v": num("1")}, "Invalid UpdateExpression: Syntax error"},
			{"ADD s s", nil, "Invalid UpdateExpression: Syntax error"},
		} {
			_, err := e.update(table, update{u: tt.u, values: tt.values})
			e.Log(tt.u)
			e.refused(err, "ValidationException", tt.text)
		}
		e.same(e.get(table, "k"), sample)
	}},
	// API reference, UpdateItem, ReturnValues.
	{name: "returns", run: func(e *env) {
		table := e.table()
		for returns, want := range map[types.ReturnValue]item{
			types.ReturnValueNone: nil, types.ReturnValueAllOld: {"leaseKey": str("k"), "n": num("1"), "s": str("x"), "m": doc(item{"a": num("1"), "b": num("2")})},
			types.ReturnValueUpdatedOld: {"n": num("1"), "m": doc(item{"a": num("1")})},
			types.ReturnValueAllNew:     {"leaseKey": str("k"), "n": num("2"), "s": str("x"), "m": doc(item{"a": num("5"), "b": num("2")})},
			types.ReturnValueUpdatedNew: {"n": num("2"), "m": doc(item{"a": num("5")})},
		} {
			e.put(table, item{"leaseKey": str("k"), "n": num("1"), "s": str("x"), "m": doc(item{"a": num("1"), "b": num("2")})})
			out, err := e.update(table, update{u: "ADD n :one SET m.a = :five", values: item{":one": num("1"), ":five": num("5")}, returns: returns})
			e.ok(err)
			e.same(out.Attributes, want)
		}
	}},
	// API reference, UpdateItem: "adds a new item to the table if it does not already exist".
	{name: "creates", run: func(e *env) {
		table := e.table()
		out, err := e.update(table, update{u: "ADD n :one", values: item{":one": num("1")}, returns: types.ReturnValueAllNew})
		e.ok(err)
		e.same(out.Attributes, item{"leaseKey": str("k"), "n": num("1")})
	}},
}
