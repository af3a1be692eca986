package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Use is an option of [kinesis.New]: it makes [GetRecords] and [SubscribeToShard] possible on the client and changes no
// other call.
func Use(o *kinesis.Options) { o.Protocol = protocol{o.Protocol} }

// Caller is the part of the SDK's client that this package calls.
type Caller interface {
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// GetRecords makes one call and decodes the answer into a, which it releases first. The client must have been made
// with [Use]. Errors are the SDK's; after an error a holds no memory.
func GetRecords(ctx context.Context, client Caller, in *kinesis.GetRecordsInput, a *Answer) error {
	a.Release()
	if _, err := client.GetRecords(context.WithValue(ctx, answerKey{}, a), in); err != nil {
		a.Release()
		return err
	}
	if a.At.IsZero() {
		return fmt.Errorf("get records: the client was made without wire.Use")
	}
	return nil
}

type answerKey struct{}

// protocol wraps the SDK's protocol. It takes over the body of a successful GetRecords call that carries an Answer in
// its context, and that of a SubscribeToShard call that carries a Subscription.
type protocol struct{ smithyhttp.ClientProtocol }

func (p protocol) DeserializeResponse(ctx context.Context, op *smithy.OperationSchema, types *smithy.TypeRegistry, resp *smithyhttp.Response, out smithy.Deserializable) error {
	if s, ok := ctx.Value(subscriptionKey{}).(*Subscription); ok && resp.StatusCode >= 200 && resp.StatusCode < 300 {
		s.body, resp.Body = resp.Body, taken{}
		return nil
	}
	a, _ := ctx.Value(answerKey{}).(*Answer)
	if a == nil || resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return p.ClientProtocol.DeserializeResponse(ctx, op, types, resp, out)
	}
	// A retry by the SDK after a body that broke off comes here again.
	a.Release()
	at := time.Now()
	buf, n, err := readBody(resp.Body, resp.ContentLength)
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("read GetRecords answer: %w", err)}
	}
	a.buf, a.Body, a.At = buf, n, at
	// A record takes at least 100 bytes of JSON (its sequence number alone is 56 digits).
	a.table = getTable(n > tableBig*100)
	a.Records = a.table.r
	if err := decode(buf.b[:n], a); err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode GetRecords answer: %w", err)}
	}
	return nil
}
