package step

import (
	"bytes"
	"errors"
)

// rename gives values other places.
type rename struct{ moves []move }

type move struct {
	from, to path
	// inPlace: only the key changes, at the end of the same way; a value stands where it stood, and there may be many.
	inPlace bool
}

func (m *move) sameWay() bool {
	a, b := m.from.segs, m.to.segs
	if len(a) != len(b) || a[len(a)-1].kind != isKey || b[len(b)-1].kind != isKey {
		return false
	}
	for i := range a[:len(a)-1] {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (r *rename) run(x *Runner, st *compiled) (bool, error) {
	for i := range r.moves {
		m := &r.moves[i]
		if err := m.run(x, st.onError); err != nil && st.onError == Fail {
			return false, err
		}
	}
	return true, nil
}

func (m *move) run(x *Runner, onError OnError) error {
	last := len(m.from.segs) - 1
	switch {
	case m.inPlace && last == 0:
		for i := range x.row.Fields {
			if f := &x.row.Fields[i]; named(f, m.from.segs[0].key) {
				f.Name = m.to.name
			}
		}
		return nil
	case m.inPlace:
		way := m.from
		way.segs = way.segs[:last]
		return x.apply(&way, &rekey{m.from.segs[last].key, m.to.segs[last].key}, onError)
	}
	v := find(x.row.Fields, &m.from)
	if v == nil {
		return nil
	}
	if there := find(x.row.Fields, &m.to); there != nil && !isNull(there) {
		return &pathError{m.to.text, errThere}
	}
	// First the new place, so that a failure changes nothing.
	if err := x.put(&m.to, v, false); err != nil {
		return err
	}
	if !bytes.Equal(find(x.row.Fields, &m.from), v) {
		return &pathError{m.to.text, errThrough}
	}
	return x.take(&m.from)
}

// errThrough is for indexes that turn out to be one, from the start and from the end of a list.
var errThrough = errors.New("leads through the old path")

var errThere = errors.New("has a value already, which a rename would overwrite")

// rekey is an editor of objects: it gives members another key.
type rekey struct{ from, to string }

func (r *rekey) edit(_ *Runner, dst, v []byte) ([]byte, action, error) {
	if v[0] != '{' {
		return dst, same, nil
	}
	if dig(v, []seg{{key: r.to}}) != nil && dig(v, []seg{{key: r.from}}) != nil {
		return dst, same, errThere
	}
	start, any := len(dst), false
	dst = append(dst, '{')
	for w := walk(v); ; {
		key, value, ok := w.member()
		if !ok {
			break
		}
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		if spells(key, r.from) {
			any = true
			dst = appendQuoted(dst, []byte(r.to))
		} else {
			dst = append(append(append(dst, '"'), key...), '"')
		}
		dst = append(append(dst, ':'), value...)
	}
	if !any {
		return dst[:start], same, nil
	}
	return append(dst, '}'), changed, nil
}
