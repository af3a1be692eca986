package kinesis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "Kinesis_20131202."
	// A request is at most 10 MiB of records; base64 and the JSON around it make less than twice that.
	maxBody = 2*maxRequest + 1<<20
)

// errCut is what a client of the in-process transport gets for a connection that a fault has cut.
var errCut = errors.New("read: connection reset by peer")

// answer is a response before it is put on a wire.
type answer struct {
	status int
	header http.Header
	body   []byte
	pooled *[]byte       // the buffer to give back once body is sent
	events *subscription // the body instead, where it has no end beforehand
}

var bodies = sync.Pool{New: func() any { return new([]byte) }}

func (a *answer) release() {
	if a.pooled != nil {
		*a.pooled = a.body[:0]
		bodies.Put(a.pooled)
		a.pooled = nil
	}
}

// Handler speaks the protocol over a socket. A cut aborts the connection.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.answer(r.Context(), r)
		if a == nil {
			panic(http.ErrAbortHandler)
		}
		for k, v := range a.header {
			w.Header()[k] = v
		}
		w.WriteHeader(a.status)
		if a.events != nil {
			a.events.serve(r.Context(), w)
			return
		}
		_, _ = w.Write(a.body) // a client that went away does not want it
		a.release()
	})
}

// RoundTripper speaks the protocol in process, on the caller's goroutine.
func (s *Server) RoundTripper() http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ s *Server }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := t.s.answer(r.Context(), r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if a == nil {
		return nil, errCut
	}
	if a.events != nil {
		return a.events.response(r, a.header), nil
	}
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, ContentLength: int64(len(a.body)), Request: r,
		Body: &lentBody{Reader: *bytes.NewReader(a.body), a: a},
	}, nil
}

// lentBody gives the answer's buffer back when it is closed.
type lentBody struct {
	bytes.Reader
	a *answer
}

func (b *lentBody) Close() error {
	b.Reset(nil)
	b.a.release()
	return nil
}

// answer carries out a request. A nil answer means that the connection is to be cut.
func (s *Server) answer(ctx context.Context, r *http.Request) *answer {
	op, found := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	run, known := operations[op]
	// Nothing of a request's text outlives its decoding.
	buf := bodies.Get().(*[]byte)
	defer bodies.Put(buf)
	body, err := readBody(r, (*buf)[:0])
	if err != nil {
		return nil
	}
	*buf = body
	switch media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); {
	case r.Method != http.MethodPost || !found:
		return s.fail(&Error{"AccessDeniedException", "Unable to determine service/operation name to be authorized", 403})
	case strings.TrimSpace(media) != contentType:
		return s.fail(&Error{"UnknownOperationException", "", 404})
	case !known:
		return s.fail(clientError("UnknownOperationException", ""))
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="):
		return s.fail(clientError("MissingAuthenticationTokenException", "Missing Authentication Token"))
	case len(body) > maxBody:
		return s.fail(&Error{"RequestEntityTooLarge", "", http.StatusRequestEntityTooLarge})
	}
	in := new(input)
	if err := json.Unmarshal(body, in); err != nil {
		return s.fail(clientError("SerializationException", "%v", err))
	}

	n, hooks := s.faults.number(op)
	call := Call{Op: op, N: n}
	call.Stream, call.Shard = s.subject(in)
	in.ctx = ctx
	if hooks.Before != nil {
		f := hooks.Before(call)
		if cut, err := f.meet(ctx); cut {
			return nil
		} else if err != nil {
			return s.fail(err)
		}
		in.fault = f
	}
	a := s.run(op, run, in)
	if hooks.After != nil {
		cut, err := hooks.After(call).meet(ctx)
		if cut || err != nil {
			a.release()
			if a.events != nil {
				a.events.leave()
			}
		}
		if cut {
			return nil
		}
		if err != nil {
			return s.fail(err)
		}
	}
	return a
}

// readBody appends a request's body to dst, and of one that is too long a byte more than is allowed.
func readBody(r *http.Request, dst []byte) ([]byte, error) {
	if r.Body == nil {
		return dst, nil
	}
	body := bytes.NewBuffer(dst)
	if n := r.ContentLength; n > 0 && n <= maxBody {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	return body.Bytes(), err
}

func (s *Server) run(op string, run operation, in *input) *answer {
	now := s.opt.Clock()
	if err := s.admit(op, in, now); err != nil {
		return s.fail(err)
	}
	out, err := run(s, in, now)
	switch out := out.(type) {
	case *answer:
		if err == nil && out.events != nil {
			out.status, out.header = http.StatusOK, s.header(-1)
			return out
		}
		if err == nil {
			out.status, out.header = http.StatusOK, s.header(len(out.body))
			return out
		}
	case nil:
		if err == nil {
			return &answer{status: http.StatusOK, header: s.header(0)}
		}
	default:
		if err == nil {
			body, merr := json.Marshal(out)
			if merr != nil {
				panic(fmt.Sprintf("encode %s answer: %v", op, merr)) // only plain structs of strings and numbers come here
			}
			return &answer{status: http.StatusOK, header: s.header(len(body)), body: body}
		}
	}
	return s.fail(err)
}

// admit enforces the call rates of the operations that are not bound to a shard.
func (s *Server) admit(op string, in *input, now time.Time) *Error {
	rate := controlRates[op]
	if rate == 0 {
		return nil
	}
	key := op
	if streamRates[op] {
		stream, _ := s.subject(in)
		key += "/" + stream
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enforced().Control {
		return nil
	}
	w := s.rates[key]
	if w == nil {
		w = new(callWindow)
		s.rates[key] = w
	}
	if !w.allow(now, rate) {
		return limitExceeded("Rate exceeded for operation %s under account %s.", op, s.opt.Account)
	}
	return nil
}

func (s *Server) fail(e *Error) *answer {
	body := []byte(`{"__type":` + quote(e.Code))
	if e.Message != "" {
		body = append(body, `,"message":`+quote(e.Message)...)
	}
	body = append(body, '}')
	return &answer{status: e.Status, header: s.header(len(body)), body: body}
}

// header is for a body of n bytes, or, below 0, for events.
func (s *Server) header(n int) http.Header {
	s.mu.Lock()
	s.requests++
	id := s.requests
	s.mu.Unlock()
	h := http.Header{
		"Content-Type":     {contentType},
		"Date":             {s.opt.Clock().UTC().Format(http.TimeFormat)},
		"X-Amzn-Requestid": {fmt.Sprintf("%08x-0000-4000-8000-%012x", id>>48, id)},
	}
	if n < 0 {
		h.Set("Content-Type", eventStreamType)
	} else {
		h.Set("Content-Length", strconv.Itoa(n))
	}
	return h
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("quote a string: %v", err)) // strings always encode
	}
	return string(b)
}
