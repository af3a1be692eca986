package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// StreamInfo is what the service says of a stream.
type StreamInfo struct {
	Name           string
	ARN            string
	Created        time.Time     // to the second
	Retention      time.Duration // how long a record can be read
	MaxRecordBytes int           // 1 MiB to 10 MiB, data and partition key together
	OpenShards     int
	Encrypted      bool // with a KMS key: reading needs kms:Decrypt
	// AutoDistributed: the service chooses each record's shard, so that hash ranges say nothing of where a record lies.
	AutoDistributed bool
}

// ID tells the stream from any other, also from one of the same name that was there before or comes after it: its ARN,
// an @, and its creation time in Unix seconds.
func (i StreamInfo) ID() string { return i.ARN + "@" + strconv.FormatInt(i.Created.Unix(), 10) }

// control makes the calls about a stream as a whole.
type control struct {
	client *kinesis.Client
	stream reader.Stream
	log    *slog.Logger
}

const (
	controlTimeout = 15 * time.Second
	controlTries   = 5
)

// describe returns what the stream is now. A stream that is being made is waited for.
func (c *control) describe(ctx context.Context) (StreamInfo, error) {
	in := &kinesis.DescribeStreamSummaryInput{}
	if c.stream.ARN != "" {
		in.StreamARN = &c.stream.ARN
	} else {
		in.StreamName = &c.stream.Name
	}
	for {
		var out *kinesis.DescribeStreamSummaryOutput
		err := c.try(ctx, "describe stream "+c.stream.String(), "DescribeStreamSummary", func(ctx context.Context) (err error) {
			out, err = c.client.DescribeStreamSummary(ctx, in)
			return err
		})
		if err != nil {
			return StreamInfo{}, err
		}
		d := out.StreamDescriptionSummary
		if d == nil || d.StreamARN == nil || d.StreamCreationTimestamp == nil {
			return StreamInfo{}, fmt.Errorf("describe stream %s: the answer has no ARN or no creation time", c.stream)
		}
		switch d.StreamStatus {
		case types.StreamStatusDeleting:
			return StreamInfo{}, &lease.Error{Op: "describe stream " + c.stream.String(), Class: lease.ClassPermanent, Err: errors.New("the stream is being deleted")}
		case types.StreamStatusCreating:
			c.log.Info("waiting for the stream to be created", "stream", c.stream.String())
			if err := reader.Pause(ctx, time.Second); err != nil {
				return StreamInfo{}, err
			}
			continue
		}
		return StreamInfo{
			Name: aws.ToString(d.StreamName), ARN: *d.StreamARN, Created: d.StreamCreationTimestamp.UTC(),
			Retention:      time.Duration(aws.ToInt32(d.RetentionPeriodHours)) * time.Hour,
			MaxRecordBytes: int(max(aws.ToInt32(d.MaxRecordSizeInKiB), 1024)) << 10,
			OpenShards:     int(aws.ToInt32(d.OpenShardCount)), Encrypted: d.EncryptionType == types.EncryptionTypeKms,
			AutoDistributed: d.RecordDistributionStrategy == types.RecordDistributionStrategyAuto,
		}, nil
	}
}

// try makes one call, and a few more where the error is one that may pass. Its error is a [lease.Error].
func (c *control) try(ctx context.Context, op, action string, call func(context.Context) error) error {
	for n := 1; ; n++ {
		callCtx, cancel := context.WithTimeout(ctx, controlTimeout)
		err := call(callCtx)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		class := leaseClass(err)
		explained := &lease.Error{Op: op, Class: class, Err: reader.Explain("ask Kinesis", action, c.stream.String(), err)}
		if class == lease.ClassPermanent || n == controlTries || errors.As(err, new(*types.ExpiredNextTokenException)) {
			return explained
		}
		c.log.Debug("trying again", "op", op, "error", err)
		if err := reader.Pause(ctx, time.Duration(n)*300*time.Millisecond); err != nil {
			return err
		}
	}
}

func leaseClass(err error) lease.Class {
	switch reader.Classify(err) {
	case reader.ClassRetry, reader.ClassInUse:
		return lease.ClassRetry
	case reader.ClassThrottled:
		return lease.ClassThrottled
	default:
		return lease.ClassPermanent
	}
}

// ListShards implements [lease.Lister].
func (c *control) ListShards(ctx context.Context, start *lease.Start) (lease.Listing, error) {
	for {
		listing, err := c.list(ctx, start)
		if err == nil || !errors.As(err, new(*types.ExpiredNextTokenException)) {
			return listing, err
		}
		// The token of a page is good for 300 s, so this is a machine that slept: begin again.
	}
}

func (c *control) list(ctx context.Context, start *lease.Start) (lease.Listing, error) {
	first := &kinesis.ListShardsInput{MaxResults: aws.Int32(1000), ShardFilter: filter(start)}
	if c.stream.ARN != "" {
		first.StreamARN = &c.stream.ARN
	} else {
		first.StreamName = &c.stream.Name
	}
	op := "list shards of stream " + c.stream.String()
	listing := lease.Listing{Time: time.Now()}
	for in, page := first, 0; ; page++ {
		var out *kinesis.ListShardsOutput
		err := c.try(ctx, op, "ListShards", func(ctx context.Context) (err error) {
			out, err = c.client.ListShards(ctx, in)
			return err
		})
		if err != nil {
			return lease.Listing{}, err
		}
		if page == 0 {
			listing.Time = earlier(listing.Time, out.ResultMetadata)
		}
		for _, s := range out.Shards {
			listing.Shards = append(listing.Shards, shardOf(s))
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		// The token stands for stream and filter; naming them beside it is an error.
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
	if len(listing.Shards) == 0 {
		return lease.Listing{}, fmt.Errorf("%s: the service listed none", op)
	}
	return listing, nil
}

// earlier is the earlier of t and the answer's Date header. LATEST is remembered as this time: our clock may be
// ahead of the service's, whose Date is cut to the second, so reading from it loses nothing.
func earlier(t time.Time, metadata middleware.Metadata) time.Time {
	if date, ok := awsmiddleware.GetServerTime(metadata); ok && date.Before(t) {
		return date
	}
	return t
}

func filter(start *lease.Start) *types.ShardFilter {
	if start == nil {
		return nil
	}
	switch start.Position {
	case row.Latest:
		return &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}
	case row.AtTimestamp:
		return &types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &start.Time}
	default:
		return &types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}
	}
}

func shardOf(s types.Shard) lease.Shard {
	out := lease.Shard{ID: aws.ToString(s.ShardId)}
	for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
		if aws.ToString(parent) != "" {
			out.Parents = append(out.Parents, *parent)
		}
	}
	if r := s.HashKeyRange; r != nil {
		out.StartHash, out.EndHash = aws.ToString(r.StartingHashKey), aws.ToString(r.EndingHashKey)
	}
	out.Closed = s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
	return out
}
