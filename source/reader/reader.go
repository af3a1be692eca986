package reader

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/reader/wire"
)

// Service is the part of the SDK's client that a reader calls. The client must have been made with [wire.Use] and
// should not retry by itself: the reader paces itself and knows the limits.
type Service interface {
	wire.Caller
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
}

// Budget bounds the memory of all answers in flight.
type Budget interface {
	// Acquire blocks until n bytes are free, and takes them. It returns ctx's error if that ends first.
	Acquire(ctx context.Context, n int64) error
	// Take takes n bytes more without waiting, also where they are not free: an answer turned out larger.
	Take(n int64)
	// Release gives n bytes back.
	Release(n int64)
}

// Stream says how the calls name the stream: by ARN when that is set, else by name. An ARN makes the SDK call another
// host, one of the stream's account, so a stream that is configured by name is called by name.
type Stream struct{ Name, ARN string }

func (s Stream) String() string {
	if s.ARN != "" {
		return s.ARN
	}
	return s.Name
}

// Config says what [Read] reads. All fields are required but Retention, Budget, Aggregates and HashRange.
type Config struct {
	Service Service
	Stream  Stream
	Shard   string
	// Start is where to begin: just after a number, or at a sentinel.
	Start row.Position
	// StartTime is the time of an AT_TIMESTAMP start. With a LATEST start it is the time that LATEST was at; where it
	// is zero, the time of the first call takes its place.
	StartTime time.Time
	// PollInterval is how often the tip of the shard is asked for new records; at least 200 ms.
	PollInterval time.Duration
	// Retention is how long the stream keeps a record; 0 where that is not known, and then nothing is said of records that
	// are gone.
	Retention time.Duration
	Budget    Budget
	// Aggregates says what becomes of KPL aggregates; they are all handed over when nil.
	Aggregates *Aggregates
	// HashRange is the shard's, to tell user records of aggregates that are not its own; nil when that is not to be told,
	// as where the service and not the record's key chooses the shard.
	HashRange *kpl.Range
	// Handle takes one answer, on the goroutine of Read. Its error ends Read, but a [row.Rewind] is obeyed.
	Handle func(context.Context, *row.Response) error
	// Ended is told the child shards when the shard's end is reached, before Handle is. There may be none named.
	Ended func([]types.ChildShard)
	// Missing is asked when the service says that stream or shard do not exist, or that a position is not of this
	// stream. Of Other the error is the one to end with, of Unknown the one to show.
	Missing func(ctx context.Context, cause error) (Verdict, error)
	Trouble *Trouble
	Log     *slog.Logger
}

// Verdict says what became of the stream.
type Verdict uint8

const (
	// Same: the stream is the one that it was, so only the shard is gone.
	Same Verdict = iota
	// Other: the stream is gone, or was made again.
	Other
	// Unknown: that cannot be told now.
	Unknown
	// Open: as Same, and the stream lists the shard as one that is written to.
	Open
	// Closed: as Same, and the stream lists the shard as one that is closed. It may just be leaving the stream.
	Closed
)

const (
	callTimeout     = time.Minute      // 20 MB at 350 KB/s
	iteratorTimeout = 15 * time.Second // a few hundred bytes
	leastEstimate   = 64 << 10
	// worstAnswer is the memory of a full answer: 10 MiB of records, a third more in base64, and the table of records.
	worstAnswer = 15 << 20
)

// Read reads the shard until ctx ends, and then returns nil. It returns an error only for what no retry cures, or as
// Handle returned it.
func Read(ctx context.Context, cfg Config) error {
	r := &reader{Config: cfg, resume: cfg.Start, estimate: worstAnswer}
	defer r.answer.Release()
	defer r.calm()
	for ctx.Err() == nil {
		if err := r.step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

type reader struct {
	Config
	resume   row.Position // read on just after it
	whole    bool         // resume is the end of a record of the service, not perhaps inside one
	sought   string       // the record that was asked for, until the first one came; "" = none
	iterator string       // "" = get one
	ended    bool
	next     time.Time // no call before it
	opened   time.Time // when an iterator was last asked for
	backoff  backoff
	uneasy   bool      // Trouble knows of this shard
	estimate int64     // of the memory that the next answer takes
	strikes  int       // iterators in a row that the service called invalid
	absent   time.Time // when a closed shard that is listed was first called unknown; zero = it is not
	answer   wire.Answer
	expander expander
	response row.Response
}

// step makes one call, or hands out one empty answer after the shard's end.
func (r *reader) step(ctx context.Context) error {
	if err := pause(ctx, r.next); err != nil {
		return err
	}
	switch {
	case r.ended:
		r.next = time.Now().Add(r.PollInterval)
		_, err := r.handle(ctx, &row.Response{Shard: r.Shard, End: true})
		return err
	case r.iterator == "":
		if err := pause(ctx, r.opened.Add(callSpacing)); err != nil {
			return err
		}
		return r.open(ctx)
	default:
		return r.read(ctx)
	}
}

func (r *reader) read(ctx context.Context) error {
	lent := r.estimate
	if r.Budget != nil {
		if err := r.Budget.Acquire(ctx, lent); err != nil {
			return err
		}
	}
	// Deferred by value of lent at the end: it grows or shrinks once the answer's size is known.
	defer func() {
		r.answer.Release()
		if r.Budget != nil {
			r.Budget.Release(lent)
		}
	}()
	started := time.Now()
	in := &kinesis.GetRecordsInput{ShardIterator: &r.iterator}
	if r.Stream.ARN != "" {
		in.StreamARN = &r.Stream.ARN
	}
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	err := wire.GetRecords(callCtx, r.Service, in, &r.answer)
	cancel()
	if err != nil {
		return r.readFailed(ctx, err)
	}
	r.calm()
	a := &r.answer
	size := int64(a.Size())
	if r.Budget != nil && size < lent {
		r.Budget.Release(lent - size)
		lent = size
	}
	// take makes what is lent equal what is held.
	take := func(expanded int) {
		size = max(size, int64(a.Size()+expanded))
		if r.Budget != nil && size > lent {
			r.Budget.Take(size - lent)
			lent = size
		}
	}
	r.next = a.At.Add(spacing(a.Payload + a.Keys))
	if tip := started.Add(r.PollInterval); a.MillisBehindLatest == 0 && tip.After(r.next) {
		r.next = tip
	}
	err = r.deliver(ctx, take)
	r.expect(size, a.MillisBehindLatest)
	return err
}

// expect estimates the memory of the next answer. Behind the tip it may be a full one: were less asked for, all shards of
// a backlog would be let in at once and overdraw together. At the tip, a shard that was busy is expected to be busy, less
// so with every smaller answer.
func (r *reader) expect(size, behind int64) {
	if behind > 0 {
		r.estimate = max(worstAnswer, size)
		return
	}
	r.estimate = max(leastEstimate, size, r.estimate*3/4)
}

// deliver hands the answer to the handler, in parts where its aggregates hold very much, and moves on. It returns the memory
// that the aggregates took beside the answer; take is told of it as soon as it is there.
func (r *reader) deliver(ctx context.Context, take func(int)) error {
	a, e := &r.answer, &r.expander
	if e.aggregates, e.hashes = r.Aggregates, nil; r.Aggregates.judges() {
		e.hashes = r.HashRange
	}
	r.arrived(a.Records)
	e.begin(a.Records, r.resume)
	defer e.end()
	for {
		p := e.next()
		take(e.size())
		r.response = row.Response{Shard: r.Shard, Records: p.records, Bytes: p.bytes, MillisBehindLatest: a.MillisBehindLatest, Last: p.last}
		resp := &r.response
		if !p.last.IsZero() && !p.last.IsNumber() {
			return &Error{Op: "get records of shard " + r.Shard, Err: errors.New("the service sent a sequence number that is no number: " + p.last.Sequence)}
		}
		if p.more || p.taken > 0 && len(p.records) == 0 {
			// No records at 0 ms would say that the tip is reached, which only an answer says that came empty.
			resp.MillisBehindLatest = max(1, resp.MillisBehindLatest)
		}
		if !p.more {
			r.iterator = a.NextIterator
			if a.NextIterator == "" {
				resp.End, r.ended = true, true
				r.Ended(a.Children)
			}
		}
		if rewound, err := r.handle(ctx, resp); err != nil || rewound || !p.more {
			return err
		}
	}
}

// handle calls the handler and obeys a rewind.
func (r *reader) handle(ctx context.Context, resp *row.Response) (rewound bool, err error) {
	err = r.Handle(ctx, resp)
	if rewind, ok := errors.AsType[*row.Rewind](err); ok {
		r.resume, r.whole = rewind.After, false
		if !r.resume.IsNumber() {
			r.resume = r.Start
		}
		r.iterator, r.ended = "", false
		r.Log.Info("reading the shard again", "shard", r.Shard, "after", r.resume.String())
		return true, nil
	}
	if err == nil && resp.Last.IsNumber() {
		r.resume, r.whole = resp.Last, true
	}
	return false, err
}

// calm says that a call succeeded, or that this shard is no longer read.
func (r *reader) calm() {
	r.backoff = backoff{}
	r.strikes = 0
	r.absent = time.Time{}
	if r.uneasy {
		r.uneasy = false
		r.Trouble.recovered(r.Shard)
	}
}
