package dynamodb

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits of expressions (developer guide, "Constraints").
const (
	maxExpressionBytes = 4096
	maxOperators       = 300
)

// scope holds the placeholders of one request and which of them are used; the
// expressions of a request share it.
type scope struct {
	names      map[string]string
	values     map[string]Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

var (
	nameKey  = regexp.MustCompile(`^#[0-9a-zA-Z_]+$`)
	valueKey = regexp.MustCompile(`^:[0-9a-zA-Z_]+$`)
)

func newScope(names map[string]string, values wireItem) (*scope, *Error) {
	s := &scope{names: names, values: Item{}, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	for _, k := range slices.Sorted(maps.Keys(names)) {
		if !nameKey.MatchString(k) {
			return nil, invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if !valueKey.MatchString(k) {
			return nil, invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, k)
		}
		w := values[k]
		v, err := w.value()
		if err != nil {
			err.Message = "ExpressionAttributeValues contains invalid value: " + err.Message + " for key " + k
			return nil, err
		}
		s.values[k] = v
	}
	return s, nil
}

// unused reports placeholders that no expression of the request named.
func (s *scope) unused() *Error {
	if left := unusedKeys(s.names, s.usedNames); left != "" {
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", left)
	}
	if left := unusedKeys(s.values, s.usedValues); left != "" {
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", left)
	}
	return nil
}

func unusedKeys[V any](given map[string]V, used map[string]bool) string {
	var left []string
	for k := range given {
		if !used[k] {
			left = append(left, k)
		}
	}
	slices.Sort(left)
	return strings.Join(left, ", ")
}

// The classes of errors that are found while parsing goes on; the lowest class
// is reported, and a syntax error before any of them.
const (
	classParens = iota
	classReserved
	classFunctionName
	classMisused
	classSection
	classUndefined
	classOverlap
	classOperand
	classCount
)

// parser reads one expression. Syntax errors stop it by panic(syntaxError);
// errors of meaning are collected, and the first of the lowest class wins.
type parser struct {
	kind      string // ConditionExpression, UpdateExpression, ...
	toks      []token
	at        int
	scope     *scope
	errs      [classCount]string
	operators int
}

type syntaxError string

// parseWith runs rule over the whole of text and turns every way of failing
// into the service's ValidationException.
func parseWith[T any](kind, text string, s *scope, rule func(*parser) T) (tree T, err *Error) {
	if text == "" {
		return tree, invalid("Invalid %s: The expression can not be empty;", kind)
	}
	if len(text) > maxExpressionBytes {
		return tree, invalid("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", kind, len(text))
	}
	p := &parser{kind: kind, toks: lex(text), scope: s}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case syntaxError:
			err = invalid("Invalid %s: Syntax error; %s", kind, string(r))
		default:
			panic(r)
		}
	}()
	tree = rule(p)
	if p.peek().kind != tokEOF {
		p.syntax()
	}
	for _, msg := range p.errs {
		if msg != "" {
			return tree, invalid("Invalid %s: %s", kind, msg)
		}
	}
	if p.operators > maxOperators {
		return tree, invalid("Invalid %s: The expression contains too many operators; operator count: %d", kind, p.operators)
	}
	return tree, nil
}

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tokEOF {
		p.at++
	}
	return t
}

func (p *parser) accept(s string) bool {
	if p.peek().is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.syntax()
	}
}

// syntax ends parsing at the current token.
func (p *parser) syntax() {
	near := make([]string, 0, 3)
	for i := max(0, p.at-1); i < min(len(p.toks), p.at+2); i++ {
		if p.toks[i].kind != tokEOF {
			near = append(near, p.toks[i].text)
		}
	}
	panic(syntaxError(`token: "` + p.peek().text + `", near: "` + strings.Join(near, " ") + `"`))
}

func (p *parser) fail(class int, msg string) {
	if p.errs[class] == "" {
		p.errs[class] = msg
	}
}

// path reads name ( '.' name | '[' index ']' )*.
func (p *parser) path() path {
	out := path{{name: p.name()}}
	for {
		switch {
		case p.accept("."):
			out = append(out, element{name: p.name()})
		case p.accept("["):
			t := p.peek()
			if t.kind != tokIndex {
				p.syntax()
			}
			i, err := strconv.Atoi(t.text)
			if err != nil || i > 1<<20 {
				p.fail(classOperand, "List index is not within the allowable range; index: ["+t.text+"]")
				i = 0
			}
			p.next()
			p.expect("]")
			out = append(out, element{index: i, isIndex: true})
		default:
			return out
		}
	}
}

func (p *parser) name() string {
	switch t := p.peek(); t.kind {
	case tokWord:
		p.next()
		if isReserved(t.text) {
			p.fail(classReserved, "Attribute name is a reserved keyword; reserved keyword: "+t.text)
		}
		return t.text
	case tokName:
		p.next()
		name, ok := p.scope.names[t.text]
		if !ok {
			p.fail(classUndefined, "An expression attribute name used in the document path is not defined; attribute name: "+t.text)
		}
		p.scope.usedNames[t.text] = true
		return name
	}
	p.syntax()
	return ""
}

func (p *parser) literal() literal {
	t := p.next()
	v, ok := p.scope.values[t.text]
	if !ok {
		p.fail(classUndefined, "An expression attribute value used in expression is not defined; attribute value: "+t.text)
	}
	p.scope.usedValues[t.text] = true
	return literal{v}
}

// overlapping records an error if two of the paths touch one document.
func (p *parser) overlapping(paths []path) {
	for i, a := range paths {
		for _, b := range paths[:i] {
			overlap, conflict := b.relate(a)
			switch {
			case overlap:
				p.fail(classOverlap, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "+b.String()+", path two: "+a.String())
			case conflict:
				p.fail(classOverlap, "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "+b.String()+", path two: "+a.String())
			}
		}
	}
}

// parseProjection reads path (',' path)*.
func parseProjection(text string, s *scope) ([]path, *Error) {
	return parseWith("ProjectionExpression", text, s, func(p *parser) []path {
		paths := []path{p.path()}
		for p.accept(",") {
			paths = append(paths, p.path())
		}
		p.overlapping(paths)
		return paths
	})
}
