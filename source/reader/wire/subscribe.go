package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
)

// Subscriber is the part of the SDK's client that [SubscribeToShard] calls.
type Subscriber interface {
	SubscribeToShard(context.Context, *kinesis.SubscribeToShardInput, ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error)
}

// Subscription is the stream of a shard's events. Next is for one goroutine at a time; Close may be called from any.
//
// The SDK's own reader of such a stream takes three goroutines and decodes one event ahead of its user, in memory that
// nobody counts; it takes a stream that breaks off inside an event for one that ended. Here the caller's goroutine
// reads, and knows an event's size before it reads it.
type Subscription struct {
	// Date is the service's time at the beginning, to the second; zero if it did not say.
	Date time.Time

	body    io.ReadCloser
	prelude [preludeSize]byte
}

// SubscribeToShard makes one call. The client must have been made with [Use]. The subscription lives as long as ctx, or
// until Close, which must be called.
func SubscribeToShard(ctx context.Context, client Subscriber, in *kinesis.SubscribeToShardInput) (*Subscription, error) {
	s := new(Subscription)
	out, err := client.SubscribeToShard(context.WithValue(ctx, subscriptionKey{}, s), in)
	if err != nil {
		if s.body != nil {
			_ = s.body.Close() // the error is the one that counts
		}
		return nil, err
	}
	if s.body == nil {
		_ = out.GetStream().Close() // its error would only hide this one
		return nil, errors.New("subscribe to shard: the client was made without wire.Use")
	}
	if date, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		s.Date = date
	}
	return s, nil
}

// Close ends the subscription, also under a call of Next, which then fails. It may be called several times.
func (s *Subscription) Close() error { return s.body.Close() }

// Next reads one event into a, which it releases first. It calls admit with the event's size in bytes before it reads
// more than its first 12 bytes, and returns admit's error if there is one.
//
// At the end of the subscription its error is io.EOF; where the service said why it ended it, that is a
// [smithy.APIError]. After an error a holds no memory, and the subscription is of no more use.
func (s *Subscription) Next(a *Answer, admit func(size int64) error) error {
	a.Release()
	for {
		f, err := s.frame(admit)
		if err != nil {
			return err
		}
		a.buf, a.Body, a.At = f.buf, f.size, f.at
		event, err := f.decode(a)
		if err != nil {
			a.Release()
			return err
		}
		if event {
			return nil
		}
		a.Release()
	}
}

// decode fills a with the frame's event. It reports false for a frame that is none: the first one, and what the service
// may add.
func (f *frame) decode(a *Answer) (bool, error) {
	switch string(f.kind) {
	case "event":
		if string(f.event) != "SubscribeToShardEvent" {
			return false, nil
		}
	case "exception":
		return false, &smithy.GenericAPIError{Code: string(f.exception), Message: message(f.payload)}
	case "error":
		return false, &smithy.GenericAPIError{Code: string(f.code), Message: string(f.text), Fault: smithy.FaultServer}
	default:
		return false, &smithy.DeserializationError{Err: fmt.Errorf("a fan-out message of type %q", f.kind)}
	}
	a.table = getTable(len(f.payload) > tableBig*100)
	a.Records = a.table.r
	err := decode(f.payload, a)
	if errors.Is(err, errNoRecords) && (a.NextIterator != "" || len(a.Children) > 0) {
		err = nil // nothing new is nothing wrong
	}
	if err != nil {
		return false, &smithy.DeserializationError{Err: fmt.Errorf("decode fan-out event: %w", err)}
	}
	return true, nil
}

// message takes the text out of an exception's payload.
func message(payload []byte) (text string) {
	p := parser{b: payload}
	err := p.object(func(key []byte) error {
		if name := string(key); (name == "message" || name == "Message") && !p.null() {
			s, err := p.str()
			text = string(s)
			return err
		}
		_, err := p.skip()
		return err
	})
	if err != nil {
		return string(payload)
	}
	return text
}

type subscriptionKey struct{}

// taken stands for a body that a Subscription has taken. To the SDK it is a stream that ended.
type taken struct{}

func (taken) Read([]byte) (int, error) { return 0, io.EOF }
func (taken) Close() error             { return nil }

func (p protocol) DeserializeInitialResponse(schema *smithy.Schema, r io.Reader, out smithy.Deserializable) error {
	if _, ok := r.(taken); ok {
		return nil
	}
	return p.ClientProtocol.DeserializeInitialResponse(schema, r, out)
}

func (p protocol) DeserializeEventMessage(schema *smithy.Schema, types *smithy.TypeRegistry, r io.Reader) (smithy.Deserializable, error) {
	if _, ok := r.(taken); ok {
		return nil, io.EOF
	}
	return p.ClientProtocol.DeserializeEventMessage(schema, types, r)
}
