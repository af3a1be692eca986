package sink

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	service "kinesis-snowflake/internal/standin/snowflake"
)

// link is a worker's way to Snowflake, which a test may cut. The driver repeats a request whose connection broke, under
// one request id, for a minute; so a link, once cut, stays cut for that session until a new one logs in.
type link struct {
	next http.RoundTripper
	mu   sync.Mutex
	rule func(statement string) fate
	dead map[string]bool // by the session's token
	all  bool            // every request is lost: the process is gone
	said []string        // statements that were sent, in order, repetitions left out
	ids  map[string]bool
}

// fate is what becomes of a statement and of its session's connection.
type fate int

const (
	arrives    fate = iota
	lost            // the connection breaks before the statement arrives
	unanswered      // it is run, and the connection breaks
	delayed         // the connection breaks, and the statement is run when the driver has given it up
	hiccup          // this one request breaks before it arrives; the driver's repetition gets through
	echo            // it is run, this one answer is lost; the driver's repetition gets through
)

var errBroken = errors.New("connection reset by peer")

func newLink(next http.RoundTripper) *link {
	return &link{next: next, dead: map[string]bool{}, ids: map[string]bool{}}
}

// on sets what becomes of the n-th (from 1) statement from now on that begins with prefix.
func (l *link) on(prefix string, n int, f fate) {
	l.hook(prefix, n, func() fate { return f })
}

// hook calls f before the n-th statement from now on that begins with prefix, on the goroutine of the request.
func (l *link) hook(prefix string, n int, f func() fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := 0
	l.rule = func(statement string) fate {
		if !strings.HasPrefix(statement, prefix) {
			return arrives
		}
		if seen++; seen != n {
			return arrives
		}
		return f()
	}
}

// kill cuts the link for good: its worker is gone without a word.
func (l *link) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = true
}

func (l *link) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all, l.rule = false, nil
	clear(l.dead)
}

// statements counts the statements so far that begin with prefix.
func (l *link) statements(prefix string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.said {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	statement, err := service.StatementOf(r)
	if err != nil {
		return nil, err
	}
	token := r.Header.Get("Authorization")
	l.mu.Lock()
	if l.all || token != "" && l.dead[token] {
		l.mu.Unlock()
		return nil, errBroken
	}
	rule := l.rule
	id := r.URL.Query().Get("requestId")
	first := id == "" || !l.ids[id] || strings.HasPrefix(statement, "PUT")
	if first {
		l.ids[id] = true
		l.said = append(l.said, statement)
	}
	l.mu.Unlock()
	f := arrives
	if rule != nil && first {
		f = rule(statement)
	}
	if f == lost || f == unanswered || f == delayed {
		l.mu.Lock()
		l.dead[token] = true
		l.mu.Unlock()
	}
	l.mu.Lock()
	if l.all && f == arrives {
		f = lost
	}
	l.mu.Unlock()
	switch f {
	case lost, hiccup:
		return nil, errBroken
	case delayed:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		late := r.Clone(r.Context())
		late.Body = io.NopCloser(bytes.NewReader(body))
		go func() {
			<-time.After(75 * time.Second) // the driver repeats for a minute
			if resp, err := l.next.RoundTrip(late); err == nil {
				_ = resp.Body.Close()
			}
		}()
		return nil, errBroken
	}
	resp, err := l.next.RoundTrip(r)
	l.mu.Lock()
	cut := l.all || f == unanswered || f == echo
	l.mu.Unlock()
	if err == nil && cut {
		_ = resp.Body.Close()
		return nil, errBroken
	}
	return resp, err
}

// thenKill passes one request on, and ends the worker when its answer is there.
type thenKill struct {
	next http.RoundTripper
	link *link
	stop func()
}

func (k thenKill) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := k.next.RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	k.link.kill()
	k.stop()
	return nil, errBroken
}
