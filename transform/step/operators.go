package step

import (
	"bytes"
)

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
		e.charge(slowNumber)
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
