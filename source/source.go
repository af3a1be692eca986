package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Source reads one stream as one worker of an application.
type Source struct {
	opt     Options
	log     *slog.Logger
	control *control
	store   lease.Store
	trouble *reader.Trouble
	fanOut  *reader.FanOut // nil: shards are polled
	// aggregates counts KPL aggregates, of all shards.
	aggregates *reader.Aggregates

	mu      sync.Mutex
	info    *StreamInfo
	offsets []string
	run     *run // of Run, once it has begun
}

// New returns a source that has not begun. It makes no call, but may read the files of the AWS default chain.
func New(o Options) (*Source, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	cfg, err := awsConfig(context.Background(), &o)
	if err != nil {
		return nil, err
	}
	return newSource(o, cfg), nil
}

func newSource(o Options, cfg aws.Config) *Source {
	stream := reader.Stream{Name: o.Stream}
	if _, _, err := parseARN(o.Stream); err == nil {
		stream = reader.Stream{ARN: o.Stream}
	}
	filter, _ := misplaced(o.HashRangeFilter) // was checked
	s := &Source{
		opt: o, log: o.Logger,
		control: &control{client: kinesisClient(cfg, &o), stream: stream, log: o.Logger},
		store:   lease.NewDynamoDB(dynamoClient(cfg, &o), o.Application, o.Logger),
		trouble: reader.NewTrouble(o.Logger, o.trouble("read")),
	}
	s.aggregates = reader.NewAggregates(o.Logger, filter, s.distributed)
	s.fanOut = newFanOut(s, cfg)
	return s
}

// Prepare asks what the stream is, waiting for it while it is being created. It tries a few times where an error may
// pass. Run prepares by itself if that was not done.
func (s *Source) Prepare(ctx context.Context) (StreamInfo, error) {
	info, err := s.control.describe(ctx)
	if err != nil {
		return StreamInfo{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info = &info
	return info, nil
}

// retention returns how long the stream kept its records when Run began.
func (s *Source) retention() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.info == nil {
		return 0
	}
	return s.info.Retention
}

// WorkerID returns the name of this worker in the lease table.
func (s *Source) WorkerID() string { return s.opt.WorkerID }

// SetOffsets names the shards that have offsets in Snowflake, between Prepare and Run: on an empty lease table they
// get leases too, as far as the stream still has them, also where the start position alone would leave them out.
func (s *Source) SetOffsets(shards []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offsets = shards
}

// missing returns what tells what became of a shard: whether the stream is the one that was begun with, or took its place, and
// whether it lists the shard.
func (s *Source) missing(shard string) func(context.Context, error) (reader.Verdict, error) {
	return func(ctx context.Context, cause error) (reader.Verdict, error) {
		if verdict, err := s.replaced(ctx, cause); verdict != reader.Same {
			return verdict, err
		}
		listing, err := s.control.ListShards(ctx, nil)
		if err != nil {
			return reader.Unknown, err
		}
		for _, l := range listing.Shards {
			switch {
			case l.ID != shard:
			case l.Closed:
				return reader.Closed, nil
			default:
				return reader.Open, nil
			}
		}
		return reader.Same, nil
	}
}

// replaced tells the stream that was begun with from one that took its place.
func (s *Source) replaced(ctx context.Context, cause error) (reader.Verdict, error) {
	s.mu.Lock()
	was := *s.info
	s.mu.Unlock()
	now, err := s.control.describe(ctx)
	switch {
	case err != nil && errors.Is(err, lease.ErrPermanent):
		return reader.Other, fmt.Errorf("%w; stream %s is gone: %w", cause, s.control.stream, err)
	case err != nil:
		return reader.Unknown, err
	case now.ID() != was.ID():
		return reader.Other, &reader.Error{
			Op: "read stream " + s.control.stream.String(), Err: cause,
			Hint: fmt.Sprintf("the stream was deleted and made again: it was created %s and now %s; to load it from its beginning, stop all workers and run `kinesis-snowflake leases reset --to TRIM_HORIZON`",
				was.Created.Format(time.RFC3339), now.Created.Format(time.RFC3339)),
		}
	default:
		return reader.Same, nil
	}
}
