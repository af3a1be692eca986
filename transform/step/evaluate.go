package step

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
)

// maxWork bounds one evaluation: operations, and bytes looked at or made, sixteen to an operation. It is some tens of
// milliseconds, whatever the record; memory is bounded by it too, since what is made is charged.
const maxWork = 1 << 20

// maxWorkOfDocument bounds all evaluations for one document, which may become thousands of rows: it is some seconds.
const maxWorkOfDocument = 256 * maxWork

var errWork = errors.New("takes too long for this record")

// evaluator evaluates expressions. The zero value is ready.
type evaluator struct {
	e      *expression
	fields []row.Field
	vars   []value
	loops  []loop
	args   []value // of the calls that are under way
	buf    []byte  // decoded and made texts; earlier parts stay where they are when it grows
	seg    [1]seg
	work   int // that the evaluation may still take
	left   int // that the evaluations to come for the document may take
	err    error
}

// loop is where a predicate stands.
type loop struct {
	element value
	index   int
}

// run evaluates e over a row. The value is lent until the next run.
func (e *evaluator) run(x *expression, fields []row.Field) (value, error) {
	if cap(e.buf) > maxKept {
		e.buf = nil
	}
	work := min(maxWork, e.left)
	e.e, e.fields, e.buf, e.args, e.work, e.err = x, fields, e.buf[:0], e.args[:0], work, nil
	if len(e.vars) < x.variables {
		e.vars = make([]value, x.variables)
	}
	v := e.eval(x.root)
	e.fields = nil
	e.left -= work - max(e.work, 0)
	return v, e.err
}

func (e *evaluator) charge(bytes int) {
	if e.work -= 1 + bytes>>4; e.work < 0 && e.err == nil {
		e.err = errWork
	}
}

func (e *evaluator) fail(format string, args ...any) value {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
	return value{}
}

// eval returns a null after an error.
func (e *evaluator) eval(n *node) value {
	if e.charge(0); e.err != nil {
		return value{}
	}
	switch n.op {
	case opLiteral:
		return n.lit
	case opPath:
		return e.path(&e.e.paths[n.slot])
	case opVariable:
		return e.vars[n.slot]
	case opElement:
		return e.loops[n.slot].element
	case opIndex:
		return ofNumber(int64(e.loops[n.slot].index))
	case opLet:
		e.vars[n.slot] = e.eval(n.kids[0])
		return e.eval(n.kids[1])
	case opAnd, opOr:
		left := e.truth(n.kids[0])
		if left == (n.op == opOr) {
			return ofBool(left)
		}
		return ofBool(e.truth(n.kids[1]))
	case opNot:
		return ofBool(!e.truth(n.kids[0]))
	case opCondition:
		if e.truth(n.kids[0]) {
			return e.eval(n.kids[1])
		}
		return e.eval(n.kids[2])
	case opElse:
		if v := e.eval(n.kids[0]); v.kind != kindNull {
			return v
		}
		return e.eval(n.kids[1])
	case opList, opObject:
		return e.collect(n)
	case opAll, opAny, opNone, opOne, opCount, opSum, opFilter, opMap, opFind, opFindIndex:
		return e.iterate(n)
	case opCall:
		return e.call(n)
	case opSlice:
		return e.slice(e.eval(n.kids[0]), e.eval(n.kids[1]), e.eval(n.kids[2]))
	}
	a := e.eval(n.kids[0])
	switch n.op {
	case opNegate:
		if d, ok := e.decimal(&a, "-"); ok {
			return ofDecimal(d.negate())
		}
		return value{}
	case opMatches:
		if a.kind == kindNull {
			return ofBool(false)
		}
		if !e.isText(&a, "matches") {
			return value{}
		}
		e.charge(len(a.text) * 16 * n.slot)
		return ofBool(e.err == nil && n.re.Match(a.text))
	}
	b := e.eval(n.kids[1])
	if e.err != nil {
		return value{}
	}
	return e.binary(n.op, &a, &b)
}

func (e *evaluator) path(p *path) value {
	for i := len(e.fields) - 1; i >= 0; i-- {
		f := &e.fields[i]
		if !named(f, p.segs[0].key) {
			continue
		}
		if len(p.segs) > 1 {
			e.charge(len(f.Value) * (len(p.segs) - 1))
			if e.err != nil {
				return value{}
			}
		}
		return e.load(dig(f.Value, p.segs[1:]))
	}
	return value{}
}

func (e *evaluator) truth(n *node) bool {
	v := e.eval(n)
	if e.err == nil && v.kind != kindBool {
		e.fail("has %s where true or false should be", v.name())
	}
	return e.err == nil && v.n != 0
}

func (e *evaluator) isText(v *value, what string) bool {
	if v.kind != kindText {
		e.fail("has %s where %s needs a text", v.name(), what)
	}
	return e.err == nil && v.kind == kindText
}

func (e *evaluator) decimal(v *value, what string) (d decimal, ok bool) {
	if v.kind != kindNumber {
		e.fail("has %s where %s needs a number", v.name(), what)
		return d, false
	}
	e.charge(len(v.text) * 4)
	d, err := v.decimal()
	if err != nil {
		e.fail("has %w", err)
	}
	if d.big != nil || d.exp < -18 || d.exp > 18 {
		e.charge(slowNumber)
	}
	return d, e.err == nil
}

// slowNumber is what a number is charged that is calculated with in big integers, and what a division is.
const slowNumber = 1 << 9

func (e *evaluator) int(v *value, what string) (int, bool) {
	d, ok := e.decimal(v, what)
	if !ok {
		return 0, false
	}
	n, ok := d.int()
	if !ok || n != int64(int32(n)) {
		e.fail("has a number where %s needs a small whole one", what)
		return 0, false
	}
	return int(n), true
}

var opNames = map[op]string{
	opLess: "<", opLessEqual: "<=", opMore: ">", opMoreEqual: ">=", opAdd: "+", opSubtract: "-", opMultiply: "*", opDivide: "/", opModulo: "%", opPower: "**",
	opRange: "..", opContains: "contains", opStartsWith: "startsWith", opEndsWith: "endsWith",
}

// maxRange bounds a range: it is for a handful of numbers.
const maxRange = 10_000
