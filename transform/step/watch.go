package step

import (
	"strconv"
	"strings"

	"kinesis-snowflake/internal/row"
)

// Unmet is a path that a step names, or a name of its expression, that led to nothing in every row that came to the step.
type Unmet struct {
	Step int // from 1
	Name string
	Path string
	Rows int // that came to it
}

// Watch knows which paths of a Program's steps led to something. It is for one Runner at a time.
type Watch struct{ steps []*watcher }

// Watched returns the same steps once more, which note what their paths lead to. That costs a look at each path for each row,
// so it is for a sample. Both are nil if p is.
func (p *Program) Watched() (*Program, *Watch) {
	if p == nil {
		return nil, nil
	}
	out, w := &Program{multi: p.multi, reads: p.reads}, &Watch{}
	for i := range p.steps {
		look := &watcher{step: p.steps[i].number, name: p.steps[i].name, paths: p.reads[i], met: make([]bool, len(p.reads[i]))}
		w.steps = append(w.steps, look)
		out.steps = append(out.steps, compiled{name: look.name, number: look.step, do: look}, p.steps[i])
	}
	return out, w
}

// Unmet lists paths in the order of the steps. A step that no row came to has none.
func (w *Watch) Unmet() (all []Unmet) {
	if w == nil {
		return nil
	}
	for _, s := range w.steps {
		for i, p := range s.paths {
			if !s.met[i] && s.rows > 0 {
				all = append(all, Unmet{Step: s.step, Name: s.name, Path: p.String(), Rows: s.rows})
			}
		}
	}
	return all
}

// watcher is a step before another one, which changes nothing.
type watcher struct {
	step  int
	name  string
	paths []path
	met   []bool
	rows  int
}

func (w *watcher) run(x *Runner, _ *compiled) (bool, error) {
	w.rows++
	for i := range w.paths {
		w.met[i] = w.met[i] || met(x.row.Fields, w.paths[i].segs)
	}
	return true, nil
}

func met(fields []row.Field, segs []seg) bool {
	for i := range fields {
		if f := &fields[i]; named(f, segs[0].key) && below(f.Value, segs[1:]) {
			return true
		}
	}
	return false
}

// below reports whether segs lead from v to a value, null among them.
func below(v []byte, segs []seg) bool {
	if len(segs) == 0 {
		return true
	}
	switch s := &segs[0]; {
	case s.kind == isKey && v[0] == '{':
		for w := walk(v); ; {
			key, value, ok := w.member()
			if !ok {
				return false
			}
			if spells(key, s.key) && below(value, segs[1:]) {
				return true
			}
		}
	case s.kind == isIndex && v[0] == '[':
		value := dig(v, segs[:1])
		return value != nil && below(value, segs[1:])
	case s.kind == isAll && v[0] == '[':
		for w := walk(v); ; {
			value, ok := w.element()
			if !ok {
				return false
			}
			if below(value, segs[1:]) {
				return true
			}
		}
	}
	return false
}

// reads are the paths by which a step finds something, not those that it makes.
func reads(s *Config, do doer) (all []path) {
	switch s.Name {
	case NameFilter:
		return do.(*filter).expr.read()
	case NameSet:
		for _, e := range do.(*set).exprs {
			all = append(all, e.read()...)
		}
		return all
	case NameCast, NameDefault, NameRename:
		for _, pair := range s.Pairs {
			all = appendPath(all, pair.Path)
		}
	default:
		for _, t := range s.Paths {
			all = appendPath(all, t)
		}
	}
	return all
}

func appendPath(all []path, t Text) []path {
	p, err := parsePath(t.Value)
	if err != nil {
		return all // told before
	}
	return append(all, p)
}

// read are the paths of an expression, but for those on the way to others.
func (e *expression) read() (all []path) {
	for i := range e.paths {
		onTheWay := false
		for j := range e.paths {
			a, b := e.paths[i].segs, e.paths[j].segs
			onTheWay = onTheWay || len(a) < len(b) && samePath(a, b[:len(a)])
		}
		if !onTheWay {
			all = append(all, e.paths[i])
		}
	}
	return all
}

// String is the path as it was written, or as it could be.
func (p *path) String() string {
	if p.text != "" {
		return p.text
	}
	var b strings.Builder
	for i, s := range p.segs {
		switch {
		case s.kind == isAll:
			b.WriteString("[*]")
		case s.kind == isIndex:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			if again, err := parsePath(s.key); err == nil && len(again.segs) == 1 {
				b.WriteString(s.key)
			} else {
				b.Write(appendQuoted(nil, []byte(s.key)))
			}
		}
	}
	return b.String()
}
