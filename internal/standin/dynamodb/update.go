package dynamodb

import (
	"cmp"
	"slices"
)

func (t operandTerm) resolve(it Item) (Value, *Error) {
	v := t.o.value(it)
	if !v.exists() {
		return v, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

func (t arithmetic) resolve(it Item) (Value, *Error) {
	l, r, err := resolveBoth(t.l, t.r, it, KindN)
	if err != nil {
		return Value{}, err
	}
	x, y := mustNumber(l.Text), mustNumber(r.Text)
	if t.minus {
		y = y.neg()
	}
	sum, err := x.add(y)
	if err != nil {
		return Value{}, err
	}
	return N(sum.String()), nil
}

func (t ifNotExists) resolve(it Item) (Value, *Error) {
	if v := t.p.find(it); v.exists() {
		return v, nil
	}
	return t.fallback.resolve(it)
}

func (t listAppend) resolve(it Item) (Value, *Error) {
	l, r, err := resolveBoth(t.l, t.r, it, KindL)
	if err != nil {
		return Value{}, err
	}
	return Value{Kind: KindL, List: slices.Concat(l.List, r.List)}, nil
}

func resolveBoth(l, r term, it Item, want Kind) (x, y Value, err *Error) {
	if x, err = l.resolve(it); err != nil {
		return x, y, err
	}
	if y, err = r.resolve(it); err != nil {
		return x, y, err
	}
	if x.Kind != want || y.Kind != want {
		return x, y, invalid("An operand in the update expression has an incorrect data type")
	}
	return x, y, nil
}

// change is an action with its new value worked out: the value to put at path,
// or none to take path away.
type change struct {
	path  path
	value Value
}

// applyUpdate returns the item after the actions. All right-hand sides and all
// list indexes refer to the item as it was before.
func applyUpdate(before Item, actions []action) (Item, *Error) {
	changes := make([]change, 0, len(actions))
	for _, a := range actions {
		old := a.path.find(before)
		v, err := a.outcome(before, old)
		if err != nil {
			return nil, err
		}
		// A copy of another attribute must not share its containers: a reader
		// may be writing out the stored item without the lock.
		changes = append(changes, change{a.path, v.clone()})
	}
	after := before.clone()
	if after == nil {
		after = Item{}
	}
	// New elements of a list go to its end in the order of their indexes, so
	// the changes are put in that order; removals leave a gap that is closed
	// at the end.
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Compare(a.path[len(a.path)-1].index, b.path[len(b.path)-1].index)
	})
	root := Value{Kind: KindM, Map: after}
	for _, c := range changes {
		next, err := root.with(c.path, c.value)
		if err != nil {
			return nil, err
		}
		root = next
	}
	return root.Map.packed(), nil
}

// outcome is the value that the action leaves at its path.
func (a action) outcome(before Item, old Value) (Value, *Error) {
	mismatch := invalid("An operand in the update expression has an incorrect data type")
	if a.legacy {
		mismatch = invalid("Type mismatch for attribute to update")
	}
	switch a.verb {
	case "REMOVE":
		return Value{}, nil
	case "SET":
		return a.term.resolve(before)
	case "ADD":
		return a.added(old, mismatch)
	}
	if !old.exists() {
		return old, nil
	}
	if old.Kind != a.value.Kind {
		return old, mismatch
	}
	left := slices.DeleteFunc(slices.Clone(old.Set), func(m string) bool { return slices.Contains(a.value.Set, m) })
	if len(left) == 0 {
		return Value{}, nil // a set is never empty: the attribute goes
	}
	return Value{Kind: old.Kind, Set: left}, nil
}

func (a action) added(old Value, mismatch *Error) (Value, *Error) {
	switch {
	case !old.exists():
		return a.value, nil
	case old.Kind != a.value.Kind:
		return old, mismatch
	case old.Kind == KindN:
		sum, err := mustNumber(old.Text).add(mustNumber(a.value.Text))
		if err != nil {
			return old, err
		}
		return N(sum.String()), nil
	case old.Kind == KindL: // only the older AttributeUpdates add to lists
		return Value{Kind: KindL, List: slices.Concat(old.List, a.value.List)}, nil
	}
	set := slices.Clone(old.Set)
	for _, m := range a.value.Set {
		if !slices.Contains(set, m) {
			set = append(set, m)
		}
	}
	return Value{Kind: old.Kind, Set: set}, nil
}

// with puts v at p below the document; an absent v takes p away. The document
// belongs to the caller and is changed.
func (doc Value) with(p path, v Value) (Value, *Error) {
	e, rest := p[0], p[1:]
	wrongPath := invalid("The document path provided in the update expression is invalid for update")
	switch {
	case e.isIndex && doc.Kind == KindL, !e.isIndex && doc.Kind == KindM:
	default:
		return doc, wrongPath
	}
	if len(rest) > 0 {
		child := doc.child(e)
		if !child.exists() {
			return doc, wrongPath
		}
		next, err := child.with(rest, v)
		if err != nil {
			return doc, err
		}
		v = next
	}
	switch {
	case e.isIndex && e.index < len(doc.List):
		doc.List[e.index] = v
	case e.isIndex && v.exists():
		doc.List = append(doc.List, v)
	case e.isIndex:
	case v.exists():
		doc.Map[e.name] = v
	default:
		delete(doc.Map, e.name)
	}
	return doc, nil
}

// packed closes the gaps that removals left in lists.
func (it Item) packed() Item {
	for k, v := range it {
		it[k] = v.packed()
	}
	return it
}

func (doc Value) packed() Value {
	if doc.Kind == KindL {
		doc.List = slices.DeleteFunc(doc.List, func(e Value) bool { return !e.exists() })
		for i, e := range doc.List {
			doc.List[i] = e.packed()
		}
	}
	doc.Map.packed()
	return doc
}
