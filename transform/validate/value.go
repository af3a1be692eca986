package validate

import (
	"encoding/json"
	"strconv"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// size is how many values a document has, and on how many levels.
type size struct{ values, levels int }

// measure counts without taking memory, which the library's values take a multiple of the document of.
func measure(doc []byte) size {
	s := size{values: 1}
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			i, _ = stringEnd(doc, i+1)
		case ',':
			s.values++
		case '{', '[':
			depth++
			s.levels = max(s.levels, depth)
			if c := doc[space(doc, i+1)]; c != '}' && c != ']' {
				s.values++
			}
		case '}', ']':
			depth--
		}
	}
	return s
}

// work measures what the library can make of a document: each value may be a violation, whose path is as long as the value is deep.
func (s size) work() int { return s.values * max(1, s.levels) }

// reader makes a document into the library's values. The document was scanned before.
type reader struct {
	b     []byte
	i     int
	text  []byte // scratch for strings with escapes
	tamed []byte // the first number that is not the document's own
}

func (r *reader) read() any {
	r.space()
	switch c := r.b[r.i]; c {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return r.str()
	case 't':
		r.i += 4
		return true
	case 'f':
		r.i += 5
		return false
	case 'n':
		r.i += 4
		return nil
	default:
		start := r.i
		r.i = numberEnd(r.b, r.i)
		text, changed := tame(r.b[start:r.i])
		if changed && r.tamed == nil {
			r.tamed = r.b[start:r.i]
		}
		return json.Number(text)
	}
}

func (r *reader) open() {
	r.i++
	r.space()
}

func (r *reader) object() map[string]any {
	m := map[string]any{}
	r.open()
	for r.b[r.i] != '}' {
		key := r.str()
		r.space()
		r.i++ // the colon
		m[key] = r.read()
		if r.space(); r.b[r.i] == ',' {
			r.i++
			r.space()
		}
	}
	r.i++
	return m
}

func (r *reader) array() []any {
	a := []any{}
	r.open()
	for r.b[r.i] != ']' {
		a = append(a, r.read())
		if r.space(); r.b[r.i] == ',' {
			r.i++
			r.space()
		}
	}
	r.i++
	return a
}

func (r *reader) str() string {
	start := r.i + 1
	end, escaped := stringEnd(r.b, start)
	r.i = end + 1
	if !escaped {
		return string(r.b[start:end])
	}
	r.text = jsonscan.AppendText(r.text[:0], r.b[start:end])
	return string(r.text)
}

func (r *reader) space() { r.i = space(r.b, r.i) }

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// numberEnd returns the index after the number at i.
func numberEnd(b []byte, i int) int {
	for i < len(b) && (b[i]-'0' <= 9 || b[i] == '-' || b[i] == '+' || b[i] == '.' || b[i]|0x20 == 'e') {
		i++
	}
	return i
}

// find returns the raw text of the value that a path leads to; of duplicate keys it takes the last. It returns nil if there is none.
func find(doc []byte, path []string) []byte {
	var s jsonscan.Scanner
	for _, token := range path {
		doc = doc[space(doc, 0):]
		if len(doc) == 0 {
			return nil
		}
		var next []byte
		switch doc[0] {
		case '{':
			fields, err := s.Object(doc, nil)
			if err != nil {
				return nil
			}
			for _, f := range fields {
				if fieldName(f) == token {
					next = f.Value
				}
			}
		case '[':
			n, err := strconv.Atoi(token)
			if err != nil {
				return nil
			}
			next = element(doc, n)
		}
		if next == nil {
			return nil
		}
		doc = next
	}
	return doc
}

// fieldName is a field's key as the library has it.
func fieldName(f row.Field) string {
	if f.Flags&row.HostileKey != 0 {
		return string(jsonscan.AppendText(nil, f.Name))
	}
	return string(f.Name)
}

// element returns element n of an array.
func element(b []byte, n int) []byte {
	for i := space(b, 1); i < len(b) && b[i] != ']'; n-- {
		end := valueEnd(b, i)
		if n == 0 {
			return b[i:end]
		}
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return nil
}
