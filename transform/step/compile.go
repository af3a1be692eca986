package step

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Error is a fault of one step of a list.
type Error struct {
	Step    int // from 1
	Name    string
	At      Text   // what is at fault
	Problem string // says what is wrong, so that it follows the text: "is no type"
	Allowed string // what may stand there instead; may be empty
}

func (e *Error) Error() string {
	text := fmt.Sprintf("step %d, %s: %q %s", e.Step, e.Name, e.At.Value, e.Problem)
	if e.Allowed != "" {
		text += "; allowed: " + e.Allowed
	}
	return text
}

// Errors are all faults of a list of steps.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Program is a list of steps, ready to run. It is safe for concurrent use.
type Program struct {
	steps    []compiled
	reads    [][]path // by step
	multi    bool
	filtered atomic.Uint64
}

// Compile checks steps and makes them ready. Its error is an [Errors] with every fault. Without steps the Program is nil.
func Compile(steps []Config) (*Program, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	p := &Program{}
	var faults Errors
	for i := range steps {
		c := compiler{config: &steps[i], number: i + 1}
		do := c.step()
		faults = append(faults, c.faults...)
		p.steps = append(p.steps, compiled{name: steps[i].Name, number: i + 1, onError: orElse(steps[i].OnError, Fail), do: do})
		p.multi = p.multi || steps[i].Name == NameUnnest
	}
	if len(faults) > 0 {
		return nil, faults
	}
	for i := range steps {
		p.reads = append(p.reads, reads(&steps[i], p.steps[i].do))
	}
	return p, nil
}

// Runner returns a Runner of its own for one goroutine.
func (p *Program) Runner() *Runner { return &Runner{p: p} }

// Multi reports whether one document may become several rows.
func (p *Program) Multi() bool { return p.multi }

// Filtered is how many rows were left out since the start: by a filter, or for want of elements to unnest.
func (p *Program) Filtered() uint64 { return p.filtered.Load() }

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// compiler makes one step ready.
type compiler struct {
	config *Config
	number int
	faults Errors
}

func (c *compiler) fault(at Text, problem, allowed string) {
	c.faults = append(c.faults, &Error{Step: c.number, Name: c.config.Name, At: at, Problem: problem, Allowed: allowed})
}

const allowedPath = `a path such as user.address.city, items[0].sku, items[*].sku or "odd key".name`

func (c *compiler) path(t Text) path {
	p, err := parsePath(t.Value)
	if err != nil {
		c.fault(t, "is no path: it "+err.Error(), allowedPath)
	}
	return p
}

// one is a path that leads to one value.
func (c *compiler) one(t Text) path {
	p := c.path(t)
	if p.many() {
		c.fault(t, "may lead to several values, where one is needed", "a path without [*]")
	}
	return p
}

func (c *compiler) paths() (all []path) {
	for _, t := range c.config.Paths {
		all = append(all, c.path(t))
	}
	if len(all) == 0 && c.config.Name != NameFlatten {
		c.fault(c.config.At, "names no path", allowedPath)
	}
	return all
}

func (c *compiler) step() doer {
	s := c.config
	switch s.OnError {
	case "", Fail, Keep:
	case Null:
		if slices.Contains([]string{NameFilter, NameKeep, NameDrop, NameRename, NameFlatten, NameDefault}, s.Name) {
			c.fault(s.At, "has no value that could become null", "on_error: fail, keep")
		}
	default:
		c.fault(s.At, "has an on_error that there is not", "fail, null, keep")
	}
	switch s.Name {
	case NameFilter:
		return &filter{c.expression(s.Expression, true)}
	case NameKeep:
		return c.keep()
	case NameDrop:
		return &drop{c.paths()}
	case NameRename:
		return c.rename()
	case NameFlatten:
		return c.flatten()
	case NameUnnest:
		return c.unnest()
	case NameCast:
		return c.cast()
	case NameSet:
		return c.set()
	case NameDefault:
		return c.fallback()
	case NameParseJSON:
		return &edits{c.paths(), []editor{reader{}}}
	case NameHash:
		h := &hasher{}
		if s.Secret != nil {
			h.key = []byte(s.Secret.Reveal())
		}
		return &edits{c.paths(), []editor{h}}
	}
	c.fault(s.At, "is no step", "")
	return nil
}

func (c *compiler) expression(t Text, condition bool) *expression {
	e, err := compileExpression(t.Value, condition)
	if err != nil {
		c.fault(t, err.Error(), "")
	}
	return e
}

func (c *compiler) pairs() []Pair {
	if len(c.config.Pairs) == 0 {
		c.fault(c.config.At, "names no path", allowedPath)
	}
	return c.config.Pairs
}

func (c *compiler) keep() doer {
	k := &keep{&branch{}}
	for i, p := range c.paths() {
		if slices.ContainsFunc(p.segs, func(s seg) bool { return s.kind == isIndex }) {
			c.fault(c.config.Paths[i], "names one element of a list, where keep needs keys and [*]", "items[*].sku")
			continue
		}
		k.tree.add(p.segs)
	}
	return k
}

func (c *compiler) rename() doer {
	r := &rename{}
	for _, pair := range c.pairs() {
		m := move{from: c.path(pair.Path), to: c.path(pair.To)}
		if m.from.segs == nil || m.to.segs == nil {
			continue
		}
		if m.inPlace = m.sameWay(); !m.inPlace {
			n := min(len(m.from.segs), len(m.to.segs))
			switch {
			case m.from.many() || m.to.many():
				c.fault(pair.To, "leads elsewhere than the old path, which is possible only without [*]", "a path that differs from the old one in its last key")
			case samePath(m.from.segs[:n], m.to.segs[:n]):
				c.fault(pair.To, "leads through the old path, or the old path through it", "a path beside the old one")
			}
		} else if samePath(m.from.segs, m.to.segs) {
			c.fault(pair.To, "is the old path", "another path")
		}
		r.moves = append(r.moves, m)
	}
	return r
}

func (c *compiler) flatten() doer {
	f := &flatten{separator: []byte(orElse(c.config.Separator, "_")), depth: orElse(c.config.Depth, 1000)}
	for i, p := range c.paths() {
		if len(p.segs) != 1 {
			c.fault(c.config.Paths[i], "is not at the top level; its members would have to be lifted through what is around it", "a key; flatten what is around it first, or set a key to it")
			continue
		}
		f.keys = append(f.keys, p.segs[0].key)
	}
	return f
}

func (c *compiler) unnest() doer {
	s := c.config
	if len(s.Paths) != 1 {
		c.fault(s.At, "names not one path", allowedPath)
		return nil
	}
	u := &unnest{path: c.one(s.Paths[0]), empty: orElse(s.Empty, EmptyRow)}
	if u.as = u.path; s.As.Value != "" {
		u.as = c.one(s.As)
	}
	u.inPlace = len(u.path.segs) == 1 && len(u.as.segs) == 1
	if s.Index.Value != "" {
		index := c.one(s.Index)
		u.index = &index
	}
	return u
}

func (c *compiler) cast() doer {
	e := &edits{}
	for _, pair := range c.pairs() {
		t, err := parseType(pair.To.Value)
		if err != nil {
			c.fault(pair.To, err.Error(), allowedTypes)
		}
		k := &caster{typ: t}
		if from := pair.From.Value; from != "" && err == nil {
			if k.unit = units[strings.ToLower(from)]; k.unit == 0 {
				if k.layout, err = parseLayout(from); err == nil {
					err = covers(k.layout, t.base)
				}
			}
			switch {
			case !t.isTime():
				c.fault(pair.From, "says how a time is written, where the type is none", "no from beside "+t.text)
			case err != nil:
				c.fault(pair.From, err.Error(), allowedForms)
			}
		}
		e.paths, e.editors = append(e.paths, c.path(pair.Path)), append(e.editors, k)
	}
	return e
}

func (c *compiler) set() doer {
	s := &set{}
	for _, pair := range c.pairs() {
		s.paths = append(s.paths, c.path(pair.Path))
		s.exprs = append(s.exprs, c.expression(pair.To, false))
	}
	return s
}

func (c *compiler) fallback() doer {
	d := &fallback{}
	for _, pair := range c.pairs() {
		var s scanner
		if _, _, err := s.Value([]byte(pair.To.Value)); err != nil {
			c.fault(pair.To, "is no value: "+err.Error(), "a value of JSON")
		}
		d.paths = append(d.paths, c.path(pair.Path))
		d.values = append(d.values, []byte(pair.To.Value))
	}
	return d
}
