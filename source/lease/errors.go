package lease

import (
	"errors"
	"fmt"
	"strings"
)

// ErrLost says that a lease is not, or no longer, held by this worker.
var ErrLost = errors.New("lease is lost")

// ErrPermanent marks errors that repeating does not cure: a missing permission, a table of another shape, a stream
// that was created anew. [Coordinator.Run] ends with them. A [Lister] wraps it into its own permanent errors.
var ErrPermanent = errors.New("cannot be cured by trying again")

// ErrStopped is returned by [Coordinator.Next] once no lease will be handed out any more.
var ErrStopped = errors.New("lease coordinator has stopped")

// Class sorts the errors of a [Store] by what the caller does next.
type Class uint8

const (
	// ClassRetry: try again soon. Of a write the outcome is unknown, so the same write is repeated.
	ClassRetry Class = iota
	// ClassThrottled: nothing was written; try again later.
	ClassThrottled
	// ClassLost: the condition of a write did not hold; nothing was written.
	ClassLost
	// ClassPermanent: trying again does not help.
	ClassPermanent
)

func (c Class) String() string {
	return [...]string{"retry", "throttled", "lost", "permanent"}[c]
}

// Error is an error of a [Store].
type Error struct {
	Op    string // what was tried, verb first: "renew lease shardId-000000000000"
	Class Class
	Found *Lease // of ClassLost: the row as it was found; nil when there was none
	Hint  string // what the operator does about it, or ""
	Err   error
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Op, strings.TrimSuffix(e.Err.Error(), "."), e.Hint)
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes ClassLost an ErrLost and ClassPermanent an ErrPermanent.
func (e *Error) Is(target error) bool {
	return target == ErrLost && e.Class == ClassLost || target == ErrPermanent && e.Class == ClassPermanent
}

// ClassOf returns the class of an error of a [Store] or [Lister].
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	switch {
	case errors.Is(err, ErrPermanent):
		return ClassPermanent
	case errors.Is(err, ErrLost):
		return ClassLost
	default:
		return ClassRetry
	}
}
