package snowflake

import (
	"errors"
	"fmt"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// Error is a refusal as the service words it: a code of six digits, an SQLSTATE and a text.
type Error struct {
	Code    string
	State   string
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%s): %s", e.Code, e.State, e.Message) }

func failf(code, state, format string, args ...any) *Error {
	return &Error{Code: code, State: state, Message: fmt.Sprintf(format, args...)}
}

// compileError is a 001003: the statement cannot be understood.
func compileError(format string, args ...any) *Error {
	return failf("001003", "42000", "SQL compilation error:\n"+format, args...)
}

func invalidIdentifier(name string) *Error {
	return failf("000904", "42000", "SQL compilation error: error line 1 at position 0\ninvalid identifier '%s'", name)
}

func notFound(kind string, name fmt.Stringer) *Error {
	return failf("002003", "02000", "SQL compilation error:\n%s '%s' does not exist or not authorized.", kind, name)
}

func alreadyExists(name fmt.Stringer) *Error {
	return failf("002002", "42710", "SQL compilation error:\nObject '%s' already exists.", name)
}

func notAuthorized(kind string, name fmt.Stringer) *Error {
	return failf("003001", "42501", "SQL access control error:\nInsufficient privileges to operate on %s '%s'", kind, name)
}

// asError turns any failure of a statement into what the client gets. Engine failures become internal errors (000603).
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var s *syntax.Error
	if errors.As(err, &s) {
		return compileError("%s", s.Error())
	}
	switch {
	case errors.Is(err, syntax.ErrEmpty):
		return failf("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
	case errors.Is(err, ErrUnsupported):
		return failf("002030", "0A000", "SQL compilation error:\n%v", err)
	}
	return failf("000603", "XX000", "SQL execution internal error:\nProcessing aborted by error 300002: %v", err)
}
