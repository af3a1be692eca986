package source

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/reader"
)

// A hundred subscriptions share a connection, and the next ones get another. All other calls stay apart from them.
func TestSubscriptionsOverHTTP2(t *testing.T) {
	const shards, onOne = 130, 100
	server := kinesis.New(kinesis.Options{})
	if err := server.CreateStream(stream, shards); err != nil {
		t.Fatal(err)
	}
	for _, s := range server.Shards(stream) {
		if err := server.PutMany(stream, []kinesis.Entry{{PartitionKey: "k", ExplicitHashKey: s.Start, Data: []byte(s.ID)}}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	connections := map[string]map[string]bool{"SubscribeToShard": {}, "": {}}
	https := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subscribes := r.Header.Get("X-Amz-Target") == "Kinesis_20131202.SubscribeToShard"
		if want := map[bool]int{true: 2, false: 1}[subscribes]; r.ProtoMajor != want {
			t.Errorf("%s over HTTP/%d", r.Header.Get("X-Amz-Target"), r.ProtoMajor)
		}
		op := map[bool]string{true: "SubscribeToShard"}[subscribes]
		mu.Lock()
		connections[op][r.RemoteAddr] = true
		mu.Unlock()
		server.Handler().ServeHTTP(w, r)
	}))
	https.EnableHTTP2 = true
	https.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: onOne}
	https.StartTLS()
	defer https.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	s, err := New(Options{Stream: stream, Region: "us-east-1", Application: application, AccessKeyID: "key", SecretAccessKey: "secret", KinesisEndpoint: https.URL, FanOut: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan string, shards)
	var readers sync.WaitGroup
	for _, shard := range server.Shards(stream) {
		readers.Go(func() {
			err := s.read(ctx, reader.Config{
				Service: s.control.client, Stream: s.control.stream, Shard: shard.ID, Start: row.Position{Sequence: row.TrimHorizon}, PollInterval: time.Second,
				Handle: func(_ context.Context, resp *row.Response) error {
					for _, r := range resp.Records {
						got <- string(r.Data)
					}
					return nil
				},
				Missing: s.missing("shardId-000000000000"), Trouble: s.trouble, Log: s.log,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	seen := map[string]bool{}
	for range shards {
		seen[<-got] = true
	}
	if len(seen) != shards {
		t.Errorf("records of %d shards", len(seen))
	}
	mu.Lock()
	if n := len(connections["SubscribeToShard"]); n < 2 || n > 4 {
		t.Errorf("%d connections for %d subscriptions of %d each", n, shards, onOne)
	}
	mu.Unlock()
	cancel()
	readers.Wait()
}

// What the service may send of a subscription that nobody reads is bounded, and a hundred of them do not fill memory.
func TestShardThatWaitsHoldsOneWindow(t *testing.T) {
	const chunk = 16 << 10
	sent := make(chan int, 1)
	https := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, c := 0, http.NewResponseController(w)
		for {
			// A write that waits for the client fails then: this ends what would wait for ever.
			if err := c.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
				t.Error(err)
			}
			if _, err := w.Write(make([]byte, chunk)); err != nil || c.Flush() != nil || n > 8*streamWindow {
				break
			}
			n += chunk
		}
		sent <- n
	}))
	https.EnableHTTP2 = true
	https.StartTLS()
	defer https.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	cfg, err := awsConfig(t.Context(), &Options{Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, https.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := subscribing(cfg.HTTPClient).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n := <-sent; n < streamWindow/2 || n > streamWindow+chunk {
		t.Errorf("%d bytes were sent and not read, want about %d", n, streamWindow)
	}
}

func TestClientForSubscriptions(t *testing.T) {
	bare(t)
	cfg, err := awsConfig(t.Context(), &Options{Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	client := subscribing(cfg.HTTPClient).(*awshttp.BuildableClient)
	if d, set := client.GetReadTimeout(); d != 0 || !set {
		t.Errorf("a connection is given up after %v without data", d)
	}
	if d, _ := cfg.HTTPClient.(*awshttp.BuildableClient).GetReadTimeout(); d == 0 {
		t.Error("the client for calls has no timeout any more")
	}
	transport := client.GetTransport()
	if h := transport.HTTP2; h == nil || h.SendPingTimeout == 0 || h.MaxReceiveBufferPerStream != streamWindow || client.GetTimeout() != 0 {
		t.Errorf("%+v", h)
	}
	if other := (aws.HTTPClient)(http.DefaultClient); subscribing(other) != other {
		t.Error("a client of another kind is replaced")
	}
}
