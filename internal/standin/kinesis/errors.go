package kinesis

import (
	"fmt"
	"net/http"
)

// Error is an exception of the service: its name as the __type on the wire, and its HTTP status.
type Error struct {
	Code    string
	Message string
	Status  int
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func clientError(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

func invalidArgument(format string, args ...any) *Error {
	return clientError("InvalidArgumentException", format, args...)
}

func notFound(format string, args ...any) *Error {
	return clientError("ResourceNotFoundException", format, args...)
}

func limitExceeded(format string, args ...any) *Error {
	return clientError("LimitExceededException", format, args...)
}

func throughputExceeded(format string, args ...any) *Error {
	return clientError("ProvisionedThroughputExceededException", format, args...)
}

// invalid is the service's text for a parameter outside its constraint.
func invalid(value any, member, constraint string) *Error {
	quoted := "null"
	if value != nil {
		quoted = fmt.Sprintf("'%v'", value)
	}
	return clientError("ValidationException", "1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s",
		quoted, member, constraint)
}

func missing(member string) *Error { return invalid(nil, member, "Member must not be null") }

// kmsErrors are the exceptions that reading or writing an encrypted stream can meet.
var kmsErrors = map[string]string{
	"KMSAccessDeniedException": "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
	"KMSDisabledException":     "The request was rejected because the specified customer master key (CMK) isn't enabled.",
	"KMSInvalidStateException": "The request was rejected because the state of the specified resource isn't valid for this request.",
	"KMSNotFoundException":     "The request was rejected because the specified entity or resource can't be found.",
	"KMSOptInRequired":         "The AWS access key ID needs a subscription for the service.",
	"KMSThrottlingException":   "The request was denied due to request throttling.",
}
