package step

import (
	"bytes"
	"reflect"
	"slices"
	"unicode/utf8"
)

// function is one that expressions may call. Those whose result another run would not repeat, and those by which a short
// expression makes a long value, are not among them.
type function struct {
	name  string
	types []reflect.Type // what the type checker takes it for
	do    func(e *evaluator, args []value) value
}

// functions are all of them, sorted by name.
var functions = allFunctions()

func types(fs ...any) (all []reflect.Type) {
	for _, f := range fs {
		all = append(all, reflect.TypeOf(f))
	}
	return all
}

type (
	anyToNumber  = func(any) any
	textToText   = func(string) string
	textsToText  = func(string, string) string
	textsToTruth = func(string, string) bool
)

func allFunctions() []function {
	number, roundTo := *new(anyToNumber), *new(func(any, int) any)
	return []function{
		{"abs", types(number), func(e *evaluator, a []value) value {
			d, ok := e.decimal(&a[0], "abs")
			if ok && d.sign() < 0 {
				d = d.negate()
			}
			return ofDecimal(d)
		}},
		{"ceil", types(number), func(e *evaluator, a []value) value {
			d, _ := e.decimal(&a[0], "ceil")
			return ofDecimal(d.negate().floor().negate())
		}},
		{"first", types(number), func(e *evaluator, a []value) value { return e.end(&a[0], 0) }},
		{"floor", types(number), func(e *evaluator, a []value) value {
			d, _ := e.decimal(&a[0], "floor")
			return ofDecimal(d.floor())
		}},
		{"hasPrefix", types(*new(textsToTruth)), func(e *evaluator, a []value) value { return e.binary(opStartsWith, &a[0], &a[1]) }},
		{"hasSuffix", types(*new(textsToTruth)), func(e *evaluator, a []value) value { return e.binary(opEndsWith, &a[0], &a[1]) }},
		{"indexOf", types(*new(func(string, string) int)), func(e *evaluator, a []value) value {
			if !e.isText(&a[0], "indexOf") || !e.isText(&a[1], "indexOf") {
				return value{}
			}
			e.charge(len(a[0].text))
			n := bytes.Index(a[0].text, a[1].text)
			if n > 0 {
				n = utf8.RuneCount(a[0].text[:n])
			}
			return ofNumber(int64(n))
		}},
		{"join", types(*new(func(any, string) string), *new(func(any) string)), joinTexts},
		{"keys", types(number), func(e *evaluator, a []value) value {
			if a[0].kind != kindObject {
				return e.fail("has %s where keys needs an object", a[0].name())
			}
			v := value{kind: kindList}
			for i, m := 0, e.members(&a[0]); i < len(m); i += 2 {
				v.list = append(v.list, m[i])
			}
			return v
		}},
		{"last", types(number), func(e *evaluator, a []value) value { return e.end(&a[0], -1) }},
		{"len", types(*new(func(any) int)), length},
		{"lower", types(*new(textToText)), func(e *evaluator, a []value) value { return e.change(&a[0], "lower", bytes.ToLower) }},
		{"max", types(*new(func(any, any) any)), func(e *evaluator, a []value) value { return e.extreme(a, opMore) }},
		{"min", types(*new(func(any, any) any)), func(e *evaluator, a []value) value { return e.extreme(a, opLess) }},
		{"number", types(number), toNumber},
		{"replace", types(*new(func(string, string, string) string)), replace},
		{"round", types(number, roundTo), func(e *evaluator, a []value) value {
			d, ok := e.decimal(&a[0], "round")
			places := 0
			if ok && len(a) > 1 {
				if places, ok = e.int(&a[1], "round"); ok && (places < 0 || places > maxExponent) {
					return e.fail("rounds to %d digits", places)
				}
			}
			if !ok {
				return value{}
			}
			return ofDecimal(d.roundTo(-places))
		}},
		{"split", types(*new(func(string, string) []any)), split},
		{"string", types(*new(func(any) string)), toText},
		{"trim", types(*new(textToText)), func(e *evaluator, a []value) value { return e.change(&a[0], "trim", bytes.TrimSpace) }},
		{"trimPrefix", types(*new(textsToText)), func(e *evaluator, a []value) value {
			return e.change(&a[0], "trimPrefix", func(b []byte) []byte { return bytes.TrimPrefix(b, a[1].text) })
		}},
		{"trimSuffix", types(*new(textsToText)), func(e *evaluator, a []value) value {
			return e.change(&a[0], "trimSuffix", func(b []byte) []byte { return bytes.TrimSuffix(b, a[1].text) })
		}},
		{"type", types(*new(func(any) string)), func(_ *evaluator, a []value) value {
			return ofText([]byte([...]string{"null", "bool", "number", "string", "array", "object"}[a[0].kind]))
		}},
		{"upper", types(*new(textToText)), func(e *evaluator, a []value) value { return e.change(&a[0], "upper", bytes.ToUpper) }},
	}
}

func (e *evaluator) call(n *node) value {
	first := len(e.args)
	for _, kid := range n.kids {
		e.args = append(e.args, e.eval(kid))
	}
	if e.err != nil {
		return value{}
	}
	v := functions[n.slot].do(e, e.args[first:])
	e.args = e.args[:first]
	if e.err != nil {
		return value{}
	}
	return v
}

func (e *evaluator) end(v *value, n int64) value {
	key := ofNumber(n)
	return e.member(v, &key)
}

// change makes a text of a text, no more than twice as long; of null it makes null.
func (e *evaluator) change(v *value, what string, do func([]byte) []byte) value {
	if v.kind == kindNull {
		return value{}
	}
	if !e.isText(v, what) {
		return value{}
	}
	e.charge(len(v.text) * 8)
	return ofText(do(v.text))
}

func length(e *evaluator, a []value) value {
	switch v := &a[0]; v.kind {
	case kindText:
		e.charge(len(v.text))
		return ofNumber(int64(utf8.RuneCount(v.text)))
	case kindList:
		if v.raw == nil {
			return ofNumber(int64(len(v.list)))
		}
		e.charge(len(v.raw))
		return ofNumber(int64(count(v.raw)))
	case kindObject:
		return ofNumber(int64(len(e.members(v)) / 2))
	}
	return e.fail("has %s where len needs a text, a list or an object", a[0].name())
}

func (e *evaluator) extreme(a []value, o op) value {
	if v := e.order(o, &a[1], &a[0]); v.n != 0 {
		return a[1]
	}
	return a[0]
}

// toNumber reads a number in a text; a number is one already.
func toNumber(e *evaluator, a []value) value {
	if a[0].kind == kindNull || a[0].kind == kindNumber {
		return a[0]
	}
	if !e.isText(&a[0], "number") {
		return value{}
	}
	e.charge(len(a[0].text))
	text := slices.Clone(bytes.TrimSpace(a[0].text))
	if len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	if !isNumber(text) {
		return e.fail("has a text that spells no number")
	}
	text = trimZeros(text)
	if n, ok := smallInt(text); ok {
		return ofNumber(n)
	}
	return value{kind: kindNumber, text: text}
}

// toText is the JSON text of whatever is not a text.
func toText(e *evaluator, a []value) value {
	if a[0].kind == kindText {
		return a[0]
	}
	e.charge(len(a[0].raw))
	out, err := a[0].appendJSON(nil)
	if err != nil {
		return e.fail("%w", err)
	}
	e.charge(4 * len(out))
	return ofText(out)
}

func joinTexts(e *evaluator, a []value) value {
	if a[0].kind != kindList {
		return e.fail("has %s where join needs a list", a[0].name())
	}
	var between []byte
	if len(a) > 1 {
		if !e.isText(&a[1], "join") {
			return value{}
		}
		between = a[1].text
	}
	items := e.items(&a[0])
	for i := range items {
		if !e.isText(&items[i], "join") {
			return value{}
		}
		if e.charge(4 * (len(items[i].text) + len(between))); e.err != nil {
			return value{}
		}
	}
	// Decoding is done: from here on what is made stands together.
	start := len(e.buf)
	for i := range items {
		if i > 0 {
			e.buf = append(e.buf, between...)
		}
		e.buf = append(e.buf, items[i].text...)
	}
	return ofText(e.buf[start:len(e.buf):len(e.buf)])
}

func split(e *evaluator, a []value) value {
	if !e.isText(&a[0], "split") || !e.isText(&a[1], "split") {
		return value{}
	}
	text, by := a[0].text, a[1].text
	pieces := bytes.Count(text, by) + 1
	if e.charge(len(text) + pieces*128); e.err != nil {
		return value{}
	}
	v := value{kind: kindList, list: make([]value, 0, pieces)}
	for _, piece := range bytes.Split(text, by) {
		v.list = append(v.list, ofText(piece))
	}
	return v
}

func replace(e *evaluator, a []value) value {
	for i := range a {
		if !e.isText(&a[i], "replace") {
			return value{}
		}
	}
	text, old, with := a[0].text, a[1].text, a[2].text
	if e.charge(len(text) + 4*(len(text)+bytes.Count(text, old)*len(with))); e.err != nil {
		return value{}
	}
	return ofText(bytes.ReplaceAll(text, old, with))
}
