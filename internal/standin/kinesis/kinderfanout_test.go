package kinesis_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/smithy-go/eventstream"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// frames changes the frames of subscriptions on their way. A change that returns false drops the frame.
type frames struct {
	next   http.RoundTripper
	change func(*eventstream.Message) bool
}

func (f frames) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(r)
	if err == nil && resp.Header.Get("Content-Type") == "application/vnd.amazon.eventstream" {
		resp.Body = &changedFrames{ReadCloser: resp.Body, change: f.change}
	}
	return resp, err
}

type changedFrames struct {
	io.ReadCloser
	change func(*eventstream.Message) bool
	buf    bytes.Buffer
}

func (c *changedFrames) Read(p []byte) (int, error) {
	for c.buf.Len() == 0 {
		m, err := eventstream.NewDecoder().Decode(c.ReadCloser, nil)
		if err != nil {
			return 0, err
		}
		if c.change(&m) {
			if err := eventstream.NewEncoder().Encode(&c.buf, m); err != nil {
				return 0, err
			}
		}
	}
	return c.buf.Read(p)
}

// events has a change of the events only, as JSON.
func events(change func(map[string]any) bool) func(*eventstream.Message) bool {
	return func(m *eventstream.Message) bool {
		if kind := m.Headers.Get(":event-type"); kind == nil || kind.String() != "SubscribeToShardEvent" {
			return true
		}
		d := json.NewDecoder(bytes.NewReader(m.Payload))
		d.UseNumber()
		var event map[string]any
		err := d.Decode(&event)
		keep := change(event)
		payload, merr := json.Marshal(event)
		if err := errors.Join(err, merr); err != nil {
			panic(err) // events are JSON objects
		}
		m.Payload = payload
		return keep
	}
}

// TestKinderEventsAreFound runs the suite against subscriptions that are kinder than the service's, or say less, as
// emulators are: each must fail at least the rules named.
func TestKinderEventsAreFound(t *testing.T) {
	ends := []string{"a subscription to a split shard ends in its children", "a subscription to a merged shard names both parents"}
	var first atomic.Pointer[string]
	for name, c := range map[string]struct {
		change func(*eventstream.Message) bool
		want   []string
	}{
		"no initial response": {func(m *eventstream.Message) bool {
			kind := m.Headers.Get(":event-type")
			return kind == nil || kind.String() != "initial-response"
		}, []string{"consumers do not share", "events hold whole records"}},
		"no children":      {events(func(e map[string]any) bool { delete(e, "ChildShards"); return true }), ends},
		"no end":           {events(func(e map[string]any) bool { return e["ContinuationSequenceNumber"] != nil }), ends},
		"an end like any":  {events(func(e map[string]any) bool { e["ContinuationSequenceNumber"] = "1"; return true }), ends},
		"always at tip":    {events(func(e map[string]any) bool { e["MillisBehindLatest"] = 0; return true }), []string{"MillisBehindLatest of events is true"}},
		"silent when idle": {events(func(e map[string]any) bool { return len(e["Records"].([]any)) > 0 || e["ChildShards"] != nil }), []string{"an idle subscription speaks"}},
		"no progress when idle": {events(func(e map[string]any) bool {
			if next, ok := e["ContinuationSequenceNumber"].(string); ok && !first.CompareAndSwap(nil, &next) {
				e["ContinuationSequenceNumber"] = *first.Load()
			}
			return true
		}), []string{"an idle subscription speaks"}},
		"ends without a word": {func(m *eventstream.Message) bool { return m.Headers.Get(":exception-type") == nil }, []string{"deregistering ends subscriptions"}},
	} {
		t.Run(name, func(t *testing.T) {
			mustFail(t, func() kinesistest.Target {
				_, tg := target(kinesis.Options{})
				tg.HTTP, tg.Patience = frames{tg.HTTP, c.change}, 300*time.Millisecond
				first.Store(nil)
				return tg
			}, c.want...)
		})
	}
}

// TestKinderConsumersAreFound runs the suite against services that let consumers do more than the real one does.
func TestKinderConsumersAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		kinder func(*kinesis.Server, *kinesistest.Target)
		want   []string
	}{
		"a subscription for everyone": {func(s *kinesis.Server, tg *kinesistest.Target) {
			twins := 0
			tg.HTTP = rewriter{next: tg.HTTP, op: "SubscribeToShard", request: func(d map[string]any) {
				arn := d["ConsumerARN"].(string)
				stream := strings.Split(strings.SplitAfter(arn, ":stream/")[1], "/")[0]
				twins++
				if twin, err := s.RegisterConsumer(stream, fmt.Sprint("twin-", twins)); err == nil {
					d["ConsumerARN"] = twin
				}
			}}
		}, []string{"a subscription is taken over after 5 seconds", "a client that went away keeps its 5 seconds", "deregistering ends subscriptions",
			"one SubscribeToShard a second", "a deregistered consumer is gone", "a consumer that is CREATING cannot subscribe"}},
		"taken over at once": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			advance := tg.Advance
			tg.HTTP = rewriter{next: tg.HTTP, op: "SubscribeToShard", request: func(map[string]any) { advance(5 * time.Second) }}
		}, []string{"a client that went away keeps its 5 seconds", "a subscription is taken over after 5 seconds", "one SubscribeToShard a second"}},
		"after taken as at": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "SubscribeToShard", request: func(d map[string]any) {
				if p := d["StartingPosition"].(map[string]any); p["Type"] == "AFTER_SEQUENCE_NUMBER" {
					p["Type"] = "AT_SEQUENCE_NUMBER"
				}
			}}
		}, []string{"subscriptions begin where they say"}},
		"positions taken as the horizon": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "SubscribeToShard", request: func(d map[string]any) {
				d["StartingPosition"] = map[string]any{"Type": "TRIM_HORIZON"}
			}}
		}, []string{"starting positions are checked", "subscriptions begin where they say", "a subscription AT_TIMESTAMP begins at the first record not before",
			"a subscription goes on from its last event"}},
		"streams deleted with their consumers": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "DeleteStream", request: func(d map[string]any) { d["EnforceConsumerDeletion"] = true }}
		}, []string{"a stream with consumers stays"}},
		"conflicts ignored": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "DescribeStreamConsumer", request: func(d map[string]any) {
				if d["ConsumerARN"] != nil {
					delete(d, "ConsumerName")
				}
			}}
		}, []string{"consumer parameters agree"}},
		"pages ignored": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "ListStreamConsumers", request: func(d map[string]any) { delete(d, "MaxResults") }}
		}, []string{"consumers are listed in pages", "consumer list tokens expire"}},
		"consumers not counted": {func(_ *kinesis.Server, tg *kinesistest.Target) {
			tg.HTTP = rewriter{next: tg.HTTP, op: "DescribeStreamSummary", response: func(d map[string]any) {
				d["StreamDescriptionSummary"].(map[string]any)["ConsumerCount"] = 0
			}}
		}, []string{"the summary counts consumers"}},
		"limits off": {func(s *kinesis.Server, _ *kinesistest.Target) { s.SetLimits(kinesis.Limits{}) },
			[]string{"five RegisterStreamConsumer a second", "one SubscribeToShard a second", "2 MiB a second of events"}},
		"time stands still": {func(s *kinesis.Server, tg *kinesistest.Target) {
			advance := tg.Advance
			tg.Poll, tg.Advance = func() { advance(time.Second) }, func(time.Duration) {}
			s.SetLimits(kinesis.Limits{})
		}, []string{"a subscription ends after 5 minutes", "an idle subscription speaks", "consumer list tokens expire", "a subscription is taken over after 5 seconds"}},
	} {
		t.Run(name, func(t *testing.T) {
			mustFail(t, func() kinesistest.Target {
				s, tg := target(kinesis.Options{})
				tg.Patience = 300 * time.Millisecond
				c.kinder(s, &tg)
				return tg
			}, c.want...)
		})
	}
	t.Run("consumers are ready at once", func(t *testing.T) {
		mustFail(t, func() kinesistest.Target {
			_, tg := target(kinesis.Options{ConsumerDelay: time.Nanosecond})
			return tg
		}, "a consumer that is CREATING cannot subscribe", "five consumers CREATING")
	})
}
