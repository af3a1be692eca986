package dynamodb

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options configure a Server; the zero value serves.
type Options struct {
	Region  string // in ARNs; us-east-1 when empty
	Account string // in ARNs; 123456789012 when empty
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// TableDelay is how long a table or an index is CREATING, UPDATING or
	// DELETING.
	TableDelay time.Duration
	// ReplicaLag is how long an eventually consistent read, and every read of
	// an index, may still see an item as it was before its last change. They do
	// see the old state for all of it: the least favourable of what is allowed.
	ReplicaLag time.Duration
	Hooks      Hooks
}

// Server is an in-memory DynamoDB. All methods may be called from any goroutine.
type Server struct {
	opt Options

	mu     sync.Mutex
	hooks  Hooks
	tables map[string]*table
	counts map[string]*Counts
	total  int
	tokens map[string]transactToken
}

// New returns an empty Server. It owns no goroutine and needs no closing.
func New(o Options) *Server {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Server{opt: o, hooks: o.Hooks, tables: map[string]*table{}, counts: map[string]*Counts{}, tokens: map[string]transactToken{}}
}

// SetHooks replaces the hooks for the operations that begin from now on.
func (s *Server) SetHooks(h Hooks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = h
}

// Counters returns a copy of the counters, by operation.
func (s *Server) Counters() map[string]Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Counts, len(s.counts))
	for op, c := range s.counts {
		out[op] = *c
	}
	return out
}

// Items returns the rows of a table in the order of a scan, or nil when there
// is no such table. The items must not be changed.
func (s *Server) Items(tableName string) []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName]
	if t == nil {
		return nil
	}
	items := []Item{}
	for _, r := range t.rows {
		if r.item != nil {
			items = append(items, r.item)
		}
	}
	return items
}

// answer is a response before it is written; a cut one has no response.
type answer struct {
	status int
	body   []byte
	cut    bool
}

func errorAnswer(e *Error) answer { return answer{status: e.Status, body: e.body()} }

// Handler serves the protocol over a socket.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := s.serve(r)
		if a.cut {
			panic(http.ErrAbortHandler) // net/http closes the connection without a log line
		}
		a.fill(w.Header())
		w.WriteHeader(a.status)
		// A client that has gone away is no failure of the server.
		_, _ = w.Write(a.body)
	})
}

func (a answer) fill(h http.Header) {
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	// The SDK for Go checks it on every answer, and takes a missing one for 0.
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(a.body)), 10))
	h.Set("X-Amzn-Requestid", "STANDIN")
}

// ErrConnectionCut is what RoundTripper returns when a hook cuts the connection.
var ErrConnectionCut = errors.New("connection reset by peer")

// RoundTripper serves the protocol without a socket: one goroutine a request,
// which ends with the hooks. A request whose context ends returns at once,
// applied or not, as over a network.
func (s *Server) RoundTripper() http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ s *Server }

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	served := make(chan answer, 1)
	// A Transport may still read the body while the caller has given up; read
	// it here, where the caller waits.
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	go func() { served <- t.s.serve(r) }()
	select {
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	case a := <-served:
		if a.cut {
			return nil, ErrConnectionCut
		}
		resp := &http.Response{
			StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status),
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
		}
		a.fill(resp.Header)
		return resp, nil
	}
}

// maxRequest is the service's limit on a request (BatchWriteItem and
// BatchGetItem move at most 16 MB).
const maxRequest = 16 << 20

// serve runs one request through the hooks and the operation.
func (s *Server) serve(r *http.Request) answer {
	version, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	run, known := operations[op]
	if r.Method != http.MethodPost || version != "DynamoDB_20120810" || !known {
		return errorAnswer(failure("UnknownOperationException", ""))
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		return errorAnswer(failure("MissingAuthenticationTokenException", "Request is missing Authentication Token"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return answer{cut: true}
	}
	if len(body) > maxRequest {
		return answer{status: http.StatusRequestEntityTooLarge}
	}
	call, hooks := s.begin(op, body)
	if hooks.Before != nil {
		if f := hooks.Before(r.Context(), call); f != nil {
			return s.faulted(op, f)
		}
	}
	reply, refusal := s.apply(op, run, body)
	if hooks.After != nil {
		call.Err = refusal
		if f := hooks.After(r.Context(), call); f != nil {
			return s.faulted(op, f)
		}
	}
	if refusal != nil {
		return errorAnswer(refusal)
	}
	out, err := json.Marshal(reply)
	if err != nil {
		return errorAnswer(Internal().Err)
	}
	return answer{status: http.StatusOK, body: out}
}

func (s *Server) begin(op string, body []byte) (Call, Hooks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[op] == nil {
		s.counts[op] = &Counts{}
	}
	s.counts[op].Calls++
	s.total++
	c := Call{Op: op, N: s.counts[op].Calls, Total: s.total, Body: body}
	var named struct {
		TableName string
		Key, Item wireItem
	}
	// What does not decode is refused later; a hook then sees no names.
	_ = json.Unmarshal(body, &named)
	c.Table = tableName(named.TableName)
	if t := s.tables[c.Table]; t != nil {
		c.Key = t.schema.text(named.Key)
		if op == "PutItem" {
			c.Key = t.schema.text(named.Item)
		}
	}
	return c, s.hooks
}

func (s *Server) faulted(op string, f *Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[op].Faulted++
	if f.Err == nil {
		return answer{cut: true}
	}
	return errorAnswer(f.Err)
}

func (s *Server) apply(op string, run operation, body []byte) (any, *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	reply, err := run(s, s.counts[op], body)
	switch {
	case err == nil:
		s.counts[op].Succeeded++
	default:
		s.counts[op].Refused++
		if err.Type == "ConditionalCheckFailedException" {
			s.counts[op].ConditionFailed++
		}
	}
	return reply, err
}

// operation decodes and performs one request, with the server's lock held.
type operation func(s *Server, c *Counts, body []byte) (any, *Error)

var operations = map[string]operation{
	"CreateTable":               typedOperation((*Server).createTable),
	"DescribeTable":             typedOperation((*Server).describeTable),
	"UpdateTable":               typedOperation((*Server).updateTable),
	"DeleteTable":               typedOperation((*Server).deleteTable),
	"ListTables":                typedOperation((*Server).listTables),
	"UpdateTimeToLive":          typedOperation((*Server).updateTimeToLive),
	"DescribeTimeToLive":        typedOperation((*Server).describeTimeToLive),
	"UpdateContinuousBackups":   typedOperation((*Server).updateContinuousBackups),
	"DescribeContinuousBackups": typedOperation((*Server).describeContinuousBackups),
	"TagResource":               typedOperation((*Server).tagResource),
	"UntagResource":             typedOperation((*Server).untagResource),
	"ListTagsOfResource":        typedOperation((*Server).listTags),
	"GetItem":                   typedOperation((*Server).getItem),
	"PutItem":                   typedOperation((*Server).putItem),
	"UpdateItem":                typedOperation((*Server).updateItem),
	"DeleteItem":                typedOperation((*Server).deleteItem),
	"Query":                     typedOperation((*Server).query),
	"Scan":                      typedOperation((*Server).scan),
	"BatchGetItem":              typedOperation((*Server).batchGet),
	"BatchWriteItem":            typedOperation((*Server).batchWrite),
	"TransactWriteItems":        typedOperation((*Server).transactWrite),
}

func typedOperation[In any](f func(*Server, *Counts, *In) (any, *Error)) operation {
	return func(s *Server, c *Counts, body []byte) (any, *Error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, failure("SerializationException", "%s", err)
		}
		return f(s, c, in)
	}
}
