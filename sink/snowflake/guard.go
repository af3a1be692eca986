package snowflake

import (
	"context"
	"errors"
	"fmt"

	"kinesis-snowflake/internal/mutant"
)

// CurrentTransaction reads the id of the session's open transaction, NULL if there is none; it needs no warehouse.
type CurrentTransaction struct{}

// SQL implements [Statement].
func (CurrentTransaction) SQL() string { return `SELECT CURRENT_TRANSACTION()::VARCHAR AS "ID"` }

// within is the condition that a statement runs in the transaction with this id; "" does not ask for it.
func within(id string) string {
	if id == "" {
		return ""
	}
	return ` AND CURRENT_TRANSACTION()::VARCHAR = ` + quoteText(id)
}

// maxDoubts is how often in a row the guard may fail without a reason before it is given up. Giving it up is what
// there was before it; going on with one that never holds would stop the pipeline.
const maxDoubts = 5

// guard sees to it that the UPDATE of a commit runs in the transaction that its COPY ran in. A transaction that is
// ended from outside between the two would leave the UPDATE to run without the rows, which were then lost.
//
// It is used only where it has shown in this process that it works: during an acquire, whose transaction changes the
// offsets in any case.
type guard struct {
	state  guardState
	doubts int // since it last held
}

type guardState int

const (
	untried guardState = iota
	proven
	off
)

// errEnded: the transaction is not the one that was begun, or there is none.
var errEnded = errors.New("somebody ended the transaction of the batch")

// trial is what an acquire has shown of the guard.
type trial int

const (
	unshown trial = iota
	holds
	fails
)

// try has a statement say which transaction it runs in, in an acquire's transaction after it has the lock and left its
// mark. The trial counts only if the acquire succeeds: the mark was there to its end.
func (l *Ledger) try(ctx context.Context, shown *trial) error {
	id, err := l.begun(ctx, untried)
	if err != nil || l.guard.state != untried || l.opts.Broken.Has(mutant.UnguardedMove) {
		return err
	}
	*shown = fails
	if id == "" {
		return nil
	}
	n, err := l.client.Exec(ctx, LockOffsets{Offsets: l.offsets, Within: id})
	switch {
	case err != nil:
		*shown = unshown
		return l.refused(ctx, err)
	case n == 1:
		*shown = holds
	}
	return nil
}

// refused takes in an error of one of the guard's own statements. It returns those that may not come again, so that the
// transaction is tried again; with the others the pipeline does without the guard. What Snowflake answers time and again
// is one of them.
func (l *Ledger) refused(ctx context.Context, err error) error {
	switch e, ok := errors.AsType[*Error](err); {
	case !ok || e.Code == 0:
		return err
	case e.Hint != "": // a suspended warehouse, a missing grant: what is wrong is known, and is not the guard
		return err
	case e.Class == Gone || e.Class == Retry || e.Class == Lock:
		l.suspect(ctx, 1)
		return err
	default:
		l.suspect(ctx, maxDoubts)
		return nil
	}
}

// begun reads the id of the transaction that was just begun, for a guard in that state; "" in others.
func (l *Ledger) begun(ctx context.Context, state guardState) (string, error) {
	if l.guard.state != state || l.opts.Broken.Has(mutant.UnguardedMove) {
		return "", nil
	}
	res, err := l.client.Query(ctx, CurrentTransaction{})
	if err != nil {
		return "", l.refused(ctx, err)
	}
	if len(res.Rows) != 1 {
		return "", nil
	}
	return res.Get(0, "ID"), nil
}

// guarded reports whether commits are to ask for their transaction.
func (l *Ledger) guarded() bool {
	return l.guard.state == proven && !l.opts.Broken.Has(mutant.UnguardedMove)
}

// tried takes in what an acquire that succeeded has shown.
func (l *Ledger) tried(ctx context.Context, shown trial) {
	switch shown {
	case holds:
		l.guard = guard{state: proven}
	case fails:
		l.suspect(ctx, maxDoubts)
	}
}

// suspect counts what speaks against the guard.
func (l *Ledger) suspect(ctx context.Context, weight int) {
	if l.guard.state == off {
		return
	}
	if l.guard.doubts += weight; l.guard.doubts < maxDoubts {
		return
	}
	l.guard.state = off
	l.opts.Log.WarnContext(ctx, "Snowflake does not tell a statement which transaction it runs in, so batches are committed without asking: "+
		"who ends a transaction of this pipeline by hand (SYSTEM$ABORT_TRANSACTION) between its COPY and its UPDATE loses the rows of that batch", "table", l.opts.Table.String())
}

// ended is the error of a batch whose transaction was not there any more. Nothing of it is committed.
func (l *Ledger) ended(ctx context.Context, batch string) error {
	l.suspect(ctx, 1)
	return &Error{Class: Retry, Statement: "commit", Err: fmt.Errorf("%w %s: it is loaded again", errEnded, batch)}
}
