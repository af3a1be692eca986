package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Tools reach a stream and its lease table from outside: they need no lease and are no worker. They are for an operator's
// commands, and may be used by several goroutines.
type Tools struct {
	opt     Options
	cfg     aws.Config
	control *control
	leases  *lease.DynamoDB
}

// NewTools returns the tools for a pipeline's stream. It makes no call.
func NewTools(o Options) (*Tools, error) {
	s, err := New(o)
	if err != nil {
		return nil, err
	}
	cfg, err := awsConfig(context.Background(), &s.opt)
	if err != nil {
		return nil, err
	}
	return &Tools{opt: s.opt, cfg: cfg, control: s.control, leases: lease.NewDynamoDB(dynamoClient(cfg, &s.opt), o.Application, s.log)}, nil
}

// Describe asks what the stream is, as [Source.Prepare] does.
func (t *Tools) Describe(ctx context.Context) (StreamInfo, error) { return t.control.describe(ctx) }

// Shards lists every shard that the stream still has.
func (t *Tools) Shards(ctx context.Context) (lease.Listing, error) {
	return t.control.ListShards(ctx, nil)
}

// Leases is the application's lease table.
func (t *Tools) Leases() *lease.DynamoDB { return t.leases }

// DynamoDB returns a client for tables of another region, the pipeline's own when it is empty, with the pipeline's
// credentials.
func (t *Tools) DynamoDB(region string) *dynamodb.Client {
	cfg := t.cfg.Copy()
	if region != "" {
		cfg.Region = region
	}
	return dynamoClient(cfg, &t.opt)
}

// Ahead is what lies just after a position.
type Ahead struct {
	Behind time.Duration // how old the first record after the position is, or how far from the shard's tip the looking ended
	First  row.Position  // of the first record after it; zero when none was seen
	End    bool          // nothing follows, and the shard is closed
}

const (
	// A shard allows 5 calls a second to all who read it; its worker makes one or so.
	lookSpacing = 300 * time.Millisecond
	// A stretch of a shard without records is passed over in empty answers.
	maxLooks = 20
	maxWaits = 4 // throttled calls that are tried again
)

// Look asks with GetRecords, one record a call, what comes after a position in a shard: from a sentinel's place, with at for
// those that stand for a time. It gives up after 20 answers without a record, with what is known then.
func (t *Tools) Look(ctx context.Context, shard string, after row.Position, at time.Time) (Ahead, error) {
	in := &kinesis.GetShardIteratorInput{ShardId: &shard}
	name, arn := t.stream()
	in.StreamName, in.StreamARN = name, arn
	switch {
	case after.Sequence == row.ShardEnd:
		return Ahead{End: true}, nil
	case after.IsNumber():
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after.Sequence
	case after.Sequence == row.TrimHorizon, after.IsZero():
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case !at.IsZero():
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &at
	default:
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	}
	var iterator *string
	err := t.patiently(ctx, "get iterator of shard "+shard, "GetShardIterator", func(ctx context.Context) error {
		out, err := t.control.client.GetShardIterator(ctx, in)
		if err == nil {
			iterator = out.ShardIterator
		}
		return err
	})
	var ahead Ahead
	for n := 0; err == nil && n < maxLooks; n++ {
		if n > 0 {
			if err := reader.Pause(ctx, lookSpacing); err != nil {
				return ahead, err
			}
		}
		var out *kinesis.GetRecordsOutput
		err = t.patiently(ctx, "get records of shard "+shard, "GetRecords", func(ctx context.Context) (err error) {
			out, err = t.control.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, StreamARN: arn, Limit: aws.Int32(1)})
			return err
		})
		if err != nil {
			break
		}
		ahead.Behind = time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond
		if len(out.Records) > 0 {
			r := out.Records[0]
			ahead.First = row.Position{Sequence: aws.ToString(r.SequenceNumber)}
			// MillisBehindLatest is of the answer's end: 0 behind the only record that is left, however long that waits. Its
			// age goes by the service's clock, as its arrival does.
			if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok && r.ApproximateArrivalTimestamp != nil {
				ahead.Behind = max(ahead.Behind, at.Sub(*r.ApproximateArrivalTimestamp))
			}
			return ahead, nil
		}
		if iterator = out.NextShardIterator; aws.ToString(iterator) == "" {
			return Ahead{End: true}, nil
		}
		if ahead.Behind == 0 {
			return ahead, nil
		}
	}
	return ahead, err
}

func (t *Tools) stream() (name, arn *string) {
	if s := t.control.stream; s.ARN == "" {
		return &s.Name, nil
	}
	return nil, &t.control.stream.ARN
}

// ErrShardGone says that the stream has no such shard any more.
var ErrShardGone = errors.New("the stream has this shard no longer")

// patiently makes a call about one shard, again a second later while it is throttled: the shard's worker comes first.
func (t *Tools) patiently(ctx context.Context, op, action string, call func(context.Context) error) error {
	for n := 1; ; n++ {
		callCtx, cancel := context.WithTimeout(ctx, controlTimeout)
		err := call(callCtx)
		cancel()
		switch class := reader.Classify(err); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case class == reader.ClassNotFound:
			return fmt.Errorf("%s: %w", op, ErrShardGone)
		case n == maxWaits || class != reader.ClassRetry && class != reader.ClassThrottled:
			return reader.Explain(op, action, t.control.stream.String(), err)
		}
		if err := reader.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}
