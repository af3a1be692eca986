package config

import (
	"encoding/json"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"kinesis-snowflake/transform/step"
)

func readDefault(d *decoder, key string, n ast.Node, c *step.Config) {
	c.Pairs = d.pairs(key, n, "a mapping from path to value", func(key string, n ast.Node, p *step.Pair) bool {
		var b strings.Builder
		ok := d.json(&b, key, n)
		p.To = locate(b.String(), at(n.GetToken()))
		return ok
	})
}

// json writes a YAML value as JSON. A plain scalar is what JSON takes it for, and text otherwise.
func (d *decoder) json(b *strings.Builder, key string, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			if !d.json(b, key, item) {
				return false
			}
		}
		b.WriteByte(']')
		return true
	case *ast.MappingNode:
		b.WriteByte('{')
		seen := map[string]bool{}
		for i, v := range n.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			name, ok := d.name(key, v, seen, "keys that are text, each once")
			if !ok {
				return false
			}
			quoteJSON(b, name)
			b.WriteByte(':')
			if !d.json(b, key, v.Value) {
				return false
			}
		}
		b.WriteByte('}')
		return true
	case *ast.NullNode:
		b.WriteString("null")
		return true
	}
	const limits = "a number, a text, true, false, a list or a mapping"
	written, ok := scalar(n)
	if !ok {
		d.fail(at(n.GetToken()), key, "is "+describe(n)+" where a value belongs", limits)
		return false
	}
	text, err := expand(written, d.env)
	if err != nil {
		d.fail(at(n.GetToken()), key, err.Error(), limits)
		return false
	}
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if json.Valid([]byte(text)) {
			b.WriteString(text)
			return true
		}
	}
	quoteJSON(b, text)
	return true
}

func quoteJSON(b *strings.Builder, text string) {
	var line strings.Builder
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if e.Encode(text) == nil { // a text can always be encoded
		b.WriteString(strings.TrimSuffix(line.String(), "\n"))
	}
}
