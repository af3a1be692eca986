package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Doer sends one HTTP request; it is what the SDK calls an HTTP client.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// SafeBody wraps an HTTP client for the SDK's small requests.
//
// The SDK closes the request's body as soon as the answer's headers come. When they come fast, net/http's writer may
// still be probing that body, sees "use of closed" and tears the connection down under the answer: up to a third of
// the calls over TLS to a near server. net/http is handed an in-memory body that nobody else can close instead.
// It must not wrap a client that sends large or endless bodies.
func SafeBody(c Doer) Doer { return safeBody{c} }

type safeBody struct{ c Doer }

func (s safeBody) Do(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return s.c.Do(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if err := req.Body.Close(); err != nil {
		return nil, fmt.Errorf("close request body: %w", err)
	}
	clone := *req
	clone.Body = io.NopCloser(bytes.NewReader(body))
	// With GetBody net/http may send the request again by itself when a kept-alive connection turns out dead before
	// the first byte of an answer.
	clone.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	clone.ContentLength = int64(len(body))
	return s.c.Do(&clone)
}
