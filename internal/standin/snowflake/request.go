package snowflake

import (
	"context"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// A request is one statement as a client asked for it. It is known by its request id, so that a repetition, after a lost
// reply, gets the first answer and does not run again.
type request struct {
	id      string
	query   string
	session *session
	event   Event
	cancel  context.CancelCauseFunc
	done    chan struct{}
	answer  *answer // set before done is closed
	err     error   // likewise
	fault   *Fault  // of the After hook, for the first reply only
}

// keptRequests is how many answers are remembered, at least, for repetitions and polls.
const keptRequests = 1000

type queryRequest struct {
	SQL          string                  `json:"sqlText"`
	Async        bool                    `json:"asyncExec"`
	DescribeOnly bool                    `json:"describeOnly"`
	Parameters   map[string]any          `json:"parameters"`
	Bindings     map[string]bindingValue `json:"bindings"`
}

func (s *Server) handleQuery(w http.ResponseWriter, r *http.Request) {
	var q queryRequest
	if err := readJSON(r, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := r.URL.Query().Get("requestId")
	s.mu.Lock()
	old := s.requests[id]
	se := s.tokens[bearer(r)]
	s.mu.Unlock()
	class := classOf(q.SQL)
	replay := old != nil && class != "PUT" && old.event.SQL == q.SQL
	var ev Event
	if replay {
		ev = old.event
		ev.Replay = true
	} else {
		ev = s.event(class, q.SQL, se)
	}
	if applied(w, s.fault(false, ev), "") {
		return
	}
	se, err := s.bySessionToken(bearer(r))
	if err != nil {
		refuse(w, err, "")
		return
	}
	if !replay {
		old = s.start(se, id, &q, ev)
	}
	s.answerWhenDone(w, r, old, replay)
}

// start runs a statement on a goroutine of its own, which outlives the client's connection: a statement whose client is
// gone runs to its end (ABORT_DETACHED_QUERY is false).
func (s *Server) start(se *session, id string, q *queryRequest, ev Event) *request {
	ctx, cancel := context.WithCancelCause(s.ctx)
	rq := &request{id: id, query: s.uuid(), session: se, event: ev, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	if id != "" {
		s.requests[id] = rq
	}
	s.queries[rq.query] = rq
	s.recent = append(s.recent, rq)
	if len(s.recent) > 2*keptRequests {
		for _, old := range s.recent[:keptRequests] {
			delete(s.requests, old.id)
			delete(s.queries, old.query)
		}
		s.recent = slices.Delete(s.recent, 0, keptRequests)
	}
	s.mu.Unlock()
	s.busy.Go(func() {
		defer close(rq.done)
		defer cancel(nil)
		select {
		case <-se.turn:
			defer func() { se.turn <- struct{}{} }()
		case <-ctx.Done():
			rq.err = context.Cause(ctx)
			return
		}
		rq.answer, rq.err = s.run(ctx, rq, q)
		rq.event.Err = rq.err
		rq.fault = s.fault(true, rq.event)
	})
	return rq
}

func (s *Server) run(ctx context.Context, rq *request, q *queryRequest) (a *answer, err error) {
	defer func() {
		if p := recover(); p != nil { // a bug of the stand-in must not look like a lost connection
			err = failf("000603", "XX000", "SQL execution internal error: %v\n%s", p, debug.Stack())
		}
	}()
	if limit := rq.session.seconds("STATEMENT_TIMEOUT_IN_SECONDS"); limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, failf("000630", "57014", "Statement reached its statement or warehouse timeout of %d second(s) and was canceled.", int(limit.Seconds())))
		defer stop()
	}
	s.options.Log.DebugContext(ctx, "statement", "session", rq.session.id, "query", rq.query, "sql", q.SQL)
	st := &execution{server: s, session: rq.session, ctx: ctx, sql: q.SQL, queryID: rq.query, describe: q.DescribeOnly}
	if st.binds, st.bindRows, err = readBindings(q.Bindings); err != nil {
		return nil, err
	}
	a, err = st.execute()
	rq.session.lastQuery = rq.query
	return a, err
}

// answerWhenDone sends the answer, or after a while the place where it can be fetched.
func (s *Server) answerWhenDone(w http.ResponseWriter, r *http.Request, rq *request, replay bool) {
	slow := time.NewTimer(s.options.SlowStatement)
	defer slow.Stop()
	select {
	case <-rq.done:
	case <-r.Context().Done():
		return
	case <-slow.C:
		write(w, object{"success": true, "code": "333334", "message": "Query execution in progress. Asynchronous execution in effect. Use provided query id to perform query monitoring and management.",
			"data": object{"queryId": rq.query, "getResultUrl": "/queries/" + rq.query + "/result", "queryAbortsAfterSecs": 300, "progressDesc": nil}})
		return
	}
	if !replay && applied(w, rq.fault, rq.query) {
		return
	}
	s.send(w, r, rq)
}

// send writes a finished statement's answer. Upload URLs begin with the address by which the client reached the server.
func (s *Server) send(w http.ResponseWriter, r *http.Request, rq *request) {
	if rq.err != nil {
		refuse(w, rq.err, rq.query)
		return
	}
	if rq.answer.upload != nil {
		base := "http://" + r.Host
		if u := s.baseURL.Load(); u != nil {
			base = *u
		}
		upload := maps.Clone(rq.answer.upload)
		info := maps.Clone(upload["stageInfo"].(object))
		if u, ok := info["presignedUrl"].(string); ok {
			info["presignedUrl"] = base + u
		}
		upload["stageInfo"], upload["queryId"] = info, rq.query
		reply(w, upload)
		return
	}
	reply(w, rq.answer.wire(rq))
}

func (s *Server) handleResult(w http.ResponseWriter, r *http.Request) {
	se, err := s.bySessionToken(bearer(r))
	s.mu.Lock()
	rq := s.queries[r.PathValue("id")]
	s.mu.Unlock()
	ev := s.event("POLL", "", se)
	if applied(w, s.fault(false, ev), "") {
		return
	}
	if err == nil && (rq == nil || rq.session.user != se.user) {
		err = failf("000709", "02000", "Statement %s not found", r.PathValue("id"))
	}
	if err != nil {
		refuse(w, err, "")
		return
	}
	s.answerWhenDone(w, r, rq, false)
}

func (s *Server) handleAbort(w http.ResponseWriter, r *http.Request) {
	var body struct {
		RequestID string `json:"requestId"`
	}
	if err := readJSON(r, &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	se, err := s.bySessionToken(bearer(r))
	if applied(w, s.fault(false, s.event("ABORT", "", se)), "") {
		return
	}
	s.mu.Lock()
	rq := s.requests[body.RequestID]
	s.mu.Unlock()
	if err == nil {
		err = failf("000605", "57014", "Identified SQL statement is not currently executing.")
		if rq != nil {
			select {
			case <-rq.done:
			default:
				rq.cancel(failf("000604", "57014", "SQL execution canceled"))
				err = nil
			}
		}
	}
	if err != nil {
		refuse(w, err, "")
		return
	}
	reply(w, nil)
}

// classOf says what kind of statement a text is, for hooks and counts, before it is parsed.
func classOf(sql string) string {
	word := syntax.FirstWord(sql)
	switch word {
	case "BEGIN", "START":
		return "BEGIN"
	case "COMMIT", "ROLLBACK", "COPY", "PUT", "INSERT", "UPDATE", "DELETE", "SHOW":
		return word
	case "SELECT", "WITH", "VALUES":
		return "SELECT"
	case "DESC", "DESCRIBE":
		return "DESCRIBE"
	case "LIST", "LS":
		return "LIST"
	case "REMOVE", "RM":
		return "REMOVE"
	case "USE":
		return "SESSION"
	case "ALTER":
		if syntax.SecondWord(sql) == "SESSION" {
			return "SESSION"
		}
	}
	return "DDL"
}
