package dynamodb

import (
	"fmt"
	"strings"
)

// element is one step of a document path: a map key or a list index.
type element struct {
	name    string
	index   int
	isIndex bool
}

func (e element) String() string {
	if e.isIndex {
		return fmt.Sprintf("[%d]", e.index)
	}
	return e.name
}

// path is a document path; its first element is always a name.
type path []element

func (p path) String() string {
	parts := make([]string, len(p))
	for i, e := range p {
		parts[i] = e.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// find returns the value at p, or the zero Value.
func (p path) find(it Item) Value {
	v := it[p[0].name]
	for _, e := range p[1:] {
		v = v.child(e)
	}
	return v
}

func (v Value) child(e element) Value {
	switch {
	case e.isIndex && v.Kind == KindL && e.index < len(v.List):
		return v.List[e.index]
	case !e.isIndex && v.Kind == KindM:
		return v.Map[e.name]
	}
	return Value{}
}

// relate compares two paths of one expression: overlap when one is a prefix of
// the other, conflict when they take one document for a list and for a map.
func (p path) relate(q path) (overlap, conflict bool) {
	for i := range min(len(p), len(q)) {
		if p[i].isIndex != q[i].isIndex {
			return false, true
		}
		if p[i] != q[i] {
			return false, false
		}
	}
	return true, false
}

// project keeps of the item only what the paths name. Elements of lists are
// packed in the order of their index, as the service answers.
func project(it Item, paths []path) Item {
	type node struct {
		whole    bool
		children map[element]*node
	}
	root := &node{children: map[element]*node{}}
	for _, p := range paths {
		n := root
		for _, e := range p {
			next := n.children[e]
			if next == nil {
				next = &node{children: map[element]*node{}}
				n.children[e] = next
			}
			n = next
		}
		n.whole = true
	}
	var pick func(v Value, n *node) Value
	pick = func(v Value, n *node) Value {
		if n.whole || !v.exists() {
			return v
		}
		out := Value{Kind: v.Kind}
		for i, e := range v.List {
			if c := n.children[element{index: i, isIndex: true}]; c != nil {
				if picked := pick(e, c); picked.exists() {
					out.List = append(out.List, picked)
				}
			}
		}
		for k, e := range v.Map {
			if c := n.children[element{name: k}]; c != nil {
				if picked := pick(e, c); picked.exists() {
					if out.Map == nil {
						out.Map = Item{}
					}
					out.Map[k] = picked
				}
			}
		}
		if out.List == nil && out.Map == nil {
			return Value{}
		}
		return out
	}
	return pick(Value{Kind: KindM, Map: it}, root).Map
}
