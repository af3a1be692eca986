package snowflake

// Event is one statement, or one other request, at the moment a hook sees it.
type Event struct {
	// Class is LOGIN, RENEW, CLOSE, UPLOAD, POLL, ABORT, or the statement's class as in [Stats].
	Class string
	// SQL is the statement's text.
	SQL string
	// Session is the session's id as CURRENT_SESSION() gives it, 0 at LOGIN and UPLOAD.
	Session int64
	User    string
	// Number counts events from 1, ClassNumber those of the class. A repetition has the numbers of the first.
	Number, ClassNumber int
	// Replay says that the client sent the same request again; its statement is not run a second time.
	Replay bool
	// Err is the statement's failure; set only after it has run.
	Err error
}

// Fault is what a hook does to an event. Its parts take effect in this order.
type Fault struct {
	// Call runs first.
	Call func()
	// Wait holds the event until it is closed or the server closes.
	Wait <-chan struct{}
	// ExpireSession makes the session's token expire: before a statement it is answered with 390112.
	ExpireSession bool
	// Cut ends the connection without an answer: before a statement it is not run, after it only the reply is lost.
	Cut bool
	// Status, if not zero, is answered instead, as a plain HTTP error.
	Status int
	// Err, if not nil, is answered instead.
	Err *Error
}

// Hooks see every request, on the goroutine that serves it. Before sees it when it has arrived and nothing has happened, After when a
// statement has run (or failed) and its answer was not yet sent. Either may be nil and may return nil.
type Hooks struct {
	Before func(Event) *Fault
	After  func(Event) *Fault
}

// SetHooks replaces the hooks.
func (s *Server) SetHooks(h Hooks) { s.hooks.Store(&h) }

// event counts an event and gives it its numbers.
func (s *Server) event(class, sql string, se *session) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Statements[class]++
	n := 0
	for _, c := range s.stats.Statements {
		n += c
	}
	e := Event{Class: class, SQL: sql, Number: n, ClassNumber: s.stats.Statements[class]}
	if se != nil {
		e.Session, e.User = se.id, se.user
	}
	return e
}

func (s *Server) fault(after bool, e Event) *Fault {
	h := s.hooks.Load()
	if h == nil {
		return nil
	}
	fn := h.Before
	if after {
		fn = h.After
	}
	if fn == nil {
		return nil
	}
	f := fn(e)
	if f == nil {
		return nil
	}
	if f.Call != nil {
		f.Call()
	}
	if f.Wait != nil {
		select {
		case <-f.Wait:
		case <-s.ctx.Done():
		}
	}
	if f.ExpireSession {
		s.mu.Lock()
		if se := s.sessions[e.Session]; se != nil {
			se.tokenExpires = s.now()
		}
		s.mu.Unlock()
	}
	return f
}
