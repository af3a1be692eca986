package kinesistest

import (
	"bytes"
	"io"
	"net/http"
)

// ownBody gives net/http a request body that nobody else closes. The SDK closes its own as soon as an answer's headers
// come; from a near server they come while net/http is still probing that body, which then tears the connection down
// under the answer. At the service's distance that is rare.
type ownBody struct{ next http.RoundTripper }

func (o ownBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return o.next.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	clone := req.Clone(req.Context())
	clone.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := o.next.RoundTrip(clone)
	_ = req.Body.Close() // a RoundTripper closes the body it was given; this one was read to its end
	return resp, err
}
