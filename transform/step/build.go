package step

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// builder makes nodes of the parser's.
type builder struct {
	source []rune
	e      *expression
	scope  []string // variables, by slot
	inside int      // predicates around
}

func (b *builder) node(n ast.Node) (*node, error) {
	switch n := n.(type) {
	case *ast.NilNode:
		return &node{lit: value{kind: kindNull}}, nil
	case *ast.BoolNode:
		return &node{lit: ofBool(n.Value)}, nil
	case *ast.IntegerNode:
		return &node{lit: ofNumber(int64(n.Value))}, nil
	case *ast.FloatNode:
		return b.float(n)
	case *ast.StringNode:
		return &node{lit: ofText([]byte(n.Value))}, nil
	case *ast.IdentifierNode:
		for i := len(b.scope) - 1; i >= 0; i-- {
			if b.scope[i] == n.Value {
				return &node{op: opVariable, slot: i}, nil
			}
		}
		if n.Value == "$env" {
			return nil, errors.New(`is no expression: $env stands only before a key, as in $env["odd key"]`)
		}
		return b.path(path{segs: []seg{{key: n.Value}}}), nil
	case *ast.ChainNode:
		return b.node(n.Node)
	case *ast.MemberNode:
		return b.member(n)
	case *ast.PointerNode:
		switch {
		case n.Name == "":
			return &node{op: opElement, slot: b.inside - 1}, nil
		case n.Name == "index":
			return &node{op: opIndex, slot: b.inside - 1}, nil
		}
		return nil, fmt.Errorf("is no expression here: there is no #%s", n.Name)
	case *ast.SliceNode:
		return b.operation(opSlice, n.Node, orNil(n.From), orNil(n.To))
	case *ast.UnaryNode:
		switch n.Operator {
		case "-":
			return b.operation(opNegate, n.Node)
		case "+":
			return b.operation(opAdd, &ast.IntegerNode{}, n.Node)
		}
		return b.operation(opNot, n.Node)
	case *ast.BinaryNode:
		return b.binary(n)
	case *ast.ConditionalNode:
		return b.operation(opCondition, n.Cond, n.Exp1, n.Exp2)
	case *ast.VariableDeclaratorNode:
		v, err := b.node(n.Value)
		if err != nil {
			return nil, err
		}
		b.scope = append(b.scope, n.Name)
		b.e.variables = max(b.e.variables, len(b.scope))
		slot := len(b.scope) - 1
		rest, err := b.node(n.Expr)
		b.scope = b.scope[:slot]
		return &node{op: opLet, slot: slot, kids: []*node{v, rest}}, err
	case *ast.SequenceNode:
		return b.node(n.Nodes[len(n.Nodes)-1]) // nothing before it has an effect
	case *ast.ArrayNode:
		return b.operation(opList, n.Nodes...)
	case *ast.MapNode:
		var kids []ast.Node
		for _, p := range n.Pairs {
			pair := p.(*ast.PairNode)
			kids = append(kids, pair.Key, pair.Value)
		}
		return b.operation(opObject, kids...)
	case *ast.BuiltinNode:
		return b.call(n.Name, n.Arguments)
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok {
			return b.call(f.Value, n.Arguments)
		}
		return nil, errors.New("is no expression here: a value is called like a function")
	}
	return nil, fmt.Errorf("is no expression here: there is no %T", n)
}

func orNil(n ast.Node) ast.Node {
	if n == nil {
		return &ast.NilNode{}
	}
	return n
}

// float takes a number's digits from the text: the parser rounded them.
func (b *builder) float(n *ast.FloatNode) (*node, error) {
	at := n.Location()
	if at.To > len(b.source) || at.From < 0 || at.To <= at.From {
		return nil, errors.New("is no expression here: a number has no place")
	}
	text := strings.ReplaceAll(string(b.source[at.From:at.To]), "_", "")
	if strings.HasPrefix(text, ".") {
		text = "0" + text
	}
	text = strings.Replace(text, ".e", "e", 1)
	if !isNumber([]byte(text)) {
		return nil, fmt.Errorf("is no expression here: the number %s", text)
	}
	d, err := parseDecimal(trimZeros([]byte(text)))
	if err != nil {
		return nil, fmt.Errorf("is no expression here: %w", err)
	}
	return &node{lit: value{kind: kindNumber, text: d.append(nil)}}, nil
}

func (b *builder) path(p path) *node {
	for i := range b.e.paths {
		if samePath(b.e.paths[i].segs, p.segs) {
			return &node{op: opPath, slot: i}
		}
	}
	b.e.paths = append(b.e.paths, p)
	return &node{op: opPath, slot: len(b.e.paths) - 1}
}

func samePath(a, b []seg) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// member makes a path of members with constant keys, so that only what is at its end is looked at.
func (b *builder) member(n *ast.MemberNode) (*node, error) {
	s, constant := constantSeg(n.Property)
	if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "$env" {
		if !constant || s.kind != isKey {
			return nil, errors.New(`is no expression: $env needs a key in quotes, as in $env["odd key"]`)
		}
		return b.path(path{segs: []seg{s}}), nil
	}
	base, err := b.node(n.Node)
	if err != nil {
		return nil, err
	}
	if base.op == opPath && constant && len(b.e.paths[base.slot].segs) < maxPath {
		segs := b.e.paths[base.slot].segs
		return b.path(path{segs: append(segs[:len(segs):len(segs)], s)}), nil
	}
	property, err := b.node(n.Property)
	return &node{op: opMember, kids: []*node{base, property}}, err
}

func constantSeg(n ast.Node) (s seg, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return seg{key: n.Value}, true
	case *ast.IntegerNode:
		return seg{kind: isIndex, index: n.Value}, n.Value < 1<<31
	case *ast.UnaryNode:
		if i, isInt := n.Node.(*ast.IntegerNode); isInt && n.Operator == "-" {
			return seg{kind: isIndex, index: -i.Value}, i.Value < 1<<31
		}
	}
	return s, false
}

func (b *builder) operation(o op, operands ...ast.Node) (*node, error) {
	made := &node{op: o}
	for _, operand := range operands {
		kid, err := b.node(operand)
		if err != nil {
			return nil, err
		}
		made.kids = append(made.kids, kid)
	}
	return made, nil
}

func (b *builder) binary(n *ast.BinaryNode) (*node, error) {
	if n.Operator == "matches" {
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			return nil, errors.New("is no expression here: the pattern of matches has to be a text in quotes")
		}
		re, cost, err := compilePattern(pattern.Value)
		if err != nil {
			return nil, fmt.Errorf("has a pattern that is none: %w", err)
		}
		made, err := b.operation(opMatches, n.Left)
		if err == nil {
			made.re, made.slot = re, cost
		}
		return made, err
	}
	o, ok := binaries[n.Operator]
	if !ok {
		return nil, fmt.Errorf("is no expression here: there is no operator %s", n.Operator)
	}
	return b.operation(o, n.Left, n.Right)
}

// compilePattern returns a pattern, and how many operations to count for each byte that it is tried on: a small one takes about one;
// of x{1,500} hundreds of states can be alive at each byte.
func compilePattern(text string) (re *regexp.Regexp, cost int, err error) {
	if re, err = regexp.Compile(text); err != nil {
		return nil, 0, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, 0, err
	}
	return re, 1 + len(program.Inst)/16, nil
}

func (b *builder) call(name string, args []ast.Node) (*node, error) {
	if o, ok := predicates[name]; ok {
		list, err := b.node(args[0])
		if err != nil || len(args) == 1 {
			return &node{op: o, kids: []*node{list}, slot: b.inside}, err
		}
		predicate, ok := args[1].(*ast.PredicateNode)
		if !ok {
			return nil, fmt.Errorf("is no expression here: %s needs a condition", name)
		}
		made := &node{op: o, slot: b.inside}
		b.inside++
		body, err := b.node(predicate.Node)
		b.inside--
		made.kids = []*node{list, body}
		return made, err
	}
	for i := range functions {
		if functions[i].name == name {
			made, err := b.operation(opCall, args...)
			if err == nil {
				made.slot = i
			}
			return made, err
		}
	}
	return nil, fmt.Errorf("is no expression here: there is no function %s", name)
}
