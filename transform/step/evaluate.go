package step

import (
	"bytes"
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
)

// maxWork bounds one evaluation: operations, and bytes looked at or made, sixteen to an operation. It is some tens of
// milliseconds, whatever the record; memory is bounded by it too, since what is made is charged.
const maxWork = 1 << 20

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
	work   int
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
	e.e, e.fields, e.buf, e.args, e.work, e.err = x, fields, e.buf[:0], e.args[:0], maxWork, nil
	if len(e.vars) < x.variables {
		e.vars = make([]value, x.variables)
	}
	v := e.eval(x.root)
	e.fields = nil
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
		e.charge(len(a.text) * 16) // a byte takes a pattern about as long as an operation
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
	return d, e.err == nil
}

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

func (e *evaluator) binary(o op, a, b *value) value {
	switch o {
	case opEqual, opUnequal:
		return ofBool(e.equal(a, b) == (o == opEqual))
	case opIn:
		return ofBool(e.in(a, b))
	case opMember:
		return e.member(a, b)
	case opContains, opStartsWith, opEndsWith:
		if a.kind == kindNull {
			return ofBool(false)
		}
		if !e.isText(a, opNames[o]) || !e.isText(b, opNames[o]) {
			return value{}
		}
		e.charge(len(a.text))
		switch o {
		case opContains:
			return ofBool(bytes.Contains(a.text, b.text))
		case opStartsWith:
			return ofBool(bytes.HasPrefix(a.text, b.text))
		}
		return ofBool(bytes.HasSuffix(a.text, b.text))
	case opLess, opLessEqual, opMore, opMoreEqual:
		return e.order(o, a, b)
	case opRange:
		return e.span(a, b)
	case opAdd:
		if a.kind == kindText && b.kind == kindText {
			return e.join2(a.text, b.text)
		}
	}
	return e.calculate(o, a, b)
}

func (e *evaluator) order(o op, a, b *value) value {
	var c int
	switch {
	case a.kind == kindText && b.kind == kindText:
		e.charge(min(len(a.text), len(b.text)))
		c = bytes.Compare(a.text, b.text)
	case a.small && b.small && a.exp == b.exp:
		c = 1
		if a.n < b.n {
			c = -1
		} else if a.n == b.n {
			c = 0
		}
	case a.kind != kindNumber || b.kind != kindNumber:
		return e.fail("compares %s with %s by %s; say what a missing value counts as: (x ?? 0)", a.name(), b.name(), opNames[o])
	default:
		x, ok := e.decimal(a, opNames[o])
		y, ok2 := e.decimal(b, opNames[o])
		if !ok || !ok2 {
			return value{}
		}
		c = x.compare(y)
	}
	switch o {
	case opLess:
		return ofBool(c < 0)
	case opLessEqual:
		return ofBool(c <= 0)
	case opMore:
		return ofBool(c > 0)
	}
	return ofBool(c >= 0)
}

func (e *evaluator) calculate(o op, a, b *value) value {
	x, ok := e.decimal(a, opNames[o])
	y, ok2 := e.decimal(b, opNames[o])
	if !ok || !ok2 {
		return value{}
	}
	var d decimal
	var err error
	switch o {
	case opAdd:
		d, err = x.add(y)
	case opSubtract:
		d, err = x.add(y.negate())
	case opMultiply:
		d, err = x.multiply(y)
	case opDivide:
		d, err = x.divide(y)
	case opModulo:
		d, err = x.modulo(y)
	case opPower:
		d, err = x.power(y)
		e.charge(1 << 12)
	}
	if err != nil {
		return e.fail("has %w", err)
	}
	v := ofDecimal(d)
	e.charge(len(v.text))
	return v
}

// equal compares by value: numbers as numbers, objects without regard to the order of their members.
func (e *evaluator) equal(a, b *value) bool {
	if e.charge(0); e.err != nil || a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindNull:
		return true
	case kindBool:
		return a.n == b.n
	case kindNumber:
		if a.small && b.small && a.exp == b.exp {
			return a.n == b.n
		}
		x, ok := e.decimal(a, "==")
		y, ok2 := e.decimal(b, "==")
		return ok && ok2 && x.compare(y) == 0
	case kindText:
		if len(a.text) == len(b.text) {
			e.charge(len(a.text))
			return bytes.Equal(a.text, b.text)
		}
		return false
	case kindList:
		x, y := e.items(a), e.items(b)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !e.equal(&x[i], &y[i]) {
				return false
			}
		}
		return e.err == nil
	}
	x, y := e.members(a), e.members(b)
	if len(x) != len(y) {
		return false
	}
	for i := 0; i < len(x); i += 2 {
		found := false
		for j := 0; j < len(y) && e.err == nil; j += 2 {
			if e.charge(0); bytes.Equal(x[i].text, y[j].text) {
				found = e.equal(&x[i+1], &y[j+1])
			}
		}
		if !found {
			return false
		}
	}
	return e.err == nil
}

func (e *evaluator) in(a, b *value) bool {
	switch b.kind {
	case kindNull:
		return false
	case kindObject:
		if !e.isText(a, "in an object") {
			return false
		}
		m := e.members(b)
		for i := 0; i < len(m); i += 2 {
			if bytes.Equal(m[i].text, a.text) {
				return true
			}
		}
		return false
	case kindList:
		list := e.items(b)
		for i := range list {
			if e.equal(a, &list[i]) {
				return true
			}
		}
		return false
	}
	e.fail("has %s where in needs a list or an object", b.name())
	return false
}

// items returns the elements of a list.
func (e *evaluator) items(v *value) []value {
	if v.raw == nil {
		return v.list
	}
	e.charge(len(v.raw) * 2) // to find them, and to hold them
	var list []value
	for w := walk(v.raw); e.err == nil; {
		raw, ok := w.element()
		if !ok {
			break
		}
		e.charge(128)
		list = append(list, e.load(raw))
	}
	v.list = list
	return list
}

// members returns the keys and values of an object in turn. Of a key that it has twice the last value counts.
func (e *evaluator) members(v *value) []value {
	if v.raw == nil {
		return v.list
	}
	e.charge(len(v.raw) * 2)
	var list []value
	for w := walk(v.raw); e.err == nil; {
		key, raw, ok := w.member()
		if !ok {
			break
		}
		e.charge(256)
		name := key
		if bytes.IndexByte(key, '\\') >= 0 {
			start := len(e.buf)
			e.buf, _ = appendDecoded(e.buf, key)
			name = e.buf[start:len(e.buf):len(e.buf)]
		}
		list = append(list, ofText(name), e.load(raw))
	}
	return list
}

// member is null for what is not there.
func (e *evaluator) member(v, key *value) value {
	switch {
	case key.kind == kindText && v.kind == kindObject && v.raw != nil:
		e.charge(len(v.raw))
		if e.err != nil {
			return value{}
		}
		e.seg[0] = seg{key: string(key.text)}
		return e.load(dig(v.raw, e.seg[:]))
	case key.kind == kindText && v.kind == kindObject:
		for i := len(v.list) - 2; i >= 0; i -= 2 {
			if bytes.Equal(v.list[i].text, key.text) {
				return v.list[i+1]
			}
		}
		return value{}
	case key.kind == kindNumber && v.kind == kindList:
		n, ok := e.int(key, "an index")
		if !ok {
			return value{}
		}
		if v.raw != nil && v.list == nil {
			e.charge(len(v.raw) * 2)
			if e.err != nil {
				return value{}
			}
			e.seg[0] = seg{kind: isIndex, index: n}
			return e.load(dig(v.raw, e.seg[:]))
		}
		if n < 0 {
			n += len(v.list)
		}
		if n >= 0 && n < len(v.list) {
			return v.list[n]
		}
		return value{}
	case v.kind == kindNull, key.kind == kindText, key.kind == kindNumber:
		return value{}
	}
	return e.fail("has %s where a key or an index should be", key.name())
}

func (e *evaluator) collect(n *node) value {
	v := value{kind: kindList, list: make([]value, 0, len(n.kids))}
	if n.op == opObject {
		v.kind = kindObject
	}
	e.charge(len(n.kids) * 128)
	for i, kid := range n.kids {
		item := e.eval(kid)
		if v.kind == kindObject && i&1 == 0 && !e.isText(&item, "a key") {
			return value{}
		}
		v.list = append(v.list, item)
	}
	return v
}

// maxRange bounds a range: it is for a handful of numbers.
const maxRange = 10_000

func (e *evaluator) span(a, b *value) value {
	from, ok := e.int(a, "..")
	to, ok2 := e.int(b, "..")
	if !ok || !ok2 {
		return value{}
	}
	if to-from >= maxRange {
		return e.fail("has a range of more than %d numbers", maxRange)
	}
	v := value{kind: kindList}
	for i := from; i <= to; i++ {
		e.charge(128)
		v.list = append(v.list, ofNumber(int64(i)))
	}
	return v
}

func (e *evaluator) slice(v, from, to value) value {
	var length int
	var list []value
	switch v.kind {
	case kindNull:
		return v
	case kindText:
		length = len(bytes.Runes(v.text))
		e.charge(len(v.text) * 8)
	case kindList:
		list = e.items(&v)
		length = len(list)
	default:
		return e.fail("has %s where a text or a list should be", v.name())
	}
	bound := func(b *value, absent int) int {
		if b.kind == kindNull {
			return absent
		}
		n, _ := e.int(b, "a slice")
		if n < 0 {
			n += length
		}
		return min(max(n, 0), length)
	}
	i, j := bound(&from, 0), bound(&to, length)
	if e.err != nil || i >= j {
		i, j = 0, 0
	}
	if v.kind == kindText {
		return ofText([]byte(string(bytes.Runes(v.text)[i:j])))
	}
	return value{kind: kindList, list: list[i:j]}
}

// iterate is what the functions with a predicate do.
func (e *evaluator) iterate(n *node) value {
	v := e.eval(n.kids[0])
	if v.kind == kindNull {
		v = value{kind: kindList} // what is not there has no elements
	}
	if e.err == nil && v.kind != kindList {
		return e.fail("has %s where a list should be", v.name())
	}
	list := e.items(&v)
	for len(e.loops) <= n.slot {
		e.loops = append(e.loops, loop{})
	}
	hits, total := 0, decimal{}
	made := value{kind: kindList}
	for i := range list {
		item := list[i]
		if len(n.kids) > 1 {
			e.loops[n.slot] = loop{list[i], i}
			item = e.eval(n.kids[1])
		}
		if e.charge(0); e.err != nil {
			return value{}
		}
		switch n.op {
		case opMap:
			e.charge(128)
			made.list = append(made.list, item)
			continue
		case opSum:
			d, ok := e.decimal(&item, "sum")
			if !ok {
				return value{}
			}
			var err error
			if total, err = total.add(d); err != nil {
				return e.fail("has %w", err)
			}
			continue
		}
		if item.kind != kindBool {
			return e.fail("has %s where true or false should be", item.name())
		}
		if item.n == 0 {
			if n.op == opAll {
				return ofBool(false)
			}
			continue
		}
		hits++
		switch n.op {
		case opAny:
			return ofBool(true)
		case opNone:
			return ofBool(false)
		case opFilter:
			e.charge(128)
			made.list = append(made.list, list[i])
		case opFind:
			return list[i]
		case opFindIndex:
			return ofNumber(int64(i))
		}
	}
	switch n.op {
	case opAll, opNone:
		return ofBool(true)
	case opAny:
		return ofBool(false)
	case opOne:
		return ofBool(hits == 1)
	case opCount:
		return ofNumber(int64(hits))
	case opSum:
		return ofDecimal(total)
	case opFind, opFindIndex:
		return value{}
	}
	return made
}

// join2 makes one text of two.
func (e *evaluator) join2(a, b []byte) value {
	start := len(e.buf)
	if e.charge(4 * (len(a) + len(b))); e.err != nil {
		return value{}
	}
	e.buf = append(append(e.buf, a...), b...)
	return ofText(e.buf[start:len(e.buf):len(e.buf)])
}
