package step

import "slices"

// Hint is a type that a cast gave to a top-level key.
type Hint struct {
	Key  string
	Type string // SQL: NUMBER(10,2)
}

// hintsOf follows the casts' types through the steps after them.
func hintsOf(steps []compiled) (hints []Hint) {
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
					hints = append(hints, Hint{key, c.text})
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
				switch {
				case okFrom && okTo && at >= 0:
					h := Hint{to, hints[at].Type}
					forget(to)
					forget(from)
					hints = append(hints, h)
				case okFrom:
					forget(from)
				}
			}
		case *unnest:
			if key, ok := top(&s.path); ok {
				forget(key)
			}
			if key, ok := top(&s.as); ok {
				forget(key)
			}
		}
	}
	return hints
}
