package step

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPath is how many levels a path may go down: more than that is a mistake, and each costs a pass over the value.
const maxPath = 32

// path leads from a document to a value in it.
type path struct {
	name []byte // the first level's key
	text string
	segs []seg
}

// seg is one level of a path: an object's key, an array's index, or all elements of an array.
type seg struct {
	key   string
	index int // with isIndex; negative counts from the end
	kind  segKind
}

type segKind uint8

const (
	isKey segKind = iota
	isIndex
	isAll
)

// parsePath reads a path:
//
//	path    = key { "." key | "[" index "]" | "[*]" | "[" quoted "]" }
//	key     = one or more characters other than . [ ] ", without white space at its ends, or quoted
//	quoted  = a text in double quotes, with the escapes of JSON
//	index   = a whole number; -1 is the last element
func parsePath(text string) (path, error) {
	p := path{text: text}
	rest := text
	for first := true; rest != ""; first = false {
		if len(p.segs) == maxPath {
			return p, fmt.Errorf("goes down more than %d levels", maxPath)
		}
		var s seg
		var err error
		switch {
		case rest[0] == '[' && !first:
			s, rest, err = parseBracket(rest[1:])
		case first:
			s, rest, err = parseKey(rest)
		case rest[0] == '.':
			s, rest, err = parseKey(rest[1:])
		default:
			r, _ := utf8.DecodeRuneInString(rest)
			err = fmt.Errorf("has %q where . or [ should be", r)
		}
		if err != nil {
			return p, err
		}
		p.segs = append(p.segs, s)
	}
	if len(p.segs) == 0 {
		return p, errors.New("is empty")
	}
	p.name = []byte(p.segs[0].key)
	return p, nil
}

func parseKey(text string) (s seg, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		s.key, rest, err = parseQuoted(text)
		return s, rest, err
	}
	end := strings.IndexAny(text, `.[]"`)
	if end < 0 {
		end = len(text)
	}
	if end == 0 || strings.TrimSpace(text[:end]) != text[:end] {
		return s, "", errors.New(`has no key where one should be; a key with . [ ] " or white space at its ends is written in double quotes`)
	}
	return seg{key: text[:end]}, text[end:], nil
}

func parseQuoted(text string) (key, rest string, err error) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			key, ok := unquote(text[1:i])
			if !ok {
				return "", "", errors.New("has a wrong escape in its quotes; they are JSON's")
			}
			return key, text[i+1:], nil
		}
	}
	return "", "", errors.New("has a quote without its end")
}

func parseBracket(text string) (s seg, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		if s.key, rest, err = parseQuoted(text); err != nil {
			return s, "", err
		}
		if !strings.HasPrefix(rest, "]") {
			return s, "", errors.New("has a [ without its ]")
		}
		return s, rest[1:], nil
	}
	inner, rest, ok := strings.Cut(text, "]")
	if !ok {
		return s, "", errors.New("has a [ without its ]")
	}
	if inner == "*" {
		return seg{kind: isAll}, rest, nil
	}
	n, err := strconv.ParseInt(inner, 10, 32)
	if err != nil || inner[0] == '+' {
		return s, "", errors.New(`has no index in its brackets: a whole number, * for all, or a key in double quotes`)
	}
	return seg{kind: isIndex, index: int(n)}, rest, nil
}

// many reports whether the path may lead to several values, and so to none.
func (p *path) many() bool { return anyAll(p.segs) }

func anyAll(segs []seg) bool {
	for i := range segs {
		if segs[i].kind == isAll {
			return true
		}
	}
	return false
}
