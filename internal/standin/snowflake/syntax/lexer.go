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

func (l *lexer) number() {
	start := l.pos
	digits := func() {
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
	}
	digits()
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		l.pos++
		digits()
	}
	if rest := l.src[l.pos:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		n := 1
		if rest[1] == '+' || rest[1] == '-' {
			n = 2
		}
		if len(rest) > n && isDigit(rest[n]) {
			l.pos += n
			digits()
		}
	}
	l.emit(tokenNumber, l.src[start:l.pos], start)
}

// quotedString reads '...' with doubled quotes and backslash escapes.
func (l *lexer) quotedString() error {
	start := l.pos
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\'' && strings.HasPrefix(l.src[l.pos+1:], "'"):
			l.pos++
			b.WriteByte('\'')
		case c == '\'':
			l.pos++
			l.emit(tokenString, b.String(), start)
			return nil
		case c == '\\' && l.pos+1 < len(l.src):
			l.pos++
			if err := l.escape(&b); err != nil {
				return err
			}
		default:
			b.WriteByte(c)
		}
	}
	return l.fail(start, "unexpected ''': the string has no end")
}

// escape reads what follows a backslash (Snowflake docs, "String & binary data types": escape sequences).
func (l *lexer) escape(b *strings.Builder) error {
	digits := func(n, base int) (rune, error) {
		from := l.pos + 1
		if from+n > len(l.src) {
			return 0, l.fail(l.pos, "unexpected '\\': invalid escape sequence")
		}
		var r rune
		for _, c := range []byte(l.src[from : from+n]) {
			d := strings.IndexByte("0123456789abcdef", c|0x20)
			if isDigit(c) {
				d = int(c - '0')
			}
			if d < 0 || d >= base {
				return 0, l.fail(l.pos, "unexpected '\\': invalid escape sequence")
			}
			r = r*rune(base) + rune(d)
		}
		l.pos += n
		return r, nil
	}
	switch c := l.src[l.pos]; c {
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case '0':
		b.WriteByte(0)
	case 'x', 'u':
		n := 2
		if c == 'u' {
			n = 4
		}
		r, err := digits(n, 16)
		if err != nil {
			return err
		}
		b.WriteRune(r)
	default:
		_, size := utf8.DecodeRuneInString(l.src[l.pos:])
		b.WriteString(l.src[l.pos : l.pos+size])
		l.pos += size - 1
	}
	return nil
}

func (l *lexer) quotedName() error {
	start := l.pos
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		if l.src[l.pos] != '"' {
			b.WriteByte(l.src[l.pos])
			continue
		}
		if strings.HasPrefix(l.src[l.pos+1:], `"`) {
			l.pos++
			b.WriteByte('"')
			continue
		}
		l.pos++
		if b.Len() == 0 {
			return l.fail(start, `unexpected '""': a quoted identifier must not be empty`)
		}
		l.emit(tokenQuoted, b.String(), start)
		return nil
	}
	return l.fail(start, `unexpected '"': the identifier has no end`)
}

// stage reads @name/path up to white space, a bracket, a comma or a semicolon outside double quotes.
func (l *lexer) stage() error {
	start, quoted := l.pos, false
	for ; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && strings.IndexByte(" \t\r\n;,()'", c) >= 0 {
			break
		}
	}
	if quoted {
		return l.fail(start, `unexpected '"': the identifier has no end`)
	}
	l.emit(tokenStage, l.src[start:l.pos], start)
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
