//go:build interop

package others

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go/eventstream"
)

// FanOut stands between a client and kinesis-local and gives what that server leaves out of its answers to
// SubscribeToShard: the frame that stands for the operation's output, which the SDK waits for before it looks at events.
// With ends it also gives what that server never sends, the end of a shard, so that a client can be tested across a
// reshard; the records are still all the server's.
func FanOut(t *testing.T, endpoint string, ends bool) *Shim {
	t.Helper()
	shim := new(Shim)
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	lister := kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // of clients that go away
		ModifyResponse: func(r *http.Response) error {
			want, ok := r.Request.Context().Value(wanted{}).(wanted)
			if !ok || r.StatusCode != http.StatusOK {
				return nil
			}
			var initial bytes.Buffer
			err := eventstream.NewEncoder().Encode(&initial, eventstream.Message{Headers: eventstream.Headers{
				{Name: eventstream.MessageTypeHeader, Value: eventstream.StringValue(eventstream.EventMessageType)},
				{Name: eventstream.EventTypeHeader, Value: eventstream.StringValue("initial-response")},
				{Name: eventstream.ContentTypeHeader, Value: eventstream.StringValue("application/x-amz-json-1.1")},
			}, Payload: []byte("{}")})
			var events io.Reader = r.Body
			if ends {
				events = &ending{ctx: r.Request.Context(), from: r.Body, lister: lister, wanted: want, shim: shim}
			}
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(&initial, events), r.Body}
			return err
		},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SubscribeToShard") {
			var want wanted
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = json.Unmarshal(body, &want)
			}
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r = r.WithContext(context.WithValue(r.Context(), wanted{}, want))
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	shim.URL = srv.URL
	return shim
}

// Shim is where FanOut listens.
type Shim struct {
	URL     string
	Records atomic.Int64 // in the events that it passed on, counted where it gives ends
}

// wanted is what was subscribed to, and the key of it in a request's context.
type wanted struct{ ConsumerARN, ShardId string }

// ending passes events on until the shard is closed and read to its end, and then makes the last one.
type ending struct {
	ctx    context.Context
	from   io.Reader
	lister *kinesis.Client
	shim   *Shim
	wanted

	closed bool // known before the event that is read now, so one without records is the last
	over   bool
	buf    bytes.Buffer
}

func (e *ending) Read(p []byte) (int, error) {
	for e.buf.Len() == 0 {
		if e.over {
			return 0, io.EOF
		}
		m, err := eventstream.NewDecoder().Decode(e.from, nil)
		if err != nil {
			return 0, err
		}
		kind := m.Headers.Get(eventstream.EventTypeHeader)
		if kind != nil && kind.String() == "SubscribeToShardEvent" {
			keep, err := e.complete(&m)
			if err != nil {
				return 0, err
			}
			if !keep {
				continue
			}
		}
		if err := eventstream.NewEncoder().Encode(&e.buf, m); err != nil {
			return 0, err
		}
	}
	return e.buf.Read(p)
}

// complete makes an event say what the service would say in it of a closed shard, or has it dropped.
func (e *ending) complete(m *eventstream.Message) (keep bool, err error) {
	before := e.closed
	var children []byte
	if children, e.closed, err = e.family(); err != nil {
		return false, err
	}
	var event map[string]json.RawMessage
	var records []json.RawMessage
	if err := json.Unmarshal(m.Payload, &event); err != nil {
		return false, err
	}
	if err := json.Unmarshal(event["Records"], &records); err != nil {
		return false, err
	}
	e.shim.Records.Add(int64(len(records)))
	switch {
	case !e.closed:
		return true, nil
	case len(records) > 0:
		event["MillisBehindLatest"] = []byte("1") // the end is still to come
	case !before:
		return false, nil
	default:
		e.over = true
		delete(event, "ContinuationSequenceNumber")
		event["ChildShards"] = children
	}
	m.Payload, err = json.Marshal(event)
	return true, err
}

// family tells whether the shard is closed, and its children as an event has them.
func (e *ending) family() (children []byte, closed bool, err error) {
	stream, _, _ := strings.Cut(e.ConsumerARN, "/consumer/")
	out, err := e.lister.ListShards(e.ctx, &kinesis.ListShardsInput{StreamARN: &stream})
	if err != nil {
		return nil, false, err
	}
	type hashRange struct{ StartingHashKey, EndingHashKey *string }
	type child struct {
		ShardId      *string
		ParentShards []string
		HashKeyRange hashRange
	}
	all := []child{}
	for _, s := range out.Shards {
		if *s.ShardId == e.ShardId {
			closed = s.SequenceNumberRange.EndingSequenceNumber != nil
		}
		parent, adjacent := aws.ToString(s.ParentShardId), aws.ToString(s.AdjacentParentShardId)
		if parent != e.ShardId && adjacent != e.ShardId {
			continue
		}
		c := child{s.ShardId, []string{parent}, hashRange{s.HashKeyRange.StartingHashKey, s.HashKeyRange.EndingHashKey}}
		if adjacent != "" {
			c.ParentShards = append(c.ParentShards, adjacent)
		}
		all = append(all, c)
	}
	children, err = json.Marshal(all)
	return children, closed, err
}
