package kinesis_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// TestSubscriptionEnds has each thing that ends a subscription happen: the exceptions that come as frames.
func TestSubscriptionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*kinesis.Server) error
		want string
	}{
		"consumer deregistered": {func(s *kinesis.Server) error { return s.DeregisterConsumer("s", "c") }, "ResourceNotFoundException"},
		"stream deleted":        {func(s *kinesis.Server) error { return s.DeleteStream("s") }, "ResourceNotFoundException"},
		"key disabled":          {func(s *kinesis.Server) error { return s.SetKMSError("s", "KMSDisabledException") }, "KMSDisabledException"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := kinesis.New(kinesis.Options{})
				events := listener(t, s, kinesistest.Target{HTTP: s.RoundTripper()})
				defer events.Close()
				start := time.Now()
				synctest.Wait()
				if err := c.do(s); err != nil {
					t.Fatal(err)
				}
				if e, open := <-events.Events(); open || code(events.Err()) != c.want || time.Since(start) != 0 {
					t.Errorf("after %v comes %v, %v, want %s at once", time.Since(start), e, events.Err(), c.want)
				}
			})
		})
	}
}

// TestKeyDisabledBeforeSubscribing: the call succeeds, the exception comes in the stream.
func TestKeyDisabledBeforeSubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{})
		newStream(t, s, 1)
		if err := s.SetKMSError("s", "KMSAccessDeniedException"); err != nil {
			t.Fatal(err)
		}
		arn, err := s.RegisterConsumer("s", "c")
		if err != nil {
			t.Fatal(err)
		}
		events := subscribe(t, kinesistest.Target{HTTP: s.RoundTripper()}.Client(), arn, shard0)
		defer events.Close()
		if _, open := <-events.Events(); open || code(events.Err()) != "KMSAccessDeniedException" {
			t.Errorf("the stream ends with %v", events.Err())
		}
	})
}

// TestLostAnswer loses the answer to a call that succeeded: its 5 seconds count.
func TestLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{After: kinesis.Plan{}.At("SubscribeToShard", 1, kinesis.Cut()).Hook}})
		newStream(t, s, 1)
		arn, err := s.RegisterConsumer("s", "c")
		if err != nil {
			t.Fatal(err)
		}
		c := kinesistest.Target{HTTP: s.RoundTripper()}.Client()
		shard := shard0
		for i, want := range []string{"", "ResourceInUseException", ""} {
			out, err := c.SubscribeToShard(t.Context(), &awskinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: &shard, StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}})
			if code(err) != want || (err == nil) != (i == 2) {
				t.Errorf("call %d: %v", i, err)
			}
			if err == nil {
				out.GetStream().Close()
			}
			<-time.After(3 * time.Second)
		}
	})
}

// TestReshardLaterEndsASubscription splits with a delay: the subscription ends when the change is made, not when it is asked for.
func TestReshardLaterEndsASubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{UpdateDelay: 3 * time.Second})
		tg := kinesistest.Target{HTTP: s.RoundTripper()}
		events := listener(t, s, tg)
		defer events.Close()
		shard, key, stream, start := shard0, "170141183460469231731687303715884105728", "s", time.Now()
		if _, err := tg.Client().SplitShard(t.Context(), &awskinesis.SplitShardInput{StreamName: &stream, ShardToSplit: &shard, NewStartingHashKey: &key}); err != nil {
			t.Fatal(err)
		}
		if e := nextEvent(t, events); len(e.ChildShards) != 2 || time.Since(start) != 3*time.Second {
			t.Errorf("after %v comes %+v", time.Since(start), e)
		}
	})
}

// TestSlowClient leaves a subscription unread while much is put: the connection holds a few frames, the rest stays in the log.
func TestSlowClient(t *testing.T) {
	s := kinesis.New(kinesis.Options{Limits: &kinesis.Limits{}})
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	events := listener(t, s, kinesistest.Target{Endpoint: srv.URL, HTTP: srv.Client().Transport})
	defer events.Close()
	const records, size = 64, 1 << 20
	data := make([]byte, size-1)
	for range records {
		put(t, s, string(data))
	}
	if e := nextEvent(t, events); len(e.Records) == 0 {
		t.Error("the first event is empty")
	}
	sent := func() int { return s.Consumers("s")[0].Subscriptions[0].Records }
	for before := 0; before != sent(); <-time.After(200 * time.Millisecond) {
		before = sent()
	}
	// The sockets' buffers hold some MiB; the 64 are far more.
	if n := sent(); n > records/2 {
		t.Errorf("%d of %d records are sent to a client that does not read", n, records)
	}
}

// TestGoneClient ends subscriptions by the client's context, over each wire.
func TestGoneClient(t *testing.T) {
	s := kinesis.New(kinesis.Options{})
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	newStream(t, s, 1)
	for i, tg := range []kinesistest.Target{{HTTP: s.RoundTripper()}, {Endpoint: srv.URL, HTTP: srv.Client().Transport}} {
		arn, err := s.RegisterConsumer("s", string(rune('a'+i)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		shard := shard0
		out, err := tg.Client().SubscribeToShard(ctx, &awskinesis.SubscribeToShardInput{ConsumerARN: &arn, ShardId: &shard, StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest}})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, open := <-out.GetStream().Events(); open || !errors.Is(out.GetStream().Err(), context.Canceled) {
			t.Errorf("the stream ends with %v", out.GetStream().Err())
		}
		out.GetStream().Close()
		for len(s.Consumers("s")[i].Subscriptions) > 0 {
			<-time.After(time.Millisecond)
		}
	}
}

// TestPropagation has records wait before they are pushed: those that come meanwhile share their event.
func TestPropagation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{Propagation: 70 * time.Millisecond})
		events := listener(t, s, kinesistest.Target{HTTP: s.RoundTripper()})
		defer events.Close()
		start := time.Now()
		put(t, s, "one")
		<-time.After(50 * time.Millisecond)
		put(t, s, "two")
		if e := nextEvent(t, events); len(e.Records) != 2 || time.Since(start) != 70*time.Millisecond {
			t.Errorf("after %v comes an event of %d records", time.Since(start), len(e.Records))
		}
	})
}

// TestCloseEndsTheWait closes a subscription whose reader waits for an event, with a context that goes on.
func TestCloseEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{})
		events := listener(t, s, kinesistest.Target{HTTP: s.RoundTripper()})
		synctest.Wait()
		start := time.Now()
		if err := events.Close(); err != nil {
			t.Error(err)
		}
		if _, open := <-events.Events(); open || time.Since(start) != 0 {
			t.Errorf("the reader ends %v after its subscription was closed", time.Since(start))
		}
	})
}

// TestConsumersOfOneSecondDiffer registers a name again before the clock moves: the ARN is another.
func TestConsumersOfOneSecondDiffer(t *testing.T) {
	s, _, c := still()
	newStream(t, s, 1)
	first, err := s.RegisterConsumer("s", "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeregisterConsumer("s", "c"); err != nil {
		t.Fatal(err)
	}
	second, err := s.RegisterConsumer("s", "c")
	if err != nil || second == first {
		t.Errorf("the second consumer has ARN %s as the first, %v", second, err)
	}
	if _, err := c.DescribeStreamConsumer(t.Context(), &awskinesis.DescribeStreamConsumerInput{ConsumerARN: &first}); code(err) != "ResourceNotFoundException" {
		t.Errorf("the first consumer is described after its end: %v", err)
	}
}
