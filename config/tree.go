package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of what is given to the YAML parser, whose time grows with the square of the depth: 64Ki brackets take it 19 s. A
// pipeline file has a few KiB and is 3 deep.
const (
	maxFile  = 256 << 10
	maxDepth = 64
)

type position struct{ line, column int }

func at(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// tree parses a file to the mapping that is its only document; nil when the file holds no document.
func tree(data []byte) (_ *ast.MappingNode, where position, err error) {
	where = position{1, 1}
	if len(data) > maxFile {
		return nil, where, fmt.Errorf("is larger than %s, too large for a pipeline file", Size(maxFile))
	}
	if bad := bytes.IndexFunc(data, func(r rune) bool { return r == utf8.RuneError }); bad >= 0 {
		line := data[bytes.LastIndexByte(data[:bad], '\n')+1 : bad]
		return nil, position{1 + bytes.Count(data[:bad], []byte("\n")), 1 + utf8.RuneCount(line)}, errors.New("is not UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	// The parser is a state machine over hostile input; should it ever panic, the user is owed an error that names the file.
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("is not valid YAML: the parser gave up on it")
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if t := tooDeep(tokens); t != nil {
		return nil, at(t), fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	// Duplicate keys are allowed here so that they are reported together with every other fault.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var y yaml.Error
		if errors.As(err, &y) {
			return nil, at(y.GetToken()), fmt.Errorf("is not valid YAML: %s", syntax(y.GetMessage()))
		}
		return nil, where, errors.New("is not valid YAML")
	}
	var root *ast.MappingNode
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		where = at(doc.Body.GetToken())
		m, ok := doc.Body.(*ast.MappingNode)
		switch {
		case !ok:
			return nil, where, fmt.Errorf("is %s, not a mapping of keys", describe(doc.Body))
		case root != nil:
			return nil, where, errors.New("holds a second document; write one pipeline a file, and give each file with its own -c")
		}
		root = m
	}
	if root != nil && len(root.Values) > 0 {
		where = at(root.Values[0].Key.GetToken())
	}
	return root, where, nil
}

// syntax is what the parser says, and the remedy where it does not say that.
func syntax(message string) string {
	switch {
	case strings.Contains(message, "\t"):
		return "a tab, where only spaces indent"
	case strings.HasPrefix(message, "',' or '"):
		return message + "; inside { } and [ ] a value that holds one of , [ ] { } is written in quotes"
	case message == "mapping value is not allowed in this context":
		return message + "; a value that holds a colon and a space is written in quotes"
	case strings.HasPrefix(message, "value is not allowed in this context"):
		return message + "; a value that begins with a quote ends with it, so quotes of the other kind go around the whole"
	}
	return message
}

// tooDeep is the first bracket beyond the depth that is parsed.
func tooDeep(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				return t
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
	}
	return nil
}

// scalar is the text of a value as the file says it, whatever YAML would make of it: 007 stays 007. ok is false for a value
// that is no scalar; the text of a null is empty.
func scalar(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "empty"
	case *ast.AnchorNode:
		return "an anchor (&name; a text that begins with & is written in quotes)"
	case *ast.AliasNode:
		return "an alias (*name; a text that begins with * is written in quotes)"
	case *ast.TagNode:
		return "a tag (!name; a text that begins with ! is written in quotes)"
	case *ast.DirectiveNode:
		return "a directive (%NAME)"
	}
	return "a single value"
}
