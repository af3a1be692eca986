package step

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// action is what an editor did with a value.
type action uint8

const (
	same    action = iota // nothing; nothing was appended
	changed               // the new value was appended
	gone                  // it is to be taken away; nothing was appended
)

// editor changes one value.
type editor interface {
	// edit appends what v becomes to dst. It may use the Runner's tmp, but not its buf.
	edit(x *Runner, dst, v []byte) ([]byte, action, error)
}

// apply has an editor change every value at a path. What it does not name keeps its bytes.
func (x *Runner) apply(p *path, e editor, onError OnError) error {
	fields := x.row.Fields
	n := 0
	for i := range fields {
		f := &fields[i]
		if named(f, p.segs[0].key) {
			start := len(x.buf)
			out, act, err := x.rewrite(x.buf, f.Value, p.segs[1:], e, onError)
			if err != nil {
				return &pathError{p.text, err}
			}
			switch act {
			case gone:
				continue
			case changed:
				x.buf = out
				if err := x.setValue(f, out[start:len(out):len(out)]); err != nil {
					return &pathError{p.text, err}
				}
			}
		}
		if n != i {
			fields[n] = *f
		}
		n++
	}
	x.row.Fields = fields[:n]
	return nil
}

// rewrite appends v with the values below it, at segs, changed by e.
func (x *Runner) rewrite(dst, v []byte, segs []seg, e editor, onError OnError) ([]byte, action, error) {
	start := len(dst)
	if len(segs) == 0 {
		out, act, err := e.edit(x, dst, v)
		switch {
		case len(out) > maxBuf:
			return dst, same, errGrown // of all values, and no fault of this one
		case err == nil:
			return out, act, nil
		case onError == Keep:
			return dst[:start], same, nil
		case onError == Null:
			return append(dst[:start], null...), changed, nil
		}
		return dst, same, err
	}
	s := &segs[0]
	any := false
	switch {
	case s.kind == isKey && v[0] == '{':
		dst = append(dst, '{')
		for w := walk(v); ; {
			key, value, ok := w.member()
			if !ok {
				break
			}
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, '"'), key...), '"', ':')
			act := same
			if spells(key, s.key) {
				var err error
				if dst, act, err = x.rewrite(dst, value, segs[1:], e, onError); err != nil {
					return dst, same, err
				}
				any = any || act != same
			}
			switch act {
			case same:
				dst = append(dst, value...)
			case gone:
				dst = dst[:mark]
			}
		}
		dst = append(dst, '}')
	case s.kind != isKey && v[0] == '[':
		n := s.index
		if s.kind == isIndex && n < 0 {
			n += count(v)
		}
		dst = append(dst, '[')
		w := walk(v)
		for i := 0; ; i++ {
			value, ok := w.element()
			if !ok {
				break
			}
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			act := same
			if s.kind == isAll || i == n {
				var err error
				if dst, act, err = x.rewrite(dst, value, segs[1:], e, onError); err != nil {
					return dst, same, err
				}
				any = any || act != same
			}
			switch act {
			case same:
				dst = append(dst, value...)
			case gone:
				dst = dst[:mark]
			}
		}
		dst = append(dst, ']')
	}
	if !any {
		return dst[:start], same, nil
	}
	return dst, changed, nil
}

// put sets the value at a path, making the objects that lead there. Of a top-level key that the row has twice it sets the last. With
// onlyMissing it leaves a value alone that is there and not null.
func (x *Runner) put(p *path, value []byte, onlyMissing bool) error {
	fields := x.row.Fields
	for i := len(fields) - 1; i >= 0; i-- {
		f := &fields[i]
		if !named(f, p.segs[0].key) {
			continue
		}
		return x.putInto(f, p, value, onlyMissing)
	}
	return x.add(p, value)
}

// putAll is put, but sets what is under each of the top-level keys of the path's name. It fails only as put would.
func (x *Runner) putAll(p *path, value []byte) error {
	last := -1
	for i := range x.row.Fields {
		if f := &x.row.Fields[i]; named(f, p.segs[0].key) {
			if last >= 0 {
				_ = x.putInto(&x.row.Fields[last], p, value, false)
			}
			last = i
		}
	}
	if last < 0 {
		return x.add(p, value)
	}
	return x.putInto(&x.row.Fields[last], p, value, false)
}

func (x *Runner) putInto(f *row.Field, p *path, value []byte, onlyMissing bool) error {
	start := len(x.buf)
	out, act, err := x.place(x.buf, f.Value, p.segs[1:], value, onlyMissing)
	if err == nil && act == changed {
		if len(out) > maxBuf {
			return &pathError{p.text, errGrown}
		}
		x.buf = out
		err = x.setValue(f, out[start:len(out):len(out)])
	}
	if err != nil {
		return &pathError{p.text, err}
	}
	return nil
}

// add appends a top-level field with the value at a path within it. A list that is not there has no elements to put it in.
func (x *Runner) add(p *path, value []byte) error {
	if p.many() {
		return nil
	}
	start := len(x.buf)
	out, err := create(x.buf, p.segs[1:], value)
	f := row.Field{Key: row.NoKey, Name: p.name}
	if err == nil {
		x.buf = out
		err = x.setValue(&f, out[start:len(out):len(out)])
	}
	if err != nil {
		return &pathError{p.text, err}
	}
	x.row.Fields = append(x.row.Fields, f)
	return nil
}

// create appends a value within the objects that lead to it.
func create(dst []byte, segs []seg, value []byte) ([]byte, error) {
	for i := range segs {
		if segs[i].kind != isKey {
			return dst, errors.New("leads into an array that is not there")
		}
		dst = append(dst, '{')
		dst = append(appendQuoted(dst, []byte(segs[i].key)), ':')
	}
	dst = append(dst, value...)
	for range segs {
		dst = append(dst, '}')
	}
	return dst, nil
}

func (x *Runner) place(dst, v []byte, segs []seg, value []byte, onlyMissing bool) ([]byte, action, error) {
	if len(segs) == 0 {
		if onlyMissing && !isNull(v) {
			return dst, same, nil
		}
		return append(dst, value...), changed, nil
	}
	s := &segs[0]
	if isNull(v) && anyAll(segs) {
		return dst, same, nil
	}
	if isNull(v) && s.kind == isKey {
		dst, err := create(dst, segs, value)
		return dst, changed, err
	}
	if s.kind == isKey && v[0] != '{' || s.kind != isKey && v[0] != '[' {
		return dst, same, fmt.Errorf("leads through %s", kindNames[jsonscan.KindOf(v)])
	}
	start := len(dst)
	if s.kind == isKey {
		if dig(v, segs[:1]) == nil {
			if anyAll(segs[1:]) {
				return dst, same, nil
			}
			end := len(v) - 1
			for end > 0 && v[end-1] <= ' ' {
				end--
			}
			dst = append(dst, v[:end]...)
			if dst[len(dst)-1] != '{' || end > 1 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, []byte(s.key)), ':')
			dst, err := create(dst, segs[1:], value)
			return append(dst, '}'), changed, err
		}
	} else if s.kind == isIndex {
		if n, have := s.index, count(v); n >= have || n < -have {
			return dst, same, fmt.Errorf("leads to element %d of an array of %d", n, have)
		}
	}
	// The rest of the way is there: go on below each value that this level names.
	p := placer{segs[1:], value, onlyMissing}
	dst, act, err := x.rewrite(dst, v, segs[:1], &p, Fail)
	if act == same {
		dst = dst[:start]
	}
	return dst, act, err
}

// placer is the editor by which place goes down one level.
type placer struct {
	segs        []seg
	value       []byte
	onlyMissing bool
}

func (p *placer) edit(x *Runner, dst, v []byte) ([]byte, action, error) {
	return x.place(dst, v, p.segs, p.value, p.onlyMissing)
}
