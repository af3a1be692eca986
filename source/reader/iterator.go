package reader

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
)

// open gets an iterator for what comes after r.resume.
func (r *reader) open(ctx context.Context) error {
	in := &kinesis.GetShardIteratorInput{ShardId: &r.Shard}
	if r.Stream.ARN != "" {
		in.StreamARN = &r.Stream.ARN
	} else {
		in.StreamName = &r.Stream.Name
	}
	r.position(in)
	now := time.Now()
	callCtx, cancel := context.WithTimeout(ctx, iteratorTimeout)
	out, err := r.Service.GetShardIterator(callCtx, in)
	cancel()
	r.opened = time.Now()
	if err != nil {
		return r.openFailed(ctx, err)
	}
	if in.ShardIteratorType == types.ShardIteratorTypeLatest {
		// Were this iterator to expire before the first record, LATEST would be a later place then. The service's
		// clock counts: ours may be ahead of it, and its Date is cut to the second, which errs to the safe side.
		if date, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok && date.Before(now) {
			now = date
		}
		r.StartTime = now
	}
	if r.iterator = aws.ToString(out.ShardIterator); r.iterator == "" {
		return r.retry(ctx, ClassRetry, &Error{Op: "get iterator of shard " + r.Shard, Err: errNoIterator})
	}
	return nil
}

// position says in the request where to read from.
//
// A position that was not delivered here may lie inside an aggregate, (sequence, n) saying that its user records up to n are
// done; KCL writes such checkpoints. So its record is asked for again, and the expander leaves out what is done of it.
func (r *reader) position(in *kinesis.GetShardIteratorInput) {
	r.sought = ""
	at := func(t time.Time) {
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &t
	}
	switch {
	case r.resume.IsNumber() && !r.whole:
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAtSequenceNumber, &r.resume.Sequence
		r.sought = r.resume.Sequence
	case r.resume.IsNumber():
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &r.resume.Sequence
	case r.resume.Sequence == row.AtTimestamp, r.resume.Sequence == row.Latest && !r.StartTime.IsZero():
		at(r.StartTime)
	case r.resume.Sequence == row.Latest:
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	default:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	}
}

// arrived compares the first records since an iterator with what was asked for. The service does not say that the record of a
// position is no longer there: it goes on with the first one that is.
//
// A shard that had no records meanwhile has lost none. So a first record that is young tells nothing: it may come after a
// silence. One from the older half of what the stream keeps is worth a line.
func (r *reader) arrived(records []row.Record) {
	if r.sought == "" || len(records) == 0 {
		return
	}
	first := &records[0]
	gone := row.CompareSequence(first.Sequence, r.sought) > 0
	r.sought = ""
	if age := time.Since(time.UnixMilli(first.Arrival)); gone && r.Retention > 0 && age > r.Retention/2 {
		r.Log.Warn("records may be lost: the stream no longer has the one that the shard was read to, and the first that it has is old",
			"shard", r.Shard, "after", r.resume.String(), "first", string(first.Sequence), "first_is_old", age.Round(time.Second), "retention", r.Retention)
	}
}
