package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

func TestSafeBodyOverTLS(t *testing.T) {
	text := load(2000, 300)
	var bodies []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(b))
		if _, err := w.Write(text); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	c := client(SafeBody(server.Client()), Use, func(o *kinesis.Options) { o.BaseEndpoint = aws.String(server.URL) })
	a := new(Answer)
	// Without SafeBody about one call in three fails here.
	for i := range 100 {
		if err := GetRecords(t.Context(), c, input, a); err != nil || len(a.Records) != 2000 {
			t.Fatalf("call %d: %d records, %v", i, len(a.Records), err)
		}
		a.Release()
	}
	if !strings.Contains(bodies[0], `"ShardIterator":"it"`) || bodies[99] != bodies[0] {
		t.Errorf("first request %s, last %s", bodies[0], bodies[99])
	}
}

func TestBodyThatBreaksOffIsAnError(t *testing.T) {
	text := load(100, 300)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		if _, err := w.Write(text); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	c := client(SafeBody(server.Client()), Use, func(o *kinesis.Options) { o.BaseEndpoint = aws.String(server.URL) })
	if err := GetRecords(t.Context(), c, input, new(Answer)); err == nil {
		t.Fatal("no error")
	}
}
