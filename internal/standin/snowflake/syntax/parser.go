package syntax

import (
	"errors"
	"strings"
)

// Limits that keep a hostile statement from exhausting the stack: brackets inside each other, and operators in one expression chain.
const (
	maxDepth = 200
	maxNodes = 200_000
)

// MaxValues is the most rows a VALUES clause may have (Snowflake docs, "VALUES": 16,384), and the most members of an IN list.
const MaxValues = 16384

type parser struct {
	src    string
	tokens []token
	i      int
	depth  int
	nodes  int
	binds  int
}

// Parse reads one statement, which may end with a semicolon. Errors are *[Error]. A SELECT that the parser does not know
// is no error: it comes back as a [Query] with Unparsed set. binds is the number of question marks.
func Parse(src string) (stmt Statement, binds int, err error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, 0, err
	}
	p := &parser{src: src, tokens: tokens}
	query := p.is("SELECT", "WITH", "VALUES") || p.isOp("(")
	stmt, err = p.statement()
	if err == nil {
		for p.isOp(";") {
			p.i++
		}
		if p.peek().kind != tokenEOF {
			err = p.unexpected()
		}
	}
	if err != nil && query {
		n := 0
		for _, t := range tokens {
			if t.kind == tokenBind {
				n++
			}
		}
		return &Query{Unparsed: err}, n, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return stmt, p.binds, nil
}

// ErrEmpty is the answer to a statement of white space and comments.
var ErrEmpty = errors.New("empty SQL statement")

func (p *parser) peek() token { return p.tokens[p.i] }

// next gives the token and passes it; at the end it stays there.
func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != tokenEOF {
		p.i++
	}
	return t
}

func (p *parser) is(words ...string) bool { return p.peekIs(0, words...) }

func (p *parser) peekIs(ahead int, words ...string) bool {
	if p.i+ahead >= len(p.tokens) {
		return false
	}
	t := p.tokens[p.i+ahead]
	if t.kind != tokenWord {
		return false
	}
	for _, w := range words {
		if t.text == w {
			return true
		}
	}
	return false
}

func (p *parser) isOp(ops ...string) bool {
	t := p.peek()
	if t.kind != tokenOp {
		return false
	}
	for _, o := range ops {
		if t.text == o {
			return true
		}
	}
	return false
}

// accept passes a sequence of words, or nothing.
func (p *parser) accept(sequence ...string) bool {
	for i, w := range sequence {
		if !p.peekIs(i, w) {
			return false
		}
	}
	p.i += len(sequence)
	return true
}

func (p *parser) acceptOp(op string) bool {
	if p.isOp(op) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(word string) error {
	if !p.accept(word) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) expectOp(op string) error {
	if !p.acceptOp(op) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) fail(t token, format string, args ...any) error {
	return failAt(p.src, t.pos, format, args...)
}

func (p *parser) unexpected() error {
	t := p.peek()
	return p.fail(t, "unexpected '%s'.", t.raw)
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek(), "the statement is nested too deeply")
	}
	return nil
}

func (p *parser) shallower() { p.depth-- }

func (p *parser) grow() error {
	if p.nodes++; p.nodes > maxNodes {
		return p.fail(p.peek(), "the statement is too complex")
	}
	return nil
}

func (p *parser) stringLit() (string, error) {
	t := p.peek()
	if t.kind != tokenString {
		return "", p.unexpected()
	}
	p.i++
	return t.text, nil
}

// stageRef reads @stage/path, with or without quotes around it.
func (p *parser) stageRef() (string, error) {
	t := p.peek()
	if t.kind == tokenStage || t.kind == tokenString && strings.HasPrefix(t.text, "@") {
		p.i++
		return t.text, nil
	}
	return "", p.unexpected()
}

// options reads NAME = value pairs until something else comes.
func (p *parser) options() ([]Option, error) {
	var list []Option
	for {
		p.acceptOp(",")
		if p.peek().kind != tokenWord || p.tokens[p.i+1].text != "=" || p.tokens[p.i+1].kind != tokenOp {
			return list, nil
		}
		o := Option{Name: p.next().text}
		p.i++
		if err := p.optionValue(&o); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
}

func (p *parser) optionValue(o *Option) error {
	t := p.next()
	switch {
	case t.kind == tokenWord || t.kind == tokenNumber:
		o.Values = []string{t.text}
	case t.kind == tokenQuoted || t.kind == tokenString || t.kind == tokenStage:
		o.Values, o.Strings = []string{t.text}, true
	case t.text == "-" && p.peek().kind == tokenNumber:
		o.Values = []string{"-" + p.next().text}
	case t.kind == tokenOp && t.text == "(":
		if p.peek().kind == tokenWord && p.tokens[p.i+1].text == "=" {
			if err := p.deeper(); err != nil {
				return err
			}
			defer p.shallower()
			var err error
			if o.Options, err = p.options(); err != nil {
				return err
			}
			return p.expectOp(")")
		}
		o.Values = []string{}
		for !p.acceptOp(")") {
			t := p.next()
			if t.kind != tokenString && t.kind != tokenWord && t.kind != tokenNumber && t.kind != tokenQuoted {
				return p.fail(t, "unexpected '%s'.", t.raw)
			}
			o.Strings = o.Strings || t.kind == tokenString
			o.Values = append(o.Values, t.text)
			if !p.acceptOp(",") && !p.isOp(")") {
				return p.unexpected()
			}
		}
	default:
		return p.fail(t, "unexpected '%s'.", t.raw)
	}
	return nil
}
