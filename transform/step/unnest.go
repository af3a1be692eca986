package step

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

// unnest makes a row of each element of an array.
type unnest struct {
	path  path
	as    path
	index *path // nil: not kept
	empty Empty
	// inPlace: the element takes the place of the array, a top-level field.
	inPlace bool
}

func (u *unnest) run(*Runner, *compiled) (bool, error) { panic("step: unnest runs by spread") }

// spread takes a row for each element through the steps after the i-th. It reports false if the row goes on as it is.
func (u *unnest) spread(x *Runner, st *compiled, i int, s share) (done bool, err error) {
	v := find(x.row.Fields, &u.path)
	if v == nil || isNull(v) {
		return u.none(x), nil
	}
	n, problem := 0, error(nil)
	if v[0] != '[' {
		problem = fmt.Errorf("is %s, not an array", kindNames[jsonscan.KindOf(v)])
	} else if n = count(v); n > s.rows {
		problem = fmt.Errorf("has too many elements: %d; a document becomes at most %d rows", n, maxRows)
	} else if n > 0 && (size(x.row.Fields)-len(v))*n+len(v) > s.bytes {
		problem = errors.New("would make rows of more than 256 MiB together; drop what they need not repeat before")
	}
	switch {
	case problem != nil && st.onError == Fail:
		x.refuse(st, &pathError{u.path.text, problem})
		return true, nil
	case problem != nil && st.onError == Null:
		// It is there, so nothing stands in the way of a null.
		return false, x.put(&u.path, null, false)
	case problem != nil: // on_error: keep
		return false, nil //nolint:nilerr // the value stays as it is
	case n == 0:
		if u.none(x) {
			return true, nil
		}
		return false, x.take(&u.path)
	}
	if len(x.saved) == s.depth {
		x.saved = append(x.saved, nil)
	}
	first := x.saved[s.depth]
	first = append(first[:0], x.row.Fields...)
	if !u.inPlace {
		if err := x.take(&u.path); err != nil {
			x.refuse(st, err)
			return true, nil
		}
		first = append(first[:0], x.row.Fields...)
	}
	x.saved[s.depth] = first
	inner := share{rows: s.rows / n, bytes: s.bytes / n, depth: s.depth + 1}
	mark := len(x.buf)
	for w, k := walk(v), 0; ; k++ {
		element, ok := w.element()
		if !ok {
			return true, nil
		}
		x.buf = x.buf[:mark]
		x.row.Fields = append(x.row.Fields[:0], first...)
		if err := u.place(x, element, k); err != nil {
			x.refuse(st, err)
			continue
		}
		if err := x.from(i+1, inner); err != nil {
			return true, err
		}
	}
}

// none reports that a record without elements is left out, if it is.
func (u *unnest) none(x *Runner) bool {
	if u.empty != EmptyNone {
		return false
	}
	x.p.filtered.Add(1)
	x.index++
	return true
}

func (u *unnest) place(x *Runner, element []byte, k int) error {
	if err := u.placeElement(x, element); err != nil || u.index == nil {
		return err
	}
	start := len(x.buf)
	x.buf = strconv.AppendInt(x.buf, int64(k), 10)
	return x.putBeside(u.index, slices.Clip(x.buf[start:]))
}

func (u *unnest) placeElement(x *Runner, element []byte) error {
	if !u.inPlace {
		return x.putBeside(&u.as, element)
	}
	fields := x.row.Fields
	i := len(fields) - 1
	for !named(&fields[i], u.path.segs[0].key) {
		i--
	}
	if u.as.segs[0].key != u.path.segs[0].key && find(fields, &u.as) != nil {
		x.row.Fields = slices.Delete(fields, i, i+1)
		return x.putBeside(&u.as, element)
	}
	if err := x.setValue(&fields[i], element); err != nil {
		return &pathError{u.path.text, err}
	}
	fields[i].Name = u.as.name
	return nil
}

// putBeside is put, but for a top-level value that is there already: that stays in front, as a duplicate key, so that the new one is loaded
// and the old one not lost.
func (x *Runner) putBeside(p *path, value []byte) error {
	if len(p.segs) == 1 {
		if there := find(x.row.Fields, p); there != nil && !isNull(there) {
			return x.add(p, value)
		}
	}
	return x.put(p, value, false)
}

func size(fields []row.Field) (n int) {
	for i := range fields {
		n += len(fields[i].Name) + len(fields[i].Value)
	}
	return n
}
