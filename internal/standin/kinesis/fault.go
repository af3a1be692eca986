package kinesis

import (
	"context"
	"sync"
	"time"
)

// Call is one request as the hooks see it.
type Call struct {
	Op     string // operation, as in the API reference
	N      int    // running number among the calls of Op, from 1
	Stream string // name, "" if the request names none
	Shard  string // shard id, "" if the request names none
}

// Fault is what a hook wants done. Its parts are carried out in the order of the fields.
type Fault struct {
	Do    func()          // called first, on the request's goroutine; may block
	Wait  <-chan struct{} // waited for, until the client gives the request up
	Delay time.Duration   // waited for likewise, by a timer of package time
	Cut   bool            // break the connection without an answer

	Code    string // answer this exception instead
	Message string
	Status  int // its HTTP status, default 400; with no Code a bare 500 or 503

	// Empty, before a GetRecords, has it answer with no records though there are some: MillisBehindLatest stays above
	// 0 and the iterator where it was. The service answers so when it has not yet come to a part with records.
	Empty bool
	// AtMost, before a GetRecords, bounds the records of the answer, as the service may at any time.
	AtMost int

	// For an event of a subscription only. Tear breaks the connection in the middle of the event, Stall sends neither it nor
	// any other and keeps the connection open, Corrupt sends it with a payload that its checksum is not of.
	Tear, Stall, Corrupt bool
}

// Event is one event of a subscription as the hook sees it, about to be sent.
type Event struct {
	Stream, Shard, Consumer string
	Subscription            int  // running number of the server's subscriptions, from 1
	N                       int  // running number in its subscription, from 1
	Records                 int  // records in it
	Last                    bool // at the end of the shard
}

// Hooks are asked around each request, on its goroutine; a nil hook or a nil fault does nothing. Before a request, a
// cut or an error means that it had no effect. After it, the effect stands and only the answer is lost or replaced.
type Hooks struct {
	Before func(Call) *Fault
	After  func(Call) *Fault
	// Event is asked before each event, on the goroutine that sends or reads it. Cut breaks the connection instead of the
	// event; Code ends the subscription with that exception instead of it. What a fault holds back is lost to the client,
	// which has to subscribe again from where it is.
	Event func(Event) *Fault
}

// Throw is a fault that answers a named exception of the service.
func Throw(code, message string) *Fault { return &Fault{Code: code, Message: message} }

// Cut is a fault that breaks the connection.
func Cut() *Fault { return &Fault{Cut: true} }

// Plan is a hook that meets each operation's n-th call with its fault.
type Plan map[string]map[int]*Fault

// At adds a fault for the n-th call of op, counted from 1, and returns the plan.
func (p Plan) At(op string, n int, f *Fault) Plan {
	if p[op] == nil {
		p[op] = map[int]*Fault{}
	}
	p[op][n] = f
	return p
}

// Hook is the plan as Hooks.Before or Hooks.After takes it. The plan must not be changed from then on.
func (p Plan) Hook(c Call) *Fault { return p[c.Op][c.N] }

type faults struct {
	mu    sync.Mutex
	hooks Hooks
	calls map[string]int
}

func (f *faults) set(h Hooks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = h
}

func (f *faults) current() Hooks {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hooks
}

func (f *faults) number(op string) (int, Hooks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[op]++
	return f.calls[op], f.hooks
}

// outcome of a fault: whether the connection is to be cut, or the error to answer.
func (f *Fault) meet(ctx context.Context) (cut bool, err *Error) {
	if f == nil {
		return false, nil
	}
	if f.Do != nil {
		f.Do()
	}
	if f.Wait != nil {
		select {
		case <-f.Wait:
		case <-ctx.Done():
			return true, nil
		}
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return true, nil
		}
	}
	if f.Cut {
		return true, nil
	}
	if f.Code == "" && f.Status == 0 {
		return false, nil
	}
	e := &Error{Code: f.Code, Message: f.Message, Status: f.Status}
	if e.Status == 0 {
		e.Status = 400
	}
	if e.Code == "" {
		e.Code = "InternalFailure"
		if e.Status == 503 {
			e.Code = "ServiceUnavailable"
		}
	}
	return false, e
}
