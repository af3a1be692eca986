package snowflake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Batch is one batch on its way into the table: staged files and the moves of the shards whose rows they hold.
type Batch struct {
	ID    string    // BATCH_ID: unique to this batch
	Copy  Statement // COPY INTO the table from the staged files
	Files int
	Rows  int64 // rows that the files hold
	Moves []Move
}

// errMoved: the UPDATE did not touch exactly the batch's shards.
var errMoved = errors.New("some offsets are not where this worker left them")

const notInDoubt = "no batch is in doubt any more"

// ErrShort: COPY loaded another number of rows than the files hold.
var ErrShort = errors.New("copy did not load every row")

// Commit loads one batch, exactly once. It must be called from the client's goroutine.
//
// A nil error means that the outcome is known. An error means that nothing was committed: its class says whether the
// table has drifted, a row is to blame, a file is missing, or it may simply be tried again. While Snowflake cannot be
// reached after a COMMIT was sent, Commit stays, resolving, until it can or ctx ends; then the error is of class
// [Gone] and the outcome stays unknown.
func (l *Ledger) Commit(ctx context.Context, b Batch) (row.Outcome, error) {
	blind := false
	var id string // of the transaction, where the guard can ask for it
	var n int64   // offsets that the UPDATE moved
	load := func() (err error) {
		if id, err = l.begun(ctx, proven); err != nil {
			return err
		}
		if id == "" && l.guarded() {
			return l.ended(ctx, b.ID)
		}
		if err := l.copy(ctx, b); err != nil {
			return err
		}
		n, err = l.waiting(ctx, MoveOffsets{Offsets: l.offsets, Stream: l.opts.Stream, BatchID: b.ID, Moves: b.Moves, Within: id, SequenceOnly: l.opts.Broken.Has(mutant.SequenceOnly)})
		if err != nil {
			return err
		}
		if n != int64(len(b.Moves)) && !l.opts.Broken.Has(mutant.UncheckedMove) && !blind {
			return fmt.Errorf("%w: moved %d of %d", errMoved, n, len(b.Moves))
		}
		return nil
	}
	err := l.client.tx(ctx, load)
	if err == nil && id != "" {
		l.guard.doubts = 0
	}
	for l.opts.Broken.Has(mutant.BlindRetry) && err != nil && !errors.Is(err, errMoved) && ClassOf(err) == Gone && ctx.Err() == nil {
		blind = true
		err = l.client.tx(ctx, load)
	}
	switch {
	case err == nil && (l.opts.Broken.Has(mutant.BelievedCommit) || l.stands(ctx, b)):
		l.doubtful.over(ctx, notInDoubt)
		return row.Outcome{Committed: true}, nil
	case err == nil:
		// The COMMIT of a transaction that somebody ended for dead, or by hand, need not fail.
		l.opts.Log.WarnContext(ctx, "a commit that was answered is not to be seen: asking Snowflake what became of it", "batch", b.ID)
		return l.resolve(ctx, b)
	case errors.Is(err, errMoved):
		out, rerr := l.resolve(ctx, b)
		switch {
		case rerr != nil || out.Committed || len(out.Fenced) > 0:
		case id != "" && n == 0:
			rerr = l.ended(ctx, b.ID)
		default:
			rerr = fmt.Errorf("%w: %s: %w, and yet each shard's row is", ErrOffsetsBroken, l.offsets, err)
		}
		return out, rerr
	case errors.Is(err, errCommit), ClassOf(err) == Gone:
		l.doubtful.again(ctx, "batch in doubt: asking Snowflake what became of it", "batch", b.ID, "error", err)
		out, rerr := l.resolve(ctx, b)
		if e, ok := errors.AsType[*Error](err); ok && e.Code != 0 && !errors.Is(err, errCommit) && rerr == nil && !out.Committed && len(out.Fenced) == 0 {
			// Snowflake gave a reason, which would be lost behind "not committed" while the same comes again and again.
			rerr = &Error{Class: Retry, Code: e.Code, Statement: e.Statement, Hint: e.Hint, Err: e.Err, unlisted: e.unlisted}
		}
		return out, rerr
	default:
		return row.Outcome{}, err
	}
}

// stands reports whether a batch is seen to be committed. It is then, for good; if it is not seen, nothing is known.
func (l *Ledger) stands(ctx context.Context, b Batch) bool {
	res, err := l.client.Query(ctx, SeekBatch{Offsets: l.offsets, Stream: l.opts.Stream, BatchID: b.ID})
	return err == nil && len(res.Rows) == 1 && res.Get(0, "N") != "0"
}

func (l *Ledger) copy(ctx context.Context, b Batch) error {
	res, err := l.client.Query(ctx, b.Copy)
	if err != nil {
		return err
	}
	var loaded int64
	for i := range res.Rows {
		n, err := strconv.ParseInt(res.Get(i, "rows_loaded"), 10, 64)
		if err != nil {
			continue // "Copy executed with 0 files processed." has one column
		}
		loaded += n
	}
	if loaded != b.Rows || len(res.Rows) != b.Files {
		return &Error{Class: File, Statement: "COPY INTO", Err: fmt.Errorf("%w: %d of %d rows, %d of %d files", ErrShort, loaded, b.Rows, len(res.Rows), b.Files)}
	}
	return nil
}

// resolve finds out what became of a batch, in a transaction that first takes the offsets' lock: whoever still has the
// batch's transaction open has the lock, so afterwards its fate is settled.
func (l *Ledger) resolve(ctx context.Context, b Batch) (row.Outcome, error) {
	pause := 100 * time.Millisecond
	for {
		rows, err := l.lockedRead(ctx)
		if err == nil {
			out := l.verdict(rows, b)
			if out.Committed || len(out.Fenced) > 0 { // else the batch is loaded again, and may be in doubt again
				l.doubtful.over(ctx, notInDoubt)
			}
			return out, nil
		}
		if c := ClassOf(err); c == Permanent || c == Drift || errors.Is(err, ErrOffsetsMissing) || errors.Is(err, ErrOffsetsBroken) {
			return row.Outcome{}, fmt.Errorf("resolve batch %s: %w", b.ID, err)
		}
		l.opts.Waiting(fmt.Errorf("ask what became of batch %s: %w", b.ID, err))
		l.doubtful.again(ctx, "cannot ask Snowflake yet what became of the batch", "batch", b.ID, "error", err)
		if ended := l.opts.Sleep(ctx, pause); ended != nil {
			return row.Outcome{}, &Error{Class: Gone, Statement: "resolve batch " + b.ID, Err: errors.Join(ended, err)}
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (l *Ledger) lockedRead(ctx context.Context) (rows []offset, err error) {
	if l.opts.Broken.Has(mutant.UnlockedResolve) {
		return l.read(ctx)
	}
	err = l.client.tx(ctx, func() error {
		n, err := l.waiting(ctx, LockOffsets{Offsets: l.offsets})
		if isMissing(err) {
			return l.missing("of this batch")
		}
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%w: %s has %d rows '*', want 1", ErrOffsetsBroken, l.offsets, n)
		}
		rows, err = l.read(ctx)
		return err
	})
	if errors.Is(err, errCommit) && rows != nil {
		err = nil // the read was under the lock; whether our touch of row '*' was kept does not matter
	}
	return rows, err
}

func (l *Ledger) verdict(rows []offset, b Batch) row.Outcome {
	at := make(map[string]offset, len(rows))
	for _, o := range rows {
		if o.stream == l.opts.Stream {
			if o.batch == b.ID && !l.opts.Broken.Has(mutant.OutcomeByPosition) {
				return row.Outcome{Committed: true}
			}
			at[o.shard] = o
		}
	}
	out := row.Outcome{Fenced: map[string]row.Claim{}}
	for _, m := range b.Moves {
		o, ok := at[m.Shard]
		if l.opts.Broken.Has(mutant.OutcomeByPosition) && o.at == m.To {
			return row.Outcome{Committed: true}
		}
		if !ok || o.epoch != m.Epoch || o.at != m.From {
			out.Fenced[m.Shard] = row.Claim{Epoch: o.epoch, At: o.at}
		}
	}
	return out
}

func isExists(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == 2002 || e.Code == 1757)
}

func isMissing(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == 2003 || e.Code == 2043)
}
