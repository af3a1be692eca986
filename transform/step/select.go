package step

import (
	"slices"

	"kinesis-snowflake/internal/row"
)

// drop takes away what its paths name.
type drop struct{ paths []path }

func (d *drop) run(x *Runner, _ *compiled) (bool, error) {
	for i := range d.paths {
		if err := x.apply(&d.paths[i], remover{}, Fail); err != nil {
			return false, err
		}
	}
	return true, nil
}

// remover takes away whatever there is.
type remover struct{}

func (remover) edit(_ *Runner, dst, _ []byte) ([]byte, action, error) { return dst, gone, nil }

// taker takes away one value, which begins at a byte, and leaves others of its key.
type taker struct{ at *byte }

func (t taker) edit(_ *Runner, dst, v []byte) ([]byte, action, error) {
	if &v[0] != t.at {
		return dst, same, nil
	}
	return dst, gone, nil
}

// take takes away the value that find returns.
func (x *Runner) take(p *path) error {
	v := find(x.row.Fields, p)
	if v == nil {
		return nil
	}
	return x.apply(p, taker{&v[0]}, Fail)
}

// keep takes away what no path of it names.
type keep struct{ tree *branch }

// branch is what is kept of an object or an array.
type branch struct {
	whole    bool
	keys     []twig
	elements *branch
}

type twig struct {
	key string
	*branch
}

// add notes a path.
func (b *branch) add(segs []seg) {
	for i := range segs {
		s := &segs[i]
		if s.kind == isAll {
			if b.elements == nil {
				b.elements = &branch{}
			}
			b = b.elements
			continue
		}
		n := slices.IndexFunc(b.keys, func(t twig) bool { return t.key == s.key })
		if n < 0 {
			n = len(b.keys)
			b.keys = append(b.keys, twig{s.key, &branch{}})
		}
		b = b.keys[n].branch
	}
	b.whole = true
}

func (k *keep) run(x *Runner, _ *compiled) (bool, error) {
	fields := x.row.Fields
	n := 0
	for i := range fields {
		f := &fields[i]
		b := k.tree.below(f)
		if b == nil {
			continue
		}
		if !b.whole {
			start := len(x.buf)
			out, act := b.trim(x.buf, f.Value)
			if act == gone {
				continue
			}
			if x.buf = out; len(out) > maxBuf {
				return false, errGrown
			}
			if err := x.setValue(f, out[start:len(out):len(out)]); err != nil {
				return false, err
			}
		}
		if n != i {
			fields[n] = *f
		}
		n++
	}
	x.row.Fields = fields[:n]
	return true, nil
}

func (b *branch) below(f *row.Field) *branch {
	for i := range b.keys {
		if named(f, b.keys[i].key) {
			return b.keys[i].branch
		}
	}
	return nil
}

// trim appends what is kept of v. It is gone if that is nothing because v is of another kind.
func (b *branch) trim(dst, v []byte) ([]byte, action) {
	start := len(dst)
	switch {
	case b.whole:
		return append(dst, v...), changed
	case v[0] == '{' && b.keys != nil:
		dst = append(dst, '{')
		for w := walk(v); ; {
			key, value, ok := w.member()
			if !ok {
				break
			}
			for i := range b.keys {
				if !spells(key, b.keys[i].key) {
					continue
				}
				mark := len(dst)
				if mark > start+1 {
					dst = append(dst, ',')
				}
				dst = append(append(append(dst, '"'), key...), '"', ':')
				var act action
				if dst, act = b.keys[i].trim(dst, value); act == gone {
					dst = dst[:mark]
				}
				break
			}
		}
		return append(dst, '}'), changed
	case v[0] == '[' && b.elements != nil:
		dst = append(dst, '[')
		for w := walk(v); ; {
			value, ok := w.element()
			if !ok {
				break
			}
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			var act action
			if dst, act = b.elements.trim(dst, value); act == gone {
				dst = dst[:mark]
			}
		}
		return append(dst, ']'), changed
	}
	return dst, gone
}
