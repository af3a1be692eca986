package jsonscan

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
)

// What an [*Error] can be, by errors.Is.
var (
	ErrSyntax    = errors.New("not JSON")
	ErrTooDeep   = errors.New("nested too deeply")
	ErrNotObject = errors.New("not a JSON object")
)

// Error says why a text is not acceptable and where. Its text holds no byte of the scanned text but one quoted
// character.
type Error struct {
	// Offset is the place of the first byte at fault, counted from 0; the text's length if it ends too early.
	Offset int

	problem problem
	kind    row.Kind // of the value, for notObject
	char    rune     // at Offset; -1 at the end of the text
}

// Is matches the package's sentinels.
func (e *Error) Is(target error) bool {
	switch e.problem {
	case notObject:
		return target == ErrNotObject
	case tooDeep:
		return target == ErrTooDeep
	default:
		return target == ErrSyntax
	}
}

func (e *Error) Error() string {
	switch e.problem {
	case notObject:
		return kindNames[e.kind] + ", not an object"
	case tooDeep:
		return fmt.Sprintf("nested deeper than %d at byte %d", MaxDepth, e.Offset)
	case badUTF8:
		return fmt.Sprintf("invalid UTF-8 at byte %d", e.Offset)
	case byteOrderMark:
		return "a UTF-8 byte order mark at byte 0, which JSON does not allow"
	case controlCharacter:
		return fmt.Sprintf("control character %s at byte %d, which a string must escape", strconv.QuoteRune(e.char), e.Offset)
	}
	if e.char < 0 {
		return fmt.Sprintf("unexpected end at byte %d, where %s should be", e.Offset, expectations[e.problem])
	}
	return fmt.Sprintf("invalid character %s at byte %d, where %s should be", strconv.QuoteRune(e.char), e.Offset, expectations[e.problem])
}

type problem uint8

const (
	badUTF8 problem = iota
	byteOrderMark
	controlCharacter
	tooDeep
	notObject
	// From here on: what should have been there.
	unterminated
	wantColon
	wantCommaOrBrace
	wantCommaOrBracket
	wantDigit
	wantEnd
	wantEscape
	wantHex
	wantKey
	wantKeyOrBrace
	wantLiteral
	wantValue
	wantValueOrBracket
)

var expectations = [...]string{
	unterminated:       "the rest of a string",
	wantColon:          "':'",
	wantCommaOrBrace:   "',' or '}'",
	wantCommaOrBracket: "',' or ']'",
	wantDigit:          "a digit",
	wantEnd:            "the end",
	wantEscape:         "an escape",
	wantHex:            "a hexadecimal digit",
	wantKey:            "a key in quotes",
	wantKeyOrBrace:     "a key in quotes or '}'",
	wantLiteral:        "true, false or null",
	wantValue:          "a value",
	wantValueOrBracket: "a value or ']'",
}

var kindNames = [...]string{
	row.Null:   "a JSON null",
	row.False:  "a JSON boolean",
	row.True:   "a JSON boolean",
	row.Int:    "a JSON number",
	row.Float:  "a JSON number",
	row.String: "a JSON string",
	row.Object: "a JSON object",
	row.Array:  "a JSON array",
}

// fail notes a problem and returns -1, the index that means failure.
func (s *Scanner) fail(p problem, at int) int {
	s.problem, s.at = p, at
	return -1
}

// failString notes a problem at an index of the string that begins at start, or bad UTF-8 before it if there is any:
// strings are checked for it only at their end.
func (s *Scanner) failString(p problem, b []byte, start, at int) int {
	for i := start; i < at; {
		r, n := utf8.DecodeRune(b[i:at])
		if r == utf8.RuneError && n == 1 {
			return s.fail(badUTF8, i)
		}
		i += n
	}
	return s.fail(p, at)
}

// error makes the noted problem into an Error.
func (s *Scanner) error(b []byte) error {
	e := &Error{Offset: s.at, problem: s.problem, char: -1}
	if s.at < len(b) {
		var n int
		if e.char, n = utf8.DecodeRune(b[s.at:]); e.char == utf8.RuneError && n == 1 {
			e.problem = badUTF8
		}
	}
	return e
}
