package duck

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenWord   tokenKind = iota // text in upper case
	tokenQuoted                  // text without the quotes
	tokenNumber
	tokenString // text without the quotes and escapes
	tokenBind
	tokenOp
)

type token struct {
	kind     tokenKind
	text     string
	from, to int // in the source
}

// operators of more than one character, the longest first.
var operators = []string{"::", "<>", "!=", "<=", ">=", "||", "=>", "->"}

// lex cuts a statement into words. Comments are dropped.
func lex(src string) ([]token, error) {
	var out []token
	for i := 0; i < len(src); {
		rest := src[i:]
		r, width := utf8.DecodeRuneInString(rest)
		t := token{from: i}
		switch {
		case unicode.IsSpace(r):
			i += width
			continue
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				i += n
			} else {
				i = len(src)
			}
			continue
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return nil, fmt.Errorf("the comment at byte %d has no end", i)
			}
			i += n + 4
			continue
		case strings.HasPrefix(rest, "$$"):
			n := strings.Index(rest[2:], "$$")
			if n < 0 {
				return nil, fmt.Errorf("the string at byte %d has no end", i)
			}
			t.kind, t.text = tokenString, rest[2:2+n]
			i += n + 4
		case r == '\'' || r == '"':
			text, n := quoted(rest)
			if n == 0 {
				return nil, fmt.Errorf("the quote at byte %d has no end", i)
			}
			t.kind, t.text = tokenQuoted, text
			if r == '\'' {
				t.kind = tokenString
			}
			i += n
		case r == '_' || unicode.IsLetter(r):
			n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
			if n < 0 {
				n = len(rest)
			}
			t.kind, t.text = tokenWord, strings.ToUpper(rest[:n])
			i += n
		case r >= '0' && r <= '9' || r == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
			n := number(rest)
			t.kind, t.text = tokenNumber, rest[:n]
			i += n
		case r == '?':
			t.kind, t.text = tokenBind, "?"
			i++
		default:
			t.kind, t.text = tokenOp, rest[:width]
			for _, op := range operators {
				if strings.HasPrefix(rest, op) {
					t.text = op
					break
				}
			}
			i += len(t.text)
		}
		t.to = i
		out = append(out, t)
	}
	return out, nil
}

// quoted reads a string or a quoted name; n is 0 if it has no end. Strings know backslashes, names do not.
func quoted(s string) (text string, n int) {
	var b strings.Builder
	q := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == q && i+1 < len(s) && s[i+1] == q:
			b.WriteByte(q)
			i++
		case s[i] == q:
			return b.String(), i + 1
		case s[i] == '\\' && q == '\'' && i+1 < len(s):
			i++
			if k := strings.IndexByte("nrtb0", s[i]); k >= 0 {
				b.WriteByte("\n\r\t\b\x00"[k])
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0
}

// number is the length of the number that s begins with.
func number(s string) int {
	digits := func(i int) int {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i
	}
	n := digits(0)
	if n < len(s) && s[n] == '.' {
		n = digits(n + 1)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		k := n + 1
		if k < len(s) && (s[k] == '+' || s[k] == '-') {
			k++
		}
		if end := digits(k); end > k {
			n = end
		}
	}
	return n
}

// literal writes a string for DuckDB, which knows no backslashes.
func literal(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "'", "''") + "'"
}
