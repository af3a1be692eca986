package dynamodb

import "strings"

type tokenKind int

const (
	tokEOF tokenKind = iota
	tokWord
	tokName  // #placeholder of a name
	tokValue // :placeholder of a value
	tokIndex // decimal digits
	tokPunct // ( ) [ ] . , + - = <> < <= > >=
)

type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is the keyword or punctuation s; keywords match
// in any case.
func (t token) is(s string) bool {
	switch t.kind {
	case tokWord:
		return strings.EqualFold(t.text, s)
	case tokPunct:
		return t.text == s
	}
	return false
}

// lex cuts an expression into tokens; the last is always tokEOF. A character
// that belongs to no token becomes a one-character token that no rule accepts.
func lex(s string) []token {
	var toks []token
	for i := 0; i < len(s); {
		start := i
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '#' || c == ':':
			i = wordEnd(s, i+1)
			kind := tokName
			if c == ':' {
				kind = tokValue
			}
			if i == start+1 {
				kind = tokPunct
			}
			toks = append(toks, token{kind, s[start:i]})
		case isLetter(c):
			i = wordEnd(s, i)
			toks = append(toks, token{tokWord, s[start:i]})
		case isDigit(c):
			for i < len(s) && isDigit(s[i]) {
				i++
			}
			toks = append(toks, token{tokIndex, s[start:i]})
		default:
			i++
			if two := s[start:min(start+2, len(s))]; two == "<>" || two == "<=" || two == ">=" {
				i++
			}
			toks = append(toks, token{tokPunct, s[start:i]})
		}
	}
	return append(toks, token{tokEOF, "<EOF>"})
}

func wordEnd(s string, i int) int {
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
		i++
	}
	return i
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
