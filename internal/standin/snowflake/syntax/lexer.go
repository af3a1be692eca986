package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a compilation error at a place of the statement. Line counts from 1, Pos from 0 within its line, as the service counts.
type Error struct {
	Line, Pos int
	Message   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("syntax error line %d at position %d %s", e.Line, e.Pos, e.Message)
}

type tokenKind uint8

const (
	tokenEOF tokenKind = iota
	tokenWord
	tokenQuoted
	tokenNumber
	tokenString
	tokenDollar // $1
	tokenBind   // ?
	tokenStage  // @name/path, without quotes around it
	tokenFile   // file:///path, without quotes around it
	tokenOp
)

type token struct {
	kind tokenKind
	text string // words folded to upper case, strings and quoted names unescaped
	raw  string // as written
	pos  int
}

// MaxStatement is the longest statement in bytes that is accepted (Snowflake docs, "Query size limits": 1 MB).
const MaxStatement = 1 << 20

type lexer struct {
	src    string
	pos    int
	tokens []token
}

func lex(src string) ([]token, error) {
	l := &lexer{src: src}
	if len(src) > MaxStatement {
		return nil, l.fail(0, "the statement is longer than 1 MB")
	}
	for {
		if err := l.skip(); err != nil {
			return nil, err
		}
		if l.pos >= len(l.src) {
			l.tokens = append(l.tokens, token{kind: tokenEOF, raw: "<EOF>", pos: len(l.src)})
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) fail(pos int, format string, args ...any) error {
	return failAt(l.src, pos, format, args...)
}

func failAt(src string, pos int, format string, args ...any) error {
	before := src[:min(pos, len(src))]
	line := strings.Count(before, "\n")
	return &Error{Line: line + 1, Pos: len(before) - strings.LastIndexByte(before, '\n') - 1, Message: fmt.Sprintf(format, args...)}
}

// skip passes white space and comments, which may be --, // and /* */.
func (l *lexer) skip() error {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, "\u00a0"):
			l.pos += len("\u00a0")
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.pos += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return l.fail(l.pos, "unexpected '/*': the comment has no end")
			}
			l.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) emit(kind tokenKind, text string, start int) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, raw: l.src[start:l.pos], pos: start})
}

func (l *lexer) next() error {
	start, c := l.pos, l.src[l.pos]
	rest := l.src[l.pos:]
	switch {
	case strings.HasPrefix(strings.ToLower(rest[:min(len(rest), 7)]), "file://"):
		l.pos += strings.IndexFunc(rest+" ", func(r rune) bool { return strings.ContainsRune(" \t\r\n;", r) })
		l.emit(tokenFile, l.src[start:l.pos], start)
	case isWordStart(c):
		for l.pos < len(l.src) && (isWordStart(l.src[l.pos]) || isDigit(l.src[l.pos]) || l.src[l.pos] == '$') {
			l.pos++
		}
		l.emit(tokenWord, strings.ToUpper(l.src[start:l.pos]), start)
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		l.number()
	case c == '\'':
		return l.quotedString()
	case c == '"':
		return l.quotedName()
	case strings.HasPrefix(rest, "$$"):
		n := strings.Index(rest[2:], "$$")
		if n < 0 {
			return l.fail(start, "unexpected '$$': the string has no end")
		}
		l.pos += n + 4
		l.emit(tokenString, rest[2:2+n], start)
	case c == '$' && len(rest) > 1 && isDigit(rest[1]):
		l.pos++
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
		l.emit(tokenDollar, l.src[start+1:l.pos], start)
	case c == '?':
		l.pos++
		l.emit(tokenBind, "?", start)
	case c == '@':
		return l.stage()
	default:
		return l.operator()
	}
	return nil
}

func (l *lexer) operator() error {
	rest := l.src[l.pos:]
	for _, op := range [...]string{"::", "<>", "!=", "<=", ">=", "||", "=>", ":=", "->"} {
		if strings.HasPrefix(rest, op) {
			l.pos += len(op)
			l.emit(tokenOp, op, l.pos-len(op))
			return nil
		}
	}
	if strings.IndexByte("(),.;+-*/%=<>:[]{}", rest[0]) < 0 {
		r, _ := utf8.DecodeRuneInString(rest)
		return l.fail(l.pos, "unexpected '%c'", r)
	}
	l.pos++
	l.emit(tokenOp, rest[:1], l.pos-1)
	return nil
}
