package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/eventstream"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var subscribeInput = &kinesis.SubscribeToShardInput{
	ConsumerARN: aws.String("arn:aws:kinesis:eu-central-1:123456789012:stream/s/consumer/c:1"), ShardId: aws.String("shardId-000000000000"),
	StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
}

// frameOf is one frame of the SDK's own encoder.
func frameOf(t testing.TB, payload string, headers ...string) []byte {
	t.Helper()
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var out bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func initial(t testing.TB) []byte {
	return frameOf(t, "{}", ":message-type", "event", ":event-type", "initial-response", ":content-type", "application/x-amz-json-1.1")
}

func event(t testing.TB, payload string) []byte {
	return frameOf(t, payload, ":message-type", "event", ":event-type", "SubscribeToShardEvent", ":content-type", "application/json")
}

func exception(t testing.TB, code, payload string) []byte {
	return frameOf(t, payload, ":message-type", "exception", ":exception-type", code, ":content-type", "application/json")
}

func eventBody(next string, records ...string) string {
	return `{"ContinuationSequenceNumber":` + next + `,"MillisBehindLatest":7,"Records":[` + strings.Join(records, ",") + `]}`
}

// subscription opens one whose service sends the frames and then ends.
func subscription(t testing.TB, frames ...[]byte) *Subscription {
	t.Helper()
	s, err := SubscribeToShard(t.Context(), client(canned{200, bytes.Join(frames, nil), true}, Use), subscribeInput)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func admitAll(int64) error { return nil }

func TestEventsEqualTheStockDecoders(t *testing.T) {
	frames := [][]byte{
		initial(t),
		event(t, eventBody(`"77"`)),
		event(t, eventBody(`"78"`, `{"SequenceNumber":"1","ApproximateArrivalTimestamp":1700000000.123,"Data":"`+base64.StdEncoding.EncodeToString([]byte("abc"))+`","PartitionKey":"a \"key\" é","EncryptionType":"KMS"}`, `{"SequenceNumber":"2","Data":"","PartitionKey":"b"}`)),
		event(t, `{"Records":[],"MillisBehindLatest":0,"ContinuationSequenceNumber":null,"ChildShards":[{"ShardId":"shardId-1","ParentShards":["shardId-0"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"9"}}]}`),
	}
	stock, err := client(canned{200, bytes.Join(frames, nil), true}).SubscribeToShard(t.Context(), subscribeInput)
	if err != nil {
		t.Fatal(err)
	}
	ours := subscription(t, frames...)
	a := new(Answer)
	n := 0
	for e := range stock.GetStream().Events() {
		want := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		if err := ours.Next(a, admitAll); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(stockRecords(&kinesis.GetRecordsOutput{Records: want.Records}), ourRecords(a)); diff != "" {
			t.Errorf("records, stock SDK to ours:\n%s", diff)
		}
		if aws.ToString(want.ContinuationSequenceNumber) != a.NextIterator || *want.MillisBehindLatest != a.MillisBehindLatest {
			t.Errorf("got %q, %d; want %q, %d", a.NextIterator, a.MillisBehindLatest, aws.ToString(want.ContinuationSequenceNumber), *want.MillisBehindLatest)
		}
		if diff := cmp.Diff(want.ChildShards, a.Children, cmpopts.IgnoreUnexported(types.ChildShard{}, types.HashKeyRange{})); diff != "" {
			t.Errorf("children:\n%s", diff)
		}
		n++
	}
	if err := ours.Next(a, admitAll); !errors.Is(err, io.EOF) || n != 3 {
		t.Errorf("%d events, then %v", n, err)
	}
	if err := stock.GetStream().Err(); err != nil {
		t.Error(err)
	}
}

// A call without a Subscription is the SDK's, also on a client that was made with Use.
func TestStockSubscriptionsWorkBeside(t *testing.T) {
	out, err := client(canned{200, bytes.Join([][]byte{initial(t), event(t, eventBody(`"5"`))}, nil), true}, Use).SubscribeToShard(t.Context(), subscribeInput)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := <-out.GetStream().Events(); !ok || *e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.ContinuationSequenceNumber != "5" {
		t.Errorf("event %v", e)
	}
}

func TestSubscribingWithoutUseIsRefused(t *testing.T) {
	if _, err := SubscribeToShard(t.Context(), client(canned{200, initial(t), true}), subscribeInput); err == nil {
		t.Fatal("no error")
	}
}

func TestRefusedCallIsTheSDKsError(t *testing.T) {
	_, err := SubscribeToShard(t.Context(), client(canned{400, []byte(`{"__type":"ResourceInUseException","message":"taken"}`), false}, Use), subscribeInput)
	if e, ok := errors.AsType[*types.ResourceInUseException](err); !ok || e.ErrorMessage() != "taken" {
		t.Errorf("error %v", err)
	}
}

func TestWhatTheServiceSaysAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		frame         []byte
		code, message string
	}{
		{exception(t, "ResourceInUseException", `{"message":"taken \"over\""}`), "ResourceInUseException", `taken "over"`},
		{exception(t, "KMSThrottlingException", `{"a":[1],"Message":"slow"}`), "KMSThrottlingException", "slow"},
		{exception(t, "InternalFailureException", `{}`), "InternalFailureException", ""},
		{exception(t, "InternalFailureException", `oops`), "InternalFailureException", "oops"},
		{frameOf(t, "", ":message-type", "error", ":error-code", "InternalError", ":error-message", "oops"), "InternalError", "oops"},
	} {
		s := subscription(t, initial(t), event(t, eventBody(`"5"`)), c.frame)
		a := new(Answer)
		if err := s.Next(a, admitAll); err != nil {
			t.Fatal(err)
		}
		err := s.Next(a, admitAll)
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != c.code || e.ErrorMessage() != c.message {
			t.Errorf("error %v, want %s: %s", err, c.code, c.message)
		}
		if a.buf != nil || a.table != nil {
			t.Error("memory is held after an error")
		}
	}
}

func TestEventsOutOfTheOrdinary(t *testing.T) {
	for name, frames := range map[string][][]byte{
		"no initial response": {event(t, eventBody(`"5"`))},
		"an unknown event":    {initial(t), frameOf(t, "{}", ":message-type", "event", ":event-type", "Weather"), event(t, eventBody(`"5"`))},
		"no records":          {event(t, `{"ContinuationSequenceNumber":"5","MillisBehindLatest":0}`)},
		"other headers":       {frameOf(t, eventBody(`"5"`), "x", "y", ":message-type", "event", ":event-type", "SubscribeToShardEvent", "", "z")},
	} {
		a := new(Answer)
		if err := subscription(t, frames...).Next(a, admitAll); err != nil || a.NextIterator != "5" {
			t.Errorf("%s: %v, continuation %q", name, err, a.NextIterator)
		}
	}
	for name, frame := range map[string][]byte{
		"nothing in it":           event(t, `{}`),
		"no JSON":                 event(t, `\xa1`),
		"a record without number": event(t, eventBody(`"5"`, `{"Data":""}`)),
		"an unknown message":      frameOf(t, "{}", ":message-type", "telegram"),
		"no message type":         frameOf(t, "{}"),
	} {
		a := new(Answer)
		if err := subscription(t, frame).Next(a, admitAll); !errors.As(err, new(*smithy.DeserializationError)) || a.buf != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Wherever a stream breaks off, and whichever byte of it is wrong, that is an error: only between two events is it an end.
func TestNoByteIsTrusted(t *testing.T) {
	whole := event(t, eventBody(`"5"`, `{"SequenceNumber":"1","Data":"QUJD","PartitionKey":"k"}`))
	a := new(Answer)
	for n := range len(whole) {
		err := subscription(t, whole[:n]).Next(a, admitAll)
		if n == 0 && (!errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) || n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", n, err)
		}
		bad := bytes.Clone(whole)
		bad[n] ^= 4
		if err := subscription(t, bad).Next(a, admitAll); err == nil {
			t.Errorf("byte %d is wrong, and is taken", n)
		}
	}
}

// events is a body of the same event again and again.
func events(t testing.TB, n, size int) []byte {
	_, records, _ := strings.Cut(string(load(n, size)), `"Records"`)
	return event(t, `{"ContinuationSequenceNumber":"5","Records"`+records)
}

func TestEventAllocatesLittle(t *testing.T) {
	allocs := func(n int) float64 {
		frame := events(t, n, 100)
		s := &Subscription{body: io.NopCloser(&again{frame: frame})}
		a := new(Answer)
		return testing.AllocsPerRun(20, func() {
			if err := s.Next(a, admitAll); err != nil || len(a.Records) != n {
				t.Fatalf("%d records, error %v", len(a.Records), err)
			}
			a.Release()
		})
	}
	// The text of the continuation number, and what the pools of buffers lost to the collector meanwhile: nothing a record.
	if few, many := allocs(10), allocs(5000); few > 10 || many > 20 {
		t.Errorf("%v allocations for 10 records, %v for 5,000", few, many)
	}
}
