package dynamodb

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Error is an answer of the service that is not a success. Hooks may return one
// to have it sent in place of the real answer.
type Error struct {
	Status  int    // HTTP status, 400 or 500
	Type    string // short exception name, such as ValidationException
	Message string

	item    Item // the stored item, for a failed condition that asked for it
	reasons []cancellation
}

// cancellation says why one action of a transaction stopped it.
type cancellation struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

// Error implements error.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// namespace is the shape namespace that the service puts before the exception's
// name in __type; clients cut it off, yet some older ones match the whole.
func (e *Error) namespace() string {
	switch e.Type {
	case "ValidationException":
		return "com.amazon.coral.validate#"
	case "ThrottlingException":
		return "com.amazon.coral.availability#"
	case "SerializationException", "UnknownOperationException", "AccessDeniedException",
		"MissingAuthenticationTokenException", "UnrecognizedClientException", "InternalFailure":
		return "com.amazon.coral.service#"
	}
	return "com.amazonaws.dynamodb.v20120810#"
}

func (e *Error) body() []byte {
	b, err := json.Marshal(struct {
		Type    string         `json:"__type"`
		Message string         `json:"message"`
		Item    Item           `json:",omitempty"`
		Reasons []cancellation `json:"CancellationReasons,omitempty"`
	}{e.namespace() + e.Type, e.Message, e.item, e.reasons})
	if err != nil {
		panic(err) // only strings and values of this package: cannot happen
	}
	return b
}

func failure(typ, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: typ, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error {
	return failure("ValidationException", format, args...)
}

func invalidParameter(format string, args ...any) *Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}
