package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Again reads some records of a stream beside the workers that read it: single ones a second time, or a sample. It may be used
// by several goroutines, one a shard; what it has to say of the stream is said once for all of them.
type Again struct {
	tools      *Tools
	info       StreamInfo
	aggregates *reader.Aggregates
}

// Again returns a reader of some records. User records of aggregates are left out as the pipeline's HashRangeFilter says.
func (t *Tools) Again(info StreamInfo) *Again {
	filter, _ := misplaced(t.opt.HashRangeFilter) // was checked
	return &Again{tools: t, info: info, aggregates: reader.NewAggregates(t.opt.Logger, filter, func() (bool, error) {
		ctx, cancel := context.WithTimeout(context.Background(), distributeTimeout)
		defer cancel()
		now, err := t.Describe(ctx)
		return now.AutoDistributed, err
	})}
}

// Place is a record of the service in its shard.
type Place struct {
	Sequence string
	Arrival  time.Time // about when it came; zero where that is not known
}

const (
	// A shard allows 5 calls and 2 MiB a second to all who poll it, and its worker comes first: these are half of it.
	againSpacing = 400 * time.Millisecond
	againRate    = 1 << 20
	// Records that came within this time of each other are read in one go: what lies between them takes about as long
	// to read as another iterator takes to get.
	againNear = 2 * time.Second
	// One call of such a stretch asks for about as many records as hold againBytes, once their size is known.
	againFirst = 1000
	againBytes = 2 << 20
	mostLimit  = 10_000 // of GetRecords
	// againPatience bounds the repeats of one call that is throttled or fails for a while. A worker that polls five times a
	// second leaves a call to others only where it gives way itself.
	againPatience = 3 * time.Minute
)

// Read reads the records at places, which are in order and all of one shard, and calls each for every user record of those
// that the stream still has. A record is lent until each returns. Of a shard that is gone nothing is called. The error
// is each's own, or one that no retry cures.
func (a *Again) Read(ctx context.Context, shard lease.Shard, places []Place, each func(*row.Record) error) error {
	r := &rereader{Again: a, shard: shard.ID, places: places, each: each}
	if hashes, err := kpl.ParseRange(shard.StartHash, shard.EndHash); err == nil && !hashes.Whole() && !a.info.AutoDistributed {
		r.hashes = &hashes
	}
	for len(r.places) > 0 {
		if err := r.stretch(ctx, r.near()); err != nil {
			if errors.Is(err, ErrShardGone) {
				return nil
			}
			return err
		}
	}
	return nil
}

type rereader struct {
	*Again
	shard  string
	hashes *kpl.Range
	places []Place // still to come
	size   int     // of a record, by the last answer; 0 before the first
	each   func(*row.Record) error
	next   time.Time // no call before it
}

// near is how many of the next places lie close together.
func (r *rereader) near() int {
	n := 1
	for n < len(r.places) && !r.places[n].Arrival.IsZero() && !r.places[n-1].Arrival.IsZero() && r.places[n].Arrival.Sub(r.places[n-1].Arrival) <= againNear {
		n++
	}
	return n
}

// stretch reads on from the next place until n of them were passed.
func (r *rereader) stretch(ctx context.Context, n int) error {
	rest := len(r.places) - n
	iterator, err := r.open(ctx)
	if err != nil && reader.Classify(err) == reader.ClassInvalid {
		r.places = r.places[1:] // no number of this shard, or of this stream: nothing is there to read
		return nil
	}
	for err == nil && len(r.places) > rest {
		var out *kinesis.GetRecordsOutput
		err = r.call(ctx, "get records of shard "+r.shard, "GetRecords", func(ctx context.Context) (err error) {
			_, arn := r.tools.stream()
			most := r.limit(n)
			out, err = r.tools.control.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &iterator, StreamARN: arn, Limit: &most})
			return err
		})
		if err != nil {
			break
		}
		if err = r.take(out.Records); err != nil {
			return err
		}
		iterator = aws.ToString(out.NextShardIterator)
		if iterator == "" || len(out.Records) == 0 && aws.ToInt64(out.MillisBehindLatest) == 0 {
			r.places = r.places[max(0, len(r.places)-rest):]
		}
	}
	if err != nil && reader.Classify(err) == reader.ClassExpired {
		return nil // what each did took over five minutes: another iterator
	}
	return err
}

// limit is how many records a call asks for in a stretch of n.
func (r *rereader) limit(n int) int32 {
	switch {
	case n == 1:
		return 1
	case r.size == 0:
		return againFirst
	default:
		return int32(min(mostLimit, max(1, againBytes/r.size)))
	}
}

func (r *rereader) open(ctx context.Context) (iterator string, err error) {
	in := &kinesis.GetShardIteratorInput{ShardId: &r.shard, ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &r.places[0].Sequence}
	in.StreamName, in.StreamARN = r.tools.stream()
	err = r.call(ctx, "get iterator of shard "+r.shard, "GetShardIterator", func(ctx context.Context) error {
		out, err := r.tools.control.client.GetShardIterator(ctx, in)
		if err == nil {
			iterator = aws.ToString(out.ShardIterator)
		}
		return err
	})
	return iterator, err
}

// take hands over those of an answer's records that are wanted. Places that it has passed, or that it holds, are done.
func (r *rereader) take(records []types.Record) error {
	bytes := 0
	for i := range records {
		rec := &records[i]
		bytes += len(rec.Data) + len(aws.ToString(rec.PartitionKey))
		sequence := aws.ToString(rec.SequenceNumber)
		// What would have come before this one is gone, also beyond the stretch: where the stream's retention has passed over
		// many places, one answer tells it of all of them.
		for len(r.places) > 0 && row.CompareSequence(r.places[0].Sequence, sequence) < 0 {
			r.places = r.places[1:]
		}
		if len(r.places) == 0 || row.CompareSequence(r.places[0].Sequence, sequence) != 0 {
			continue
		}
		r.places = r.places[1:]
		one := []row.Record{{Sequence: []byte(sequence), PartitionKey: []byte(aws.ToString(rec.PartitionKey)), Data: rec.Data, Arrival: aws.ToTime(rec.ApproximateArrivalTimestamp).UnixMilli()}}
		if err := reader.Users(one, r.aggregates, r.hashes, r.each); err != nil {
			return err
		}
	}
	if len(records) > 0 {
		r.size = max(1, bytes/len(records))
	}
	r.next = time.Now().Add(max(againSpacing, time.Duration(float64(bytes)/againRate*float64(time.Second))))
	return nil
}

// call makes a call at its time, and again while it is throttled or fails in a way that may pass.
func (r *rereader) call(ctx context.Context, op, action string, call func(context.Context) error) error {
	begun := time.Now()
	for {
		if err := reader.Pause(ctx, max(0, time.Until(r.next))); err != nil {
			return err
		}
		callCtx, cancel := context.WithTimeout(ctx, time.Minute)
		err := call(callCtx)
		cancel()
		r.next = time.Now().Add(againSpacing / 2)
		switch class := reader.Classify(err); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case class == reader.ClassNotFound:
			return fmt.Errorf("%s: %w", op, ErrShardGone)
		case time.Since(begun) > againPatience || class != reader.ClassRetry && class != reader.ClassThrottled:
			return reader.Explain(op, action, r.tools.control.stream.String(), err)
		}
		r.next = time.Now().Add(againSpacing/2 + rand.N(againSpacing))
	}
}
