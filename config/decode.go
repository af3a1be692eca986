package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder holds one file's tree against the table of keys.
type decoder struct {
	file string
	env  func(string) (string, bool)
	read func(path string) ([]byte, error)
	root section

	errs Errors
	at   map[string]position // of each key that the file has, by path, whether its value is good or not
	set  map[string]bool     // keys that have a good value which is not empty
	// wrote is what the file says at a place where a text came of variables; varies are the keys of such texts. What a variable
	// holds may be a secret, whatever key it is given to.
	wrote  map[position]string
	varies map[string]bool
}

func (d *decoder) fail(where position, key, problem, allowed string) {
	d.errs = append(d.errs, &Error{File: d.file, Line: where.line, Column: where.column, Key: key, Problem: problem, Allowed: allowed})
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// section decodes one mapping, then asks for the required keys that it has not. m is nil for a section that the file leaves out
// or leaves empty; where is then its place, or the place of the section around it.
func (d *decoder) section(s section, path string, m *ast.MappingNode, where position) {
	subs := map[string]*ast.MappingNode{}
	seen := map[string]position{}
	if m != nil {
		for _, v := range m.Values {
			d.entry(s, path, v, seen, subs)
		}
	}
	for _, f := range s.fields {
		if p := join(path, f.key); f.required && !d.set[p] && !d.faulty(p) {
			at, ok := d.at[p]
			if !ok {
				at = where
			}
			d.fail(at, p, "is required and missing", f.limits)
		}
	}
	for _, sub := range s.sections {
		at, ok := seen[sub.key]
		if !ok {
			at = where
		}
		if p := join(path, sub.key); !d.faulty(p) {
			d.section(sub, p, subs[sub.key], at)
		}
	}
}

// faulty says whether an error of exactly this key was reported.
func (d *decoder) faulty(path string) bool {
	for _, e := range d.errs {
		if e.Key == path {
			return true
		}
	}
	return false
}

func (d *decoder) entry(s section, path string, v *ast.MappingValueNode, seen map[string]position, subs map[string]*ast.MappingNode) {
	where := at(v.Key.GetToken())
	name, ok := v.Key.(*ast.StringNode)
	if !ok {
		switch v.Key.(type) {
		case *ast.MergeKeyNode:
			d.fail(where, path, "has a merge key (<<); write the keys out", s.keys())
		case *ast.MappingKeyNode:
			d.fail(where, path, "has a key of the form ? key; write key: value", s.keys())
		default:
			d.fail(where, path, fmt.Sprintf("has the key %s, which is no text", strconv.Quote(v.Key.GetToken().Value)), s.keys())
		}
		return
	}
	key := join(path, name.Value)
	if first, ok := seen[name.Value]; ok {
		d.fail(where, printable(key), fmt.Sprintf("is given twice, first in line %d", first.line), "each key once")
		return
	}
	seen[name.Value] = where
	for _, f := range s.fields {
		if f.key == name.Value {
			d.at[key] = where
			d.value(f, key, v.Value)
			return
		}
	}
	for _, sub := range s.sections {
		if sub.key != name.Value {
			continue
		}
		d.at[key] = where
		switch n := v.Value.(type) {
		case *ast.MappingNode:
			subs[sub.key] = n
		case *ast.NullNode:
		default:
			d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a section belongs", sub.keys())
		}
		return
	}
	problem := "is not a key of this file"
	if where := s.strayed(name.Value); where != "" {
		problem += " here: " + where
	} else if near := nearest(s, d.root, path, name.Value); near != "" {
		problem += fmt.Sprintf(" (did you mean %s?)", near)
	}
	d.fail(where, printable(key), problem, s.keys())
}

// value decodes one value. An empty one is the same as a key left out.
func (d *decoder) value(f field, key string, n ast.Node) {
	where := at(n.GetToken())
	if f.node != nil {
		f.node(d, key, n)
		return
	}
	if f.list {
		d.list(f, key, n)
		return
	}
	written, ok := scalar(n)
	if !ok {
		d.fail(where, key, "is "+describe(n)+" where a single value belongs", f.limits)
		return
	}
	if f.null != "" && n.GetToken().Type == token.NullType { // an ImplicitNullType is a value of which nothing is written
		written = f.null
	}
	told := quote(written) + " "
	if f.secret && !isVariable(written) {
		told = "" // a secret written into the file stays out of the errors too
	}
	text, err := expand(written, d.env)
	if err != nil {
		d.fail(where, key, err.Error(), f.limits)
		return
	}
	if text != written {
		d.varies[key] = true
	}
	if text == "" {
		if f.filled {
			d.fail(where, key, "is empty", f.limits+"; or leave the key out")
		}
		return
	}
	if f.file {
		name := d.fileName(text)
		if text, err = d.content(name); err != nil && !(f.apart && errors.Is(err, errLarge)) {
			d.fail(where, key, fmt.Sprintf("names the file %s, which %s", quote(written), err), f.limits)
			return
		}
		if f.path != nil {
			*f.path = name
		}
		told = "the text of the file " + told
	}
	if f.set != nil {
		if err := f.set(text); err != nil {
			d.fail(where, key, told+err.Error(), f.limits)
			return
		}
	}
	d.set[key] = true
}

// list decodes a list of texts. Without items it is the same as a key left out.
func (d *decoder) list(f field, key string, n ast.Node) {
	if text, ok := scalar(n); ok && text == "" {
		return
	}
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a list belongs", f.limits)
		return
	}
	for _, item := range items.Values {
		one := f
		one.list = false
		d.value(one, key, item)
	}
}

// name reads the key of an entry whose keys are the user's own, not this program's: a text, or what YAML takes for a number or a
// truth value, as it is written.
func (d *decoder) name(key string, v *ast.MappingValueNode, seen map[string]bool, limits string) (name string, ok bool) {
	where := at(v.Key.GetToken())
	switch k := v.Key.(type) {
	case *ast.StringNode:
		name = k.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		name = v.Key.GetToken().Value
	case *ast.MergeKeyNode:
		d.fail(where, key, "has a merge key (<<); write the keys out", limits)
		return "", false
	case *ast.MappingKeyNode:
		d.fail(where, key, "has a key of the form ? key; write key: value", limits)
		return "", false
	default:
		d.fail(where, key, fmt.Sprintf("has the key %s, which is no text; put it in quotes if it is one", quote(v.Key.GetToken().Value)), limits)
		return "", false
	}
	if seen[name] {
		d.fail(where, key, "names "+quote(name)+" twice", "each once")
		return "", false
	}
	seen[name] = true
	return name, true
}

// quote is a value as an error shows it: on one line, and cut, since a value that went wrong may be a whole file.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strconv.Quote(s)
}

// printable keeps a key path that the file made up on one line.
func printable(key string) string {
	if q := quote(key); q[1:len(q)-1] != key {
		return q
	}
	return key
}
