package dynamodb

import (
	"context"
	"net/http"
)

// Call describes one operation to a hook.
type Call struct {
	Op    string // such as UpdateItem
	N     int    // 1 for the first call of this operation, counted over all tables
	Total int    // 1 for the first call of any operation
	Table string // "" when the operation names no single table
	Key   string // the primary key's values joined by "/", or "" when the operation names no single item
	Body  []byte // the request as it came; not to be changed
	Err   *Error // After only: the service's own refusal, or nil
}

// Hooks are called by the goroutine that serves the request, without any lock
// held: a hook may wait (it should give up when ctx ends), call the Server, or
// count. Returning nil lets the operation take its course.
type Hooks struct {
	// Before runs before the operation is applied; a fault prevents it.
	Before func(ctx context.Context, c Call) *Fault
	// After runs when the operation has been applied and its answer has not
	// left: a fault replaces the answer, so that the client does not know.
	After func(ctx context.Context, c Call) *Fault
}

// Fault is what the client gets in place of the answer: an error, or a cut
// connection when Err is nil.
type Fault struct{ Err *Error }

// Cut closes the connection without an answer.
func Cut() *Fault { return &Fault{} }

// Refuse answers with an error of HTTP status 400.
func Refuse(exception, message string) *Fault {
	return &Fault{failure(exception, "%s", message)}
}

// Throttle answers as a table whose throughput is exhausted.
func Throttle() *Fault {
	return Refuse("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
}

// ThrottleRate answers as a control plane that is asked too often.
func ThrottleRate() *Fault {
	return Refuse("ThrottlingException", "Rate exceeded")
}

// Internal answers with HTTP status 500.
func Internal() *Fault {
	return &Fault{&Error{Status: http.StatusInternalServerError, Type: "InternalServerError", Message: "Internal server error"}}
}

// Deny answers as a missing IAM permission.
func Deny(action, resource string) *Fault {
	return Refuse("AccessDeniedException", "User: arn:aws:iam::123456789012:user/connector is not authorized to perform: dynamodb:"+action+" on resource: "+resource+" because no identity-based policy allows the dynamodb:"+action+" action")
}

// Counts are the counters of one operation.
type Counts struct {
	Calls           int     // requests that named the operation
	Succeeded       int     // applied and answered, or applied and then hidden by a fault
	Refused         int     // answered with an error of the service itself
	ConditionFailed int     // of Refused: failed conditions
	Faulted         int     // answered or cut by a hook
	ReadUnits       float64 // capacity that the calls consumed
	WriteUnits      float64
}
