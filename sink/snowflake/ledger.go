package snowflake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Errors that end a pipeline: going on would lose or double rows, and only a person can decide.
var (
	// ErrOffsetsMissing: the lease remembers offsets that Snowflake has no longer.
	ErrOffsetsMissing = errors.New("the offsets that this application committed are gone")
	// ErrApplication: another application loads this table.
	ErrApplication = errors.New("another application loads this table")
	// ErrOffsetsBroken: the offsets table does not hold exactly one row a shard and one row '*'.
	ErrOffsetsBroken = errors.New("the offsets table is damaged")
)

// LedgerOptions configure a [Ledger].
type LedgerOptions struct {
	Table       Name   // the table that is loaded; the offsets stand beside it as <table>$OFFSETS
	Stream      string // stream ARN @ creation time: a stream made again is another stream
	Application string
	// LockPatience is how old another transaction's lock on the offsets may grow before it is taken for a dead
	// worker's and ended. A live worker holds it for one round trip.
	LockPatience time.Duration
	NewID        func() string // a fresh unique id
	// Watch starts a stopwatch and returns its reading: the most time that can have passed since, by the monotonic and
	// by the wall clock. The machine's own clocks when nil.
	Watch func() (elapsed func() time.Duration)
	// Sleep waits for d, or returns ctx's error when that ends first. A timer of the machine when nil.
	Sleep func(ctx context.Context, d time.Duration) error
	// Waiting hears what Commit or Acquire waits for each time that it has waited in vain. May be nil.
	Waiting func(error)
	Log     *slog.Logger
	// Broken are rules that a test breaks on purpose.
	Broken mutant.Set
}

// watch is the stopwatch of this machine. A machine that is suspended stops its monotonic clock; one whose wall clock is
// set back would count too little by that.
func watch() func() time.Duration {
	start := time.Now()
	return func() time.Duration {
		now := time.Now()
		return max(now.Sub(start), now.Round(0).Sub(start.Round(0))) // Round strips the monotonic reading
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Ledger is the offsets table. It belongs to the goroutine of its [Client].
type Ledger struct {
	client   *Client
	opts     LedgerOptions
	offsets  Name
	created  bool
	doubtful trouble // what became of a batch
	locked   trouble // the wait for the lock on the offsets
	guard    guard
}

// NewLedger returns the ledger of one table.
func NewLedger(c *Client, opts LedgerOptions) *Ledger {
	if opts.Waiting == nil {
		opts.Waiting = func(error) {}
	}
	if opts.Watch == nil {
		opts.Watch = watch
	}
	if opts.Sleep == nil {
		opts.Sleep = sleep
	}
	return &Ledger{client: c, opts: opts, offsets: opts.Table.sibling(opts.Table.Object + "$OFFSETS"), doubtful: trouble{log: opts.Log}, locked: trouble{log: opts.Log}}
}

type offset struct {
	stream, shard, application, owner, batch string
	epoch                                    int64
	at                                       row.Position
}

// Acquire makes this worker the owner of the shards' offsets and returns where each stands. The latest acquirer wins.
// It is safe to repeat after any error. [ErrOffsetsMissing], [ErrApplication] and [ErrOffsetsBroken] are final.
func (l *Ledger) Acquire(ctx context.Context, wanted []row.Wanted) (map[string]row.Claim, error) {
	if err := l.create(ctx, wanted); err != nil {
		return nil, err
	}
	// A dead worker's lock is the common reason to be here at all: look before waiting for it.
	if err := l.breakLocks(ctx); err != nil {
		return nil, err
	}
	shards := make([]string, len(wanted))
	for i, w := range wanted {
		shards[i] = w.Shard
	}
	owner := l.opts.NewID()
	mark := owner
	if l.opts.Broken.Has(mutant.UnmarkedAcquire) {
		mark = ""
	}
	var claims map[string]row.Claim
	var held func() time.Duration // since before the lock was ours
	var shown trial               // of the guard, in this transaction
	err := l.client.tx(ctx, func() error {
		asked := l.opts.Watch()
		if err := l.lock(ctx, wanted, mark); err != nil {
			return err
		}
		held = asked
		if err := l.try(ctx, &shown); err != nil {
			return err
		}
		if _, err := l.client.Exec(ctx, InsertOffsets{Offsets: l.offsets, Stream: l.opts.Stream, Application: l.opts.Application, Shards: shards, Mark: mark}); err != nil {
			return err
		}
		bump := BumpEpochs{Offsets: l.offsets, Stream: l.opts.Stream, Owner: owner, Shards: shards, By: 1, Mark: mark}
		if l.opts.Broken.Has(mutant.NoEpochBump) {
			bump.By = 0
		}
		n, err := l.client.Exec(ctx, bump)
		if err != nil {
			return err
		}
		if n < int64(len(shards)) {
			return &Error{Class: Retry, Statement: "acquire", Err: fmt.Errorf("%d of %d offsets were acquired: somebody ended the transaction", n, len(shards))}
		}
		rows, err := l.read(ctx)
		if err != nil {
			return err
		}
		if claims, err = l.claims(rows, wanted, owner); errors.Is(err, ErrOffsetsBroken) && !marks(rows, mark) {
			err = &Error{Class: Retry, Statement: "acquire", Err: errors.New("somebody ended the transaction")}
		}
		return err
	})
	if err == nil {
		l.tried(ctx, shown)
	}
	if held != nil && held() >= l.opts.LockPatience/2 && (err == nil || errors.Is(err, ErrOffsetsBroken)) {
		// Somebody may have ended our transaction for dead, after which the statements ran in another and, without the mark,
		// changed nothing.
		var rows []offset
		if rows, err = l.lockedRead(ctx); err == nil {
			if claims, err = l.claims(rows, wanted, owner); err != nil {
				err = &Error{Class: Retry, Statement: "acquire", Err: errors.New("it took too long: " + err.Error())} // not wrapped: the error is no word on the offsets
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("acquire the offsets of %d shards: %w", len(wanted), err)
	}
	return claims, nil
}

// create makes the offsets table unless some shard's offsets should exist already: then a missing table is a dropped
// one, and an empty one in its place would stand in the way of UNDROP.
func (l *Ledger) create(ctx context.Context, wanted []row.Wanted) error {
	if l.created {
		return nil
	}
	for _, w := range wanted {
		if w.HasOffsets {
			return nil
		}
	}
	if _, err := l.client.Exec(ctx, CreateOffsets{l.offsets, l.opts.Application}); err != nil && !isExists(err) {
		return fmt.Errorf("create the offsets table: %w", err)
	}
	l.created = true
	return nil
}

func (l *Ledger) lock(ctx context.Context, wanted []row.Wanted, mark string) error {
	n, err := l.waiting(ctx, LockOffsets{Offsets: l.offsets, Mark: mark})
	switch {
	case isMissing(err):
		for _, w := range wanted {
			if w.HasOffsets {
				return l.missing(w.Shard)
			}
		}
		l.created = false
		return err
	case err != nil:
		return err
	case n != 1:
		return fmt.Errorf("%w: %s has %d rows '*', want 1", ErrOffsetsBroken, l.offsets, n)
	}
	return nil
}

func (l *Ledger) claims(rows []offset, wanted []row.Wanted, owner string) (map[string]row.Claim, error) {
	claims := make(map[string]row.Claim, len(wanted))
	for _, o := range rows {
		if o.application != l.opts.Application {
			return nil, fmt.Errorf("%w: %s belongs to application %q, this is %q: name another table in sink.table, or stop the other application and delete its rows from %s",
				ErrApplication, l.opts.Table, o.application, l.opts.Application, l.offsets)
		}
		if o.owner != owner || o.stream != l.opts.Stream {
			continue
		}
		if _, twice := claims[o.shard]; twice {
			return nil, fmt.Errorf("%w: %s has several rows for shard %s", ErrOffsetsBroken, l.offsets, o.shard)
		}
		claims[o.shard] = row.Claim{Epoch: o.epoch, At: o.at}
	}
	for _, w := range wanted {
		c, ok := claims[w.Shard]
		if !ok {
			return nil, fmt.Errorf("%w: %s has no row for shard %s after it was inserted", ErrOffsetsBroken, l.offsets, w.Shard)
		}
		if w.HasOffsets && c.Epoch == 1 {
			return nil, l.missing(w.Shard) // this transaction made the row
		}
	}
	return claims, nil
}

// marks reports whether the row '*' bears a mark.
func marks(rows []offset, mark string) bool {
	return slices.ContainsFunc(rows, func(o offset) bool { return o.shard == "*" && o.owner == mark })
}

func (l *Ledger) missing(shard string) error {
	return fmt.Errorf("%w: shard %s has rows in %s, but %s does not say how far: if sink.database, schema or table was changed, change it back, or give the new table a source.application of its own; if the table was dropped, UNDROP TABLE %s (drop an empty one that stands in its place first); or, to load what the stream still holds a second time, stop all workers and run `kinesis-snowflake leases reset --to TRIM_HORIZON`",
		ErrOffsetsMissing, shard, l.opts.Table, l.offsets, l.offsets)
}

// read reads the stream's rows and the row '*', in the session and transaction that is open.
func (l *Ledger) read(ctx context.Context) ([]offset, error) {
	res, err := l.client.Query(ctx, ReadOffsets{l.offsets, l.opts.Stream})
	if err != nil {
		return nil, err
	}
	rows := make([]offset, len(res.Rows))
	for i := range rows {
		epoch, err := strconv.ParseInt(res.Get(i, "EPOCH"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: read an epoch: %w", ErrOffsetsBroken, err)
		}
		sub, err := strconv.ParseInt(res.Get(i, "SUBSEQUENCE"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: read a subsequence: %w", ErrOffsetsBroken, err)
		}
		rows[i] = offset{
			stream: res.Get(i, "STREAM"), shard: res.Get(i, "SHARD"), application: res.Get(i, "APPLICATION"),
			owner: res.Get(i, "OWNER"), batch: res.Get(i, "BATCH_ID"), epoch: epoch,
			at: row.Position{Sequence: res.Get(i, "SEQUENCE"), Subsequence: sub},
		}
		if l.opts.Broken.Has(mutant.SequenceOnly) {
			rows[i].at.Subsequence = 0
		}
	}
	return rows, nil
}

// Shards names the shards of the stream that have offsets; none if there is no offsets table. It needs a warehouse if
// there is one.
func (l *Ledger) Shards(ctx context.Context) ([]string, error) {
	rows, err := l.read(ctx)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets: %w", err)
	}
	var shards []string
	for _, o := range rows {
		if o.stream == l.opts.Stream {
			shards = append(shards, o.shard)
		}
	}
	return shards, nil
}
