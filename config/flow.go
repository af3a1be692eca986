package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// cuts finds the values that a comma has cut in two: inside { } it ends a value that has no quotes, and what follows is read
// as a key without a colon. {amount: NUMBER(10,2)} is the usual one. Each is told once, as what it is, and put together again,
// so that its halves are no faults of their own.
func (d *decoder) cuts(path string, n ast.Node) {
	switch n := n.(type) {
	case *ast.SequenceNode:
		for i, item := range n.Values {
			d.cuts(fmt.Sprintf("%s[%d]", path, i+1), item)
		}
	case *ast.MappingNode:
		if n.IsFlowStyle {
			n.Values = d.cutsOf(path, n.Values)
		}
		for _, v := range n.Values {
			d.cuts(join(path, v.Key.GetToken().Value), v.Value)
		}
	}
}

// cutsOf returns the entries of a mapping in braces, each cut one put together.
func (d *decoder) cutsOf(path string, entries []*ast.MappingValueNode) []*ast.MappingValueNode {
	var whole []*ast.MappingValueNode
	for len(entries) > 0 {
		first, n := entries[0], 1
		for n < len(entries) && !hasColon(entries[n]) {
			n++
		}
		rest := entries[1:n]
		entries = entries[n:]
		written, plain := scalar(first.Value)
		switch {
		case !hasColon(first): // nothing stands before it that it could have been cut off
			d.fail(at(first.Key.GetToken()), path, noColon, "key: value")
			continue
		case len(rest) > 0 && !plain:
			d.fail(at(rest[0].Key.GetToken()), path, noColon, "key: value")
		case len(rest) > 0:
			d.cut(path, first, written, rest)
		}
		whole = append(whole, first)
	}
	return whole
}

const noColon = "has a key without a colon inside its { }"

func hasColon(v *ast.MappingValueNode) bool {
	return v.Start != nil && v.Start.Type == token.MappingValueType
}

// numbers are two numbers in brackets, as a type has them; a value with them is no secret, which this would show.
var numbers = regexp.MustCompile(`^[A-Za-z_ ]+\( *[0-9]+ *, *[0-9]+ *\)$`)

func (d *decoder) cut(path string, v *ast.MappingValueNode, written string, rest []*ast.MappingValueNode) {
	parts := []string{written}
	for _, r := range rest {
		parts = append(parts, r.Key.GetToken().Value)
	}
	key, all := v.Key.GetToken().Value, strings.Join(parts, ",")
	example := "the value in quotes"
	if strings.HasPrefix(path, "transform") && numbers.MatchString(all) {
		example = fmt.Sprintf("the value in quotes: {%s: %q}", printable(key), all)
	}
	where := v.Value.GetToken()
	d.fail(at(where), join(path, printable(key)), "is cut at its comma, which ends a value without quotes inside { }", example)
	whole := where.Clone()
	whole.Type, whole.Value, whole.Origin = token.DoubleQuoteType, all, all
	v.Value = ast.String(whole)
}
