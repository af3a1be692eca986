package dynamodb

import (
	"slices"
	"strconv"
	"strings"
)

// node is a part of a condition: an operand or a condition.
type node interface{}

// operand yields a value; the zero Value when the item has none there.
type operand interface{ value(Item) Value }

// condition decides about an item.
type condition interface{ holds(Item) bool }

type (
	literal  struct{ v Value }
	pathRef  struct{ p path }
	sizeOf   struct{ of operand }
	and      struct{ l, r condition }
	or       struct{ l, r condition }
	not      struct{ c condition }
	compared struct {
		op   string
		l, r operand
	}
	between struct{ x, lo, hi operand }
	in      struct {
		x    operand
		list []operand
	}
	exists struct{ p path }
	absent struct{ p path }
	typed  struct {
		x    operand
		kind operand
	}
	begins   struct{ x, prefix operand }
	contains struct{ x, part operand }
)

func (l literal) value(Item) Value    { return l.v }
func (r pathRef) value(it Item) Value { return r.p.find(it) }

// value counts characters' bytes, members or elements; an attribute that has
// no size, or is not there, makes the operand absent.
func (s sizeOf) value(it Item) Value {
	v := s.of.value(it)
	n := 0
	switch v.Kind {
	case KindS, KindB:
		n = len(v.Text)
	case KindSS, KindNS, KindBS:
		n = len(v.Set)
	case KindL:
		n = len(v.List)
	case KindM:
		n = len(v.Map)
	default:
		return Value{}
	}
	return N(strconv.Itoa(n))
}

func (c and) holds(it Item) bool    { return c.l.holds(it) && c.r.holds(it) }
func (c or) holds(it Item) bool     { return c.l.holds(it) || c.r.holds(it) }
func (c not) holds(it Item) bool    { return !c.c.holds(it) }
func (c exists) holds(it Item) bool { return c.p.find(it).exists() }
func (c absent) holds(it Item) bool { return !c.p.find(it).exists() }

// holds: an absent operand equals nothing, so that <> is true of it and every
// other comparison false.
func (c compared) holds(it Item) bool {
	l, r := c.l.value(it), c.r.value(it)
	switch c.op {
	case "=":
		return l.exists() && l.equal(r)
	case "<>":
		return !l.exists() || !l.equal(r)
	}
	order, ok := l.compare(r)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c between) holds(it Item) bool {
	x := c.x.value(it)
	lo, ok1 := x.compare(c.lo.value(it))
	hi, ok2 := x.compare(c.hi.value(it))
	return ok1 && ok2 && lo >= 0 && hi <= 0
}

func (c in) holds(it Item) bool {
	x := c.x.value(it)
	return x.exists() && slices.ContainsFunc(c.list, func(o operand) bool { return x.equal(o.value(it)) })
}

func (c typed) holds(it Item) bool {
	x := c.x.value(it)
	return x.exists() && string(x.Kind) == c.kind.value(it).Text
}

func (c begins) holds(it Item) bool {
	x, prefix := c.x.value(it), c.prefix.value(it)
	return x.Kind == prefix.Kind && (x.Kind == KindS || x.Kind == KindB) && strings.HasPrefix(x.Text, prefix.Text)
}

func (c contains) holds(it Item) bool {
	x, part := c.x.value(it), c.part.value(it)
	switch {
	case !part.exists():
		return false
	case x.Kind == KindL:
		return slices.ContainsFunc(x.List, part.equal)
	case x.Kind.setOf() != "":
		return x.Kind.setOf() == part.Kind && slices.Contains(x.Set, part.Text)
	case x.Kind == KindS || x.Kind == KindB:
		return x.Kind == part.Kind && strings.Contains(x.Text, part.Text)
	}
	return false
}
