package step

import (
	"bytes"

	"kinesis-snowflake/transform/jsonscan"
)

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
			e.buf, _ = jsonscan.AppendDecoded(e.buf, key)
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
