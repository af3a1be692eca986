package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
)

const (
	ordersTable  = "RAW.KINESIS.ORDERS"
	offsetsTable = ordersTable + "$OFFSETS"
)

// faulty is a stack with one pipeline on it, into whose work a test puts faults.
type faulty struct {
	*stack
	*running
	cable  *cable
	probes *http.ServeMux
}

// inFault runs a pipeline that has loaded some records already, then f. At the end it sends more, expects all of them
// in the table once, and stops the pipeline.
func inFault(t *testing.T, f func(t *testing.T, p *faulty)) {
	t.Helper()
	inStack(t, 2, func(t *testing.T, s *stack) {
		p := s.faulty(s.config("worker"), false)
		s.put(500)
		p.loadsAll(t)
		f(t, p)
		s.put(500)
		p.loadsAll(t)
		p.stop()
		p.end(t)
		s.complete()
	})
}

func (s *stack) faulty(cfg *config.Pipeline, until bool) *faulty {
	health, c := telemetry.NewHealth(), newCable(s)
	s.health = health.Pipeline("orders")
	p := &faulty{stack: s, cable: c, probes: http.NewServeMux()}
	health.Routes(p.probes)
	p.running = s.startOver(c, cfg, until)
	return p
}

// loadsAll waits until every row sent is committed.
func (p *faulty) loadsAll(t *testing.T) {
	t.Helper()
	p.until(t, func(g Progress) bool { return g.Tally.Loaded == int64(p.sent-p.bad) })
}

// state is what /readyz says.
func (p *faulty) state() (state, lastError string) {
	w := httptest.NewRecorder()
	p.probes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var answer struct {
		Pipelines []struct {
			State     string `json:"state"`
			LastError string `json:"last_error"`
		} `json:"pipelines"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Pipelines) != 1 {
		p.t.Fatalf("/readyz: %v: %s", err, w.Body)
	}
	return answer.Pipelines[0].State, answer.Pipelines[0].LastError
}

// becomes waits, for ten minutes of the bubble, until /readyz says the state, and returns the last error.
func (p *faulty) becomes(t *testing.T, want telemetry.State) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; {
		state, last := p.state()
		if state == string(want) {
			return last
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %s (%s), want %s; log:\n%s", state, last, want, p.log)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// complains waits until /readyz fails with an error that has all of the words.
func (p *faulty) complains(t *testing.T, words ...string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; {
		last := p.becomes(t, telemetry.Failing)
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(last, w) }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz says %q, want the words %q", last, words)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// said counts the lines of a message in the log.
func (p *faulty) said(message string) (n int) {
	for line := range strings.Lines(p.log.String()) {
		var l struct{ Msg string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == message {
			n++
		}
	}
	return n
}

// fails waits for the run to end with an error that has all of the words.
func (p *faulty) fails(t *testing.T, words ...string) {
	t.Helper()
	select {
	case err := <-p.done:
		names(t, err, words...)
		if state, last := p.state(); state != string(telemetry.Stopped) || last == "" {
			t.Errorf("at the end /readyz says %s, %q", state, last)
		}
	case <-time.After(10 * time.Minute):
		t.Fatalf("did not end; log:\n%s", p.log)
	}
	p.stop()
}

func names(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v does not say %q", err, w)
		}
	}
}

func (s *stack) admin(statement string) {
	s.t.Helper()
	if _, err := s.snowflake.Exec(s.t.Context(), statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// count runs a statement that gives one value.
func (s *stack) count(statement string) string {
	s.t.Helper()
	res, err := s.snowflake.Exec(s.t.Context(), statement)
	if err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
	return res.Rows[0][0].Text
}

// list counts the rows of a statement.
func (s *stack) list(statement string) int {
	s.t.Helper()
	res, err := s.snowflake.Exec(s.t.Context(), statement)
	if err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
	return len(res.Rows)
}

// moment is when a connection is cut, as the server sees the statement.
type moment string

const (
	beforeIt moment = "before" // it never arrives
	duringIt moment = "during" // the client is gone while it runs: it ends some seconds later
	afterIt  moment = "after"  // it has run; the answer is lost
)

var errReset = errors.New("connection reset by peer")

// severer is a way to Snowflake that breaks at a statement, and stays broken for that session: the driver would repeat
// the request else. Later sessions get through.
type severer struct {
	next http.RoundTripper

	mu   sync.Mutex
	at   string // the statement begins so; "" breaks nothing
	when moment
	dead map[string]bool // by session token
	cut  chan struct{}   // closed once it has broken
}

func (s *severer) arm(at string, when moment) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.when, s.cut = at, when, make(chan struct{})
	return s.cut
}

func (s *severer) RoundTrip(r *http.Request) (*http.Response, error) {
	statement, err := snowflake.StatementOf(r)
	if err != nil {
		return nil, err
	}
	token := r.Header.Get("Authorization")
	s.mu.Lock()
	if token != "" && s.dead[token] {
		s.mu.Unlock()
		return nil, errReset
	}
	hit := s.at != "" && strings.HasPrefix(statement, s.at)
	when := s.when
	if hit {
		s.at = ""
		s.dead[token] = true
		close(s.cut)
	}
	s.mu.Unlock()
	switch {
	case hit && when == beforeIt:
		return nil, errReset
	case hit && when == duringIt:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		late := r.Clone(r.Context())
		late.Body = io.NopCloser(bytes.NewReader(body))
		go func() {
			<-time.After(7 * time.Second)
			if resp, err := s.next.RoundTrip(late); err == nil {
				_ = resp.Body.Close()
			}
		}()
		return nil, errReset
	}
	resp, err := s.next.RoundTrip(r)
	if err == nil && hit {
		_ = resp.Body.Close()
		return nil, errReset
	}
	return resp, err
}

// onFirst does something before the first statement of a class from now on, and tells when it has.
func (s *stack) onFirst(class string, do func()) <-chan struct{} {
	done := make(chan struct{})
	var once sync.Once
	s.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
		if e.Class == class {
			once.Do(func() {
				do()
				close(done)
			})
		}
		return nil
	}})
	return done
}
