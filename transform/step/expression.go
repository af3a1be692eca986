package step

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

const (
	maxExpression = 16 << 10 // bytes; the parser recurses
	maxNodes      = 2000
)

// expression is a compiled expression. The language is that of expr-lang/expr, whose parser and type checker read it. It is
// evaluated here, since numbers have to be exact, an evaluation has to end, and a value that only passes through has to keep
// its bytes.
type expression struct {
	root      *node
	paths     []path // what it reads of a record
	variables int
}

// node is an operation and its operands.
type node struct {
	op   op
	kids []*node
	lit  value
	slot int // a path, a variable, the function, or how many operations a byte takes the pattern
	re   *regexp.Regexp
}

type op uint8

const (
	opLiteral op = iota
	opPath
	opVariable
	opElement // # in a predicate
	opIndex   // #index
	opMember  // a member or an element of a value
	opSlice
	opNot
	opNegate
	opAnd
	opOr
	opElse // ??
	opCondition
	opLet
	opEqual
	opUnequal
	opLess
	opLessEqual
	opMore
	opMoreEqual
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opPower
	opRange
	opIn
	opContains
	opStartsWith
	opEndsWith
	opMatches
	opList
	opObject
	opCall
	opAll
	opAny
	opNone
	opOne
	opCount
	opSum
	opFilter
	opMap
	opFind
	opFindIndex
)

var binaries = map[string]op{
	"and": opAnd, "&&": opAnd, "or": opOr, "||": opOr, "??": opElse, "==": opEqual, "!=": opUnequal, "<": opLess, "<=": opLessEqual, ">": opMore, ">=": opMoreEqual,
	"+": opAdd, "-": opSubtract, "*": opMultiply, "/": opDivide, "%": opModulo, "**": opPower, "^": opPower, "..": opRange, "in": opIn,
	"contains": opContains, "startsWith": opStartsWith, "endsWith": opEndsWith,
}

var predicates = map[string]op{
	"all": opAll, "any": opAny, "none": opNone, "one": opOne, "count": opCount, "sum": opSum, "filter": opFilter, "map": opMap, "find": opFind, "findIndex": opFindIndex,
}

// compileExpression reads an expression. condition says that its value has to be true or false.
func compileExpression(text string, condition bool) (*expression, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("is longer than %d bytes", maxExpression)
	}
	c := conf.CreateNew()
	c.WithEnv(map[string]any{})
	c.Strict = false
	c.MaxNodes = maxNodes
	for name := range c.Builtins {
		if predicates[name] == 0 {
			c.Disabled[name] = true
		}
	}
	for name := range c.Disabled {
		delete(c.Builtins, name)
	}
	for i := range functions {
		f := &functions[i]
		c.Functions[f.name] = &builtin.Function{Name: f.name, Func: func(...any) (any, error) { return nil, nil }, Types: f.types}
	}
	if condition {
		c.Expect, c.ExpectAny = reflect.Bool, true
	}
	tree, err := parser.ParseWithConfig(text, c)
	if err == nil {
		readAsKeys(tree, c)
		_, err = checker.Check(tree, c)
	}
	if err != nil {
		var fault *file.Error
		if errors.As(err, &fault) {
			hint := ""
			if strings.Contains(fault.Message, `Operator("=")`) {
				hint = "; write == to compare"
			}
			return nil, fmt.Errorf("is no expression: %s, at character %d%s", fault.Message, fault.From+1, hint)
		}
		return nil, fmt.Errorf("is no expression: %w", err)
	}
	b := builder{source: []rune(text), e: &expression{}}
	b.e.root, err = b.node(tree.Node)
	return b.e, err
}

// readAsKeys makes the name of a function that is not called a top-level key: type, count, first and last are common ones.
func readAsKeys(tree *parser.Tree, c *conf.Config) {
	called := callees{}
	ast.Walk(&tree.Node, called)
	ast.Walk(&tree.Node, &keyReader{called, c})
}

// callees are the names before the parentheses of calls.
type callees map[ast.Node]bool

func (called callees) Visit(n *ast.Node) {
	if call, ok := (*n).(*ast.CallNode); ok {
		called[call.Callee] = true
	}
}

type keyReader struct {
	called callees
	c      *conf.Config
}

func (k *keyReader) Visit(n *ast.Node) {
	id, ok := (*n).(*ast.IdentifierNode)
	if !ok || k.called[id] || k.c.Functions[id.Value] == nil && k.c.Builtins[id.Value] == nil {
		return
	}
	key := &ast.StringNode{Value: id.Value}
	key.SetLocation(id.Location())
	ast.Patch(n, &ast.MemberNode{Node: &ast.IdentifierNode{Value: "$env"}, Property: key})
}
