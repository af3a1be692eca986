package kinesis_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

func subscribe(t *testing.T, c *awskinesis.Client, arn, shard string) *awskinesis.SubscribeToShardEventStream {
	t.Helper()
	out, err := c.SubscribeToShard(t.Context(), &awskinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: &shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}})
	if err != nil {
		t.Fatal(err)
	}
	return out.GetStream()
}

func nextEvent(t *testing.T, events *awskinesis.SubscribeToShardEventStream) *types.SubscribeToShardEvent {
	t.Helper()
	e, ok := <-events.Events()
	if !ok {
		t.Fatalf("the subscription ended: %v", events.Err())
	}
	return &e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
}

// TestSubscribeOnEveryWire reads a shard to its end over each transport that clients use.
func TestSubscribeOnEveryWire(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *kinesis.Server, *kinesistest.Target) (proto int){
		"in process": func(_ *testing.T, s *kinesis.Server, tg *kinesistest.Target) int {
			tg.HTTP = s.RoundTripper()
			return 2
		},
		"HTTP/1.1": func(t *testing.T, s *kinesis.Server, tg *kinesistest.Target) int {
			srv := httptest.NewServer(s.Handler())
			t.Cleanup(srv.Close)
			tg.HTTP, tg.Endpoint = srv.Client().Transport, srv.URL
			return 1
		},
		"HTTP/2 over TLS": func(t *testing.T, s *kinesis.Server, tg *kinesistest.Target) int {
			srv := httptest.NewUnstartedServer(s.Handler())
			srv.EnableHTTP2 = true
			srv.StartTLS()
			t.Cleanup(srv.Close)
			tg.HTTP, tg.Endpoint = srv.Client().Transport, srv.URL
			return 2
		},
		"HTTP/2 in clear": func(t *testing.T, s *kinesis.Server, tg *kinesistest.Target) int {
			srv := httptest.NewUnstartedServer(s.Handler())
			srv.Config.Protocols = new(http.Protocols)
			srv.Config.Protocols.SetUnencryptedHTTP2(true)
			srv.Start()
			t.Cleanup(srv.Close)
			p := new(http.Protocols)
			p.SetUnencryptedHTTP2(true)
			tg.HTTP, tg.Endpoint = &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}, srv.URL
			return 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := kinesis.New(kinesis.Options{})
			newStream(t, s, 1)
			arn, err := s.RegisterConsumer("s", "c")
			if err != nil {
				t.Fatal(err)
			}
			var tg kinesistest.Target
			want := start(t, s, &tg)
			got := &protocol{next: tg.HTTP}
			tg.HTTP = got
			if _, _, err := s.Put("s", "k", []byte("one")); err != nil {
				t.Fatal(err)
			}
			events := subscribe(t, tg.Client(), arn, "shardId-000000000000")
			defer events.Close()
			if e := nextEvent(t, events); len(e.Records) != 1 || string(e.Records[0].Data) != "one" || e.ContinuationSequenceNumber == nil {
				t.Errorf("first event is %+v", e)
			}
			if _, _, err := s.Put("s", "k", []byte("two")); err != nil {
				t.Fatal(err)
			}
			if e := nextEvent(t, events); len(e.Records) != 1 || string(e.Records[0].Data) != "two" {
				t.Errorf("second event is %+v", e)
			}
			if _, _, err := s.Split("s", "shardId-000000000000"); err != nil {
				t.Fatal(err)
			}
			if e := nextEvent(t, events); e.ContinuationSequenceNumber != nil || len(e.ChildShards) != 2 {
				t.Errorf("last event is %+v", e)
			}
			if e, ok := <-events.Events(); ok || events.Err() != nil {
				t.Errorf("after the end there is %v, %v", e, events.Err())
			}
			if got.major != want {
				t.Errorf("it was HTTP/%d", got.major)
			}
		})
	}
}

type protocol struct {
	next  http.RoundTripper
	major int
}

func (p *protocol) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.next.RoundTrip(r)
	if err == nil {
		p.major = resp.ProtoMajor
	}
	return resp, err
}

// TestIdleSubscription lives in a bubble of its own time: an event each 5 s, with a sequence number that is good to go on
// from, and an end after 5 minutes.
func TestIdleSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{})
		newStream(t, s, 1)
		arn, err := s.RegisterConsumer("s", "c")
		if err != nil {
			t.Fatal(err)
		}
		c := kinesistest.Target{HTTP: s.RoundTripper()}.Client()
		events := subscribe(t, c, arn, "shardId-000000000000")
		defer events.Close()
		began, seen, n := time.Now(), "", 0
		for e := range events.Events() {
			v := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
			n++
			if got := time.Since(began); got != time.Duration(n)*5*time.Second {
				t.Errorf("event %d comes after %v", n, got)
			}
			if next := aws.ToString(v.ContinuationSequenceNumber); next <= seen {
				t.Errorf("event %d goes on from %s, after %s", n, next, seen)
			} else {
				seen = next
			}
		}
		if n != 59 || events.Err() != nil || time.Since(began) != 5*time.Minute {
			t.Errorf("%d events, ended after %v: %v", n, time.Since(began), events.Err())
		}
	})
}
