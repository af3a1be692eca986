package table

import (
	"bytes"
	"strconv"

	"kinesis-snowflake/internal/row"
)

// linearNames is the number of names in one _RESCUED object up to which a new one is compared with each.
const linearNames = 16

// What one unusual row needed beyond these is given back, since there is a rescuer for each open load file.
const (
	keepBytes = 1 << 20
	keepNames = 4096
)

// rescuer builds the _RESCUED object of one row.
type rescuer struct {
	text  []byte
	names []span         // where in text the names stand, with their quotes; the first linearNames only
	next  map[string]int // name -> the suffix to try next; used from linearNames on
	count int
}

type span struct{ start, end int }

func (w *rescuer) reset() {
	if cap(w.text) > keepBytes {
		w.text = nil
	}
	if len(w.next) > keepNames {
		w.next = nil
	}
	w.text, w.names, w.count = w.text[:0], w.names[:0], 0
	clear(w.next)
}

// add appends a member; name is a JSON string. It returns how many numbers became strings.
func (w *rescuer) add(name []byte, f *row.Field) (replaced int) {
	w.open()
	start := len(w.text)
	w.text = append(w.text, name...)
	return w.finish(start, f)
}

// addKey appends a member under the field's own key.
func (w *rescuer) addKey(f *row.Field) (replaced int) {
	w.open()
	start := len(w.text)
	w.text = appendString(w.text, f.Name)
	return w.finish(start, f)
}

func (w *rescuer) open() {
	if w.count == 0 {
		w.text = append(w.text, '{')
	} else {
		w.text = append(w.text, ',')
	}
}

func (w *rescuer) finish(start int, f *row.Field) (replaced int) {
	w.unique(start)
	w.text = append(w.text, ':')
	w.text, replaced = appendRescued(w.text, f)
	return replaced
}

// unique gives the name that stands at the end of the text a suffix if the object has it already.
func (w *rescuer) unique(start int) {
	if !w.claim(start) {
		end, n, name := len(w.text)-1, 2, ""
		if w.count >= linearNames {
			name = string(w.text[start:])
			n = w.next[name]
		}
		for ; ; n++ {
			w.text = append(w.text[:end], '#')
			w.text = strconv.AppendInt(w.text, int64(n), 10)
			w.text = append(w.text, '"')
			if w.claim(start) {
				break
			}
		}
		if w.count >= linearNames {
			w.next[name] = n + 1
		}
	}
	w.count++
}

// claim takes the name that stands at the end of the text, and reports whether it was free.
func (w *rescuer) claim(start int) bool {
	name := w.text[start:]
	if w.count < linearNames {
		for _, s := range w.names {
			if bytes.Equal(w.text[s.start:s.end], name) {
				return false
			}
		}
		w.names = append(w.names, span{start, len(w.text)})
		return true
	}
	if w.next == nil {
		w.next = map[string]int{}
	}
	if len(w.next) == 0 {
		for _, s := range w.names {
			w.next[string(w.text[s.start:s.end])] = 2
		}
	}
	if _, taken := w.next[string(name)]; taken {
		return false
	}
	w.next[string(name)] = 2
	return true
}

// appendRescued appends a value for _RESCUED: what is no text for Snowflake as its JSON text, in a string; a number
// as it is only if every JSON parser reads it exactly.
func appendRescued(dst []byte, f *row.Field) (_ []byte, replaced int) {
	switch {
	case f.Flags&row.Hostile != 0:
		return appendString(dst, f.Value), 0
	case f.Kind == row.Object, f.Kind == row.Array:
		return appendContainer(dst, f.Value, f.Flags&row.WideNumber != 0)
	case (f.Kind == row.Int || f.Kind == row.Float) && !plainNumber(f.Value):
		dst = append(dst, '"')
		dst = append(dst, f.Value...)
		return append(dst, '"'), 1
	}
	return append(dst, f.Value...), 0
}
