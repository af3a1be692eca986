package step

import "slices"

// Hint is what is known of the values of a top-level key.
type Hint struct {
	Key  string
	Type string // SQL: NUMBER(10,2); may be empty
	// Before is the index of the hint that was known of the key before the steps, or -1: the type is a cast's.
	Before int
}

// Hints returns what is known of top-level keys after the steps: what casts made of them, in the order of the casts, after what
// was known before and still holds. A column that does not exist yet is to be of its key's type.
func (p *Program) Hints(before []Hint) (hints []Hint) {
	steps := p.steps
	for i, h := range before {
		h.Before = i
		hints = append(hints, h)
	}
	forget := func(key string) {
		hints = slices.DeleteFunc(hints, func(h Hint) bool { return h.Key == key })
	}
	top := func(p *path) (string, bool) { return p.segs[0].key, len(p.segs) == 1 }
	for i := range steps {
		switch s := steps[i].do.(type) {
		case *edits:
			for k := range s.paths {
				key, ok := top(&s.paths[k])
				if !ok {
					continue
				}
				forget(key)
				if c, isCast := s.editors[min(k, len(s.editors)-1)].(*caster); isCast && steps[i].onError != Keep {
					hints = append(hints, Hint{key, c.text, -1})
				}
			}
		case *set:
			for k := range s.paths {
				if key, ok := top(&s.paths[k]); ok {
					forget(key)
				}
			}
		case *drop:
			for k := range s.paths {
				if key, ok := top(&s.paths[k]); ok {
					forget(key)
				}
			}
		case *keep:
			hints = slices.DeleteFunc(hints, func(h Hint) bool {
				return !slices.ContainsFunc(s.tree.keys, func(t twig) bool { return t.key == h.Key })
			})
		case *rename:
			for k := range s.moves {
				from, okFrom := top(&s.moves[k].from)
				to, okTo := top(&s.moves[k].to)
				at := slices.IndexFunc(hints, func(h Hint) bool { return h.Key == from })
				moved := Hint{Key: to}
				if okFrom && okTo && at >= 0 {
					moved.Type, moved.Before = hints[at].Type, hints[at].Before
				}
				if okFrom {
					forget(from)
				}
				if okTo {
					forget(to) // of what was there before: another value comes there
				}
				if okFrom && okTo && at >= 0 {
					hints = append(hints, moved)
				}
			}
		case *flatten:
			if len(s.keys) == 0 {
				hints = slices.DeleteFunc(hints, func(h Hint) bool { return h.Type == "" || h.Type == "VARIANT" || h.Type == "OBJECT" })
			}
			for _, key := range s.keys {
				forget(key)
			}
		case *unnest:
			if key, ok := top(&s.path); ok {
				forget(key)
			}
			if key, ok := top(&s.as); ok {
				forget(key)
			}
			if s.index != nil {
				if key, ok := top(s.index); ok {
					forget(key)
				}
			}
		}
	}
	return hints
}
