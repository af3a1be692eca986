package validate

import "bytes"

// maxCompared is how many elements are compared here, each with each. Lists of labels are shorter.
const maxCompared = 32

// unique judges by uniqueItems the array at i, which has count elements. Objects and arrays are left to the library.
func (e *evaluator) unique(i, count int) verdict {
	if count > maxCompared {
		return unknown
	}
	if e.steps -= count; e.steps < 0 {
		return unknown
	}
	var items [maxCompared]item
	i = space(e.b, i+1)
	for n := range count {
		if e.b[i] == '{' || e.b[i] == '[' {
			return unknown
		}
		end := valueEnd(e.b, i)
		items[n] = newItem(e.b[i:end])
		if i = space(e.b, end); e.b[i] == ',' {
			i = space(e.b, i+1)
		}
	}
	v := good
	for n := 1; n < count && v != bad; n++ {
		for m := range n {
			switch items[n].equal(&items[m]) {
			case good:
				return bad
			case unknown:
				v = unknown
			}
		}
	}
	return v
}

// item is an element that is neither object nor array.
type item struct {
	raw   []byte
	kind  byte // the first byte; of numbers 0
	clear bool // nothing but the raw text is equal to it; for numbers, that num holds it
	num   number
}

func newItem(raw []byte) item {
	it := item{raw: raw, kind: raw[0]}
	switch it.kind {
	case 't', 'f', 'n':
		it.clear = true
	case '"':
		it.clear = bytes.IndexByte(raw, '\\') < 0
	default:
		it.kind = 0
		it.num, it.clear = parseNumber(raw)
	}
	return it
}

// equal is good for equal items.
func (it *item) equal(other *item) verdict {
	switch {
	case it.kind != other.kind:
		return bad
	case bytes.Equal(it.raw, other.raw):
		return good
	case !it.clear || !other.clear:
		return unknown
	case it.kind == 0 && it.num.compare(&other.num) == 0:
		return good
	}
	return bad
}
