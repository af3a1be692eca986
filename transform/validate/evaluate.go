package validate

import (
	"unicode/utf8"

	"kinesis-snowflake/transform/jsonscan"
)

// evaluator judges documents by a form, one at a time.
type evaluator struct {
	form *form
	b    []byte
	text []byte // scratch for strings with escapes
	keys []byte // the same for keys

	next  []int32 // by slot: the property that followed last time
	steps int     // left; a schema that contains itself in alternatives could take forever
	skips int     // left: bytes of objects and arrays
	depth int     // of calls
}

func newEvaluator(f *form) *evaluator {
	return &evaluator{form: f, next: make([]int32, f.slots)}
}

// maxDepth bounds calls within calls: a document has at most 512 levels, on each of which schemas refer to schemas.
const maxDepth = 4096

// skips is how many bytes of objects and arrays may be skipped for one document: for a large one, those of all of it a few times.
// Where a schema contains itself in one of several alternatives, another may skip the document's rest on each of its levels.
func skips(doc []byte) int { return 64<<20 + 32*len(doc) }

// check judges a document, which must be valid JSON.
func (e *evaluator) check(doc []byte) verdict {
	e.b, e.steps, e.skips, e.depth = doc, 1000+8*len(doc), skips(doc), 0
	_, v := e.value(e.form.root, space(doc, 0))
	e.b = nil
	if cap(e.text) > maxKept {
		e.text = nil
	}
	if cap(e.keys) > maxKept {
		e.keys = nil
	}
	return v
}

// value judges the value at i. It returns the index after the value, or -1 if it has not come there; if the verdict is bad, any index.
func (e *evaluator) value(n *node, i int) (end int, v verdict) {
	if e.steps--; e.steps < 0 || e.skips < 0 || e.depth > maxDepth {
		return -1, unknown
	}
	if n.always != unknown {
		return -1, n.always
	}
	end, v = -1, good
	switch e.b[i] {
	case '"':
		closing, escaped := stringEnd(e.b, i+1)
		end, v = closing+1, e.string(n, e.b[i+1:closing], escaped)
	case '{':
		if n.types&objectType == 0 {
			return -1, bad
		}
		v = n.judge(objectType)
		if n.object != nil {
			e.depth++
			var w verdict
			end, w = e.object(n.object, i)
			e.depth--
			v = v.and(w)
		}
	case '[':
		if n.types&arrayType == 0 {
			return -1, bad
		}
		v = n.judge(arrayType)
		if n.array != nil {
			e.depth++
			var w verdict
			end, w = e.array(n.array, i)
			e.depth--
			v = v.and(w)
		}
	case 't':
		end, v = i+4, e.literal(n, booleanType, true)
	case 'f':
		end, v = i+5, e.literal(n, booleanType, false)
	case 'n':
		end, v = i+4, e.literal(n, nullType, false)
	default:
		end = numberEnd(e.b, i)
		v = e.number(n, e.b[i:end])
	}
	if v != bad && (n.all != nil || n.anyOf != nil || n.oneOf != nil || n.not != nil || n.cond != nil) {
		e.depth++
		var w verdict
		end, w = e.inPlace(n, i, end)
		e.depth--
		v = v.and(w)
	}
	return end, v
}

// skip returns the index after the value at i.
func (e *evaluator) skip(i int) int {
	end := valueEnd(e.b, i)
	if c := e.b[i]; c == '{' || c == '[' {
		e.skips -= end - i
	}
	return end
}

// judge says what the node's lists of values and its blind spots make of any value of a type.
func (n *node) judge(t typeSet) verdict {
	if n.opaque&t != 0 {
		return unknown
	}
	v := good
	for _, list := range n.values {
		if list.opaque&t == 0 {
			return bad
		}
		v = unknown
	}
	return v
}

func (e *evaluator) literal(n *node, t typeSet, yes bool) verdict {
	if n.types&t == 0 {
		return bad
	}
	for _, list := range n.values {
		if t == nullType && !list.null || t == booleanType && (yes && !list.yes || !yes && !list.no) {
			return bad
		}
	}
	if n.opaque&t != 0 {
		return unknown
	}
	return good
}

func (e *evaluator) string(n *node, text []byte, escaped bool) verdict {
	if n.types&stringType == 0 {
		return bad
	}
	if n.values == nil && n.text == nil {
		return n.judge(stringType)
	}
	if escaped {
		e.text = jsonscan.AppendText(e.text[:0], text)
		text = e.text
	}
	for _, list := range n.values {
		if _, ok := list.texts[string(text)]; !ok {
			return bad
		}
	}
	v := good
	if n.opaque&stringType != 0 {
		v = unknown
	}
	if n.text != nil {
		v = v.and(n.text.check(text))
	}
	return v
}

func (r *textRules) check(text []byte) verdict {
	// A text has at most as many characters as bytes, and at least a quarter.
	if r.max >= 0 && len(text) > r.max && utf8.RuneCount(text) > r.max {
		return bad
	}
	if r.min > 0 && (len(text) < r.min || len(text)/utf8.UTFMax < r.min && utf8.RuneCount(text) < r.min) {
		return bad
	}
	if r.pattern != nil && !r.pattern.match(text) {
		return bad
	}
	if r.format != nil {
		return r.format(text)
	}
	return good
}

func (e *evaluator) number(n *node, text []byte) verdict {
	const numeric = integerType | fractionType
	if n.types&numeric == 0 {
		return bad
	}
	if n.types&numeric == numeric && n.values == nil && n.number == nil {
		return n.judge(numeric)
	}
	num, ok := parseNumber(text)
	if !ok {
		if n.values == nil && n.number == nil && isInteger(text) {
			return n.judge(numeric)
		}
		return unknown
	}
	if n.types&fractionType == 0 && !num.integer() {
		return bad
	}
	for _, list := range n.values {
		if !list.holds(&num) {
			if list.opaque&numeric != 0 {
				return unknown
			}
			return bad
		}
	}
	v := good
	if n.opaque&numeric != 0 {
		v = unknown
	}
	if n.number != nil {
		v = v.and(n.number.check(&num))
	}
	return v
}

func (l *values) holds(num *number) bool {
	for i := range l.numbers {
		if l.numbers[i].compare(num) == 0 {
			return true
		}
	}
	return false
}

// isInteger reports whether a number is written as an integer.
func isInteger(text []byte) bool {
	for i, c := range text {
		if c-'0' > 9 && (i > 0 || c != '-') {
			return false
		}
	}
	return true
}
