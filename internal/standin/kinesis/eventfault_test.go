package kinesis_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

const shard0 = "shardId-000000000000"

// listener is a stream of one shard with a consumer that is subscribed from the horizon on.
func listener(t *testing.T, s *kinesis.Server, tg kinesistest.Target) *awskinesis.SubscribeToShardEventStream {
	t.Helper()
	newStream(t, s, 1)
	arn, err := s.RegisterConsumer("s", "c")
	if err != nil {
		t.Fatal(err)
	}
	return subscribe(t, tg.Client(), arn, shard0)
}

func put(t *testing.T, s *kinesis.Server, data string) {
	t.Helper()
	if _, _, err := s.Put("s", "k", []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// TestEventFaults meets the second event of a subscription with each fault: what the client is told, or that it is told
// nothing. The first event always comes whole.
func TestEventFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault kinesis.Fault
		want  string // the exception's name, "broken", "end" or "silence"
		h1    string // over HTTP/1.1, where it differs
	}{
		"cut":              {fault: kinesis.Fault{Cut: true}, want: "broken", h1: "end"},
		"torn":             {fault: kinesis.Fault{Tear: true}, want: "broken", h1: "end"},
		"corrupt":          {fault: kinesis.Fault{Corrupt: true}, want: "broken"},
		"stalled":          {fault: kinesis.Fault{Stall: true}, want: "silence"},
		"internal failure": {fault: kinesis.Fault{Code: "InternalFailureException", Message: "oops"}, want: "InternalFailureException"},
		"KMS":              {fault: kinesis.Fault{Code: "KMSThrottlingException"}, want: "KMSThrottlingException"},
	} {
		hook := func(e kinesis.Event) *kinesis.Fault {
			if e.Consumer != "c" || e.Stream != "s" || e.Shard != shard0 || e.Subscription != 1 || e.Records != 1 {
				t.Errorf("the hook sees %+v", e)
			}
			if e.N == 2 {
				return &c.fault
			}
			return nil
		}
		check := func(t *testing.T, s *kinesis.Server, events *awskinesis.SubscribeToShardEventStream, want string) {
			t.Helper()
			put(t, s, "one")
			if e := nextEvent(t, events); string(e.Records[0].Data) != "one" {
				t.Errorf("first event has %s", e.Records[0].Data)
			}
			put(t, s, "two")
			got := "end"
			select {
			case _, open := <-events.Events():
				switch err := events.Err(); {
				case open:
					got = "an event"
				case code(err) != "":
					got = code(err)
				case err != nil:
					got = "broken"
				}
			case <-time.After(500 * time.Millisecond):
				got = "silence"
			}
			if got != want {
				t.Errorf("the second event gives %s (%v), want %s", got, events.Err(), want)
			}
		}
		t.Run(name+" in process", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{Event: hook}})
				events := listener(t, s, kinesistest.Target{HTTP: s.RoundTripper()})
				defer events.Close()
				check(t, s, events, c.want)
			})
		})
		t.Run(name+" over a socket", func(t *testing.T) {
			s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{Event: hook}})
			srv := httptest.NewServer(s.Handler())
			defer srv.Close()
			events := listener(t, s, kinesistest.Target{Endpoint: srv.URL, HTTP: srv.Client().Transport})
			defer events.Close()
			if c.h1 != "" {
				check(t, s, events, c.h1)
			} else {
				check(t, s, events, c.want)
			}
		})
	}
}

// TestDelayedEvent holds an event for 20 s, in which the client may give up.
func TestDelayedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{Event: func(kinesis.Event) *kinesis.Fault { return &kinesis.Fault{Delay: 20 * time.Second} }}})
		events := listener(t, s, kinesistest.Target{HTTP: s.RoundTripper()})
		defer events.Close()
		start := time.Now()
		put(t, s, "one")
		nextEvent(t, events)
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("the event comes after %v", d)
		}
		put(t, s, "two")
		synctest.Wait()
		if err := events.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := s.Consumers("s")[0].Subscriptions; len(got) != 0 {
			t.Errorf("after its client went away there is %+v", got)
		}
	})
}
