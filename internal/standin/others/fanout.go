//go:build interop

package others

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/smithy-go/eventstream"
)

// FanOut stands between the AWS SDK and kinesis-local and gives what that server leaves out of its answers to
// SubscribeToShard: the frame that stands for the operation's output, which the SDK waits for before it looks at
// events. It returns its own address.
func FanOut(t *testing.T, endpoint string) string {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode != http.StatusOK || !strings.HasSuffix(r.Request.Header.Get("X-Amz-Target"), ".SubscribeToShard") {
				return nil
			}
			var initial bytes.Buffer
			err := eventstream.NewEncoder().Encode(&initial, eventstream.Message{Headers: eventstream.Headers{
				{Name: eventstream.MessageTypeHeader, Value: eventstream.StringValue(eventstream.EventMessageType)},
				{Name: eventstream.EventTypeHeader, Value: eventstream.StringValue("initial-response")},
				{Name: eventstream.ContentTypeHeader, Value: eventstream.StringValue("application/x-amz-json-1.1")},
			}, Payload: []byte("{}")})
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(&initial, r.Body), r.Body}
			return err
		},
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return srv.URL
}
