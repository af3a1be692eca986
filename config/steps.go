package config

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"kinesis-snowflake/transform/step"
)

const (
	limitsSteps = "a list of steps, each a mapping with one of filter, keep, drop, rename, flatten, unnest, cast, set, default, parse_json, hash, and perhaps on_error"
	limitsPath  = `a path such as user.address.city, items[0].sku, items[*].sku or "odd key".name`
	limitsPaths = limitsPath + ", or a list of them"
	limitsExpr  = `an expression such as price * quantity or status in ["paid", "sent"]`
	maxSteps    = 1000
)

// stepReader reads one step's value into c.
type stepReader func(d *decoder, key string, n ast.Node, c *step.Config)

// stepReaders are the steps that there are.
var stepReaders = []struct {
	name   string
	read   stepReader
	schema func() object
}{
	{step.NameFilter, readFilter, textSchema},
	{step.NameKeep, readPaths, pathsSchema},
	{step.NameDrop, readPaths, pathsSchema},
	{step.NameRename, readRename, mappingSchema},
	{step.NameFlatten, readOptions(flattenSchema), optionsSchema(flattenSchema)},
	{step.NameUnnest, readOptions(unnestSchema), optionsSchema(unnestSchema)},
	{step.NameCast, readCast, castJSONSchema},
	{step.NameSet, readSet, mappingSchema},
	{step.NameDefault, readDefault, defaultJSONSchema},
	{step.NameParseJSON, readPaths, pathsSchema},
	{step.NameHash, readOptions(hashSchema), optionsSchema(hashSchema)},
}

// inSteps says where a step belongs that stands right in transform.
func inSteps(key string) string {
	for _, r := range stepReaders {
		if r.name == key {
			return "it is a step, which stands in the list transform.steps"
		}
	}
	return ""
}

// stepsReader reads the list of steps, and then has them compiled, so that a fault in an expression is told with the others.
func stepsReader(dst *[]step.Config) func(*decoder, string, ast.Node) {
	return func(d *decoder, key string, n ast.Node) {
		if text, ok := scalar(n); ok && text == "" {
			return
		}
		items, ok := n.(*ast.SequenceNode)
		if !ok {
			d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a list belongs", limitsSteps)
			return
		}
		if len(items.Values) > maxSteps {
			d.fail(at(n.GetToken()), key, fmt.Sprintf("has %d steps", len(items.Values)), fmt.Sprintf("at most %d steps", maxSteps))
			return
		}
		faults := len(d.errs)
		for i, item := range items.Values {
			if c, ok := d.step(fmt.Sprintf("%s[%d]", key, i+1), item); ok {
				*dst = append(*dst, c)
			}
		}
		if len(d.errs) == faults {
			d.compileSteps(key, *dst)
		}
	}
}

// step reads one item of the list. It is a mapping with one step, and perhaps on_error.
func (d *decoder) step(key string, n ast.Node) (c step.Config, ok bool) {
	m, isMapping := n.(*ast.MappingNode)
	if !isMapping {
		d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a step belongs", limitsSteps)
		return c, false
	}
	faults := len(d.errs)
	onError := choice("on_error", &c.OnError, "", step.Fail, step.Null, step.Keep)
	onError.null = string(step.Null)
	one := section{fields: []field{onError}}
	for _, r := range stepReaders {
		one.fields = append(one.fields, field{key: r.name, node: func(d *decoder, key string, n ast.Node) {
			if c.Name != "" {
				d.fail(d.at[key], key, "stands in one step with "+c.Name, "one step in each item of the list; the order of the list is that of the steps")
				return
			}
			c.Name, c.At = r.name, locate(r.name, d.at[key])
			r.read(d, key, n, &c)
		}})
	}
	d.section(one, key, m, at(n.GetToken()))
	if len(d.errs) == faults && c.Name == "" {
		d.fail(at(n.GetToken()), key, "names no step", limitsSteps)
	}
	return c, len(d.errs) == faults
}

func locate(text string, where position) step.Text {
	return step.Text{Value: text, Line: where.line, Column: where.column}
}

// text reads a single value that may not be empty.
func (d *decoder) text(key string, n ast.Node, limits string) (t step.Text, ok bool) {
	where := at(n.GetToken())
	written, ok := scalar(n)
	if !ok {
		d.fail(where, key, "is "+describe(n)+" where a single value belongs", limits)
		return t, false
	}
	text, err := expand(written, d.env)
	if err != nil {
		d.fail(where, key, err.Error(), limits)
		return t, false
	}
	if text == "" {
		d.fail(where, key, "is empty", limits)
		return t, false
	}
	if text != written {
		d.wrote[where], d.varies[key] = written, true
	}
	return locate(text, where), true
}

func (d *decoder) paths(key string, n ast.Node) (paths []step.Text) {
	if _, ok := scalar(n); ok {
		if t, ok := d.text(key, n, limitsPaths); ok {
			paths = append(paths, t)
		}
		return paths
	}
	items, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		d.fail(at(n.GetToken()), key, "is "+describe(n)+" where paths belong", limitsPaths)
		return nil
	case len(items.Values) == 0:
		d.fail(at(n.GetToken()), key, "names no path", limitsPaths)
	}
	for _, item := range items.Values {
		if t, ok := d.text(key, item, limitsPath); ok {
			paths = append(paths, t)
		}
	}
	return paths
}

// pairs reads a mapping from paths to something.
func (d *decoder) pairs(key string, n ast.Node, limits string, read func(key string, n ast.Node, p *step.Pair) bool) (pairs []step.Pair) {
	m, ok := n.(*ast.MappingNode)
	if _, empty := n.(*ast.NullNode); empty {
		d.fail(at(n.GetToken()), key, "is empty; what belongs to a step is indented deeper than the step's name", limits)
		return nil
	}
	switch {
	case !ok:
		d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a mapping from paths belongs", limits)
		return nil
	case len(m.Values) == 0:
		d.fail(at(n.GetToken()), key, "names no path", limits)
	}
	seen := map[string]bool{}
	for _, v := range m.Values {
		name, ok := d.name(key, v, seen, limits)
		if !ok {
			continue
		}
		p := step.Pair{Path: locate(name, at(v.Key.GetToken()))}
		if read(key+"."+printable(name), v.Value, &p) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func readFilter(d *decoder, key string, n ast.Node, c *step.Config) {
	c.Expression, _ = d.text(key, n, limitsExpr)
}

func readPaths(d *decoder, key string, n ast.Node, c *step.Config) { c.Paths = d.paths(key, n) }

func readRename(d *decoder, key string, n ast.Node, c *step.Config) {
	c.Pairs = d.pairs(key, n, "a mapping from old path to new path", func(key string, n ast.Node, p *step.Pair) (ok bool) {
		p.To, ok = d.text(key, n, limitsPath)
		return ok
	})
}

func readSet(d *decoder, key string, n ast.Node, c *step.Config) {
	c.Pairs = d.pairs(key, n, "a mapping from path to expression", func(key string, n ast.Node, p *step.Pair) (ok bool) {
		p.To, ok = d.text(key, n, limitsExpr)
		return ok
	})
}

func readCast(d *decoder, key string, n ast.Node, c *step.Config) {
	c.Pairs = d.pairs(key, n, "a mapping from path to type", func(key string, n ast.Node, p *step.Pair) (ok bool) {
		m, isMapping := n.(*ast.MappingNode)
		if !isMapping {
			p.To, ok = d.text(key, n, limitsType)
			return ok
		}
		faults := len(d.errs)
		d.section(castSchema(p), key, m, at(n.GetToken()))
		return len(d.errs) == faults
	})
}

// compileSteps tells what only the steps themselves can know: whether their paths, types and expressions are good.
func (d *decoder) compileSteps(key string, steps []step.Config) {
	_, err := step.Compile(steps)
	var faults step.Errors
	if !errors.As(err, &faults) {
		return
	}
	for _, f := range faults {
		where := position{max(f.At.Line, 1), max(f.At.Column, 1)}
		problem := quote(f.At.Value) + " " + f.Problem
		if written, ok := d.wrote[where]; ok {
			problem = quote(written) + " is wrong with what its variables hold"
		}
		d.fail(where, fmt.Sprintf("%s[%d].%s", key, f.Step, f.Name), problem, f.Allowed)
	}
}
