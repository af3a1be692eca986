package snowflake

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// waiting runs a statement that needs the offsets' lock. When the session's LOCK_TIMEOUT passes it ends what a dead
// worker holds and tries again in the same transaction, until ctx ends: a failed statement leaves the transaction
// open, so a COPY before it need not run again.
func (l *Ledger) waiting(ctx context.Context, s Statement) (int64, error) {
	for {
		n, err := l.client.Exec(ctx, s)
		if err == nil {
			l.locked.over(ctx, "got the lock on the offsets", "table", l.offsets.String())
			return n, nil
		}
		if ClassOf(err) != Lock || ctx.Err() != nil {
			return n, err
		}
		l.opts.Waiting(fmt.Errorf("wait for the lock on %s: %w: SHOW LOCKS IN ACCOUNT says who holds it", l.offsets, err))
		l.locked.again(ctx, "waited in vain for the lock on the offsets", "table", l.offsets.String(), "error", err)
		if err := l.breakLocks(ctx); err != nil {
			return 0, err
		}
	}
}

// breakLocks ends every transaction of this user that has held a lock on the offsets for longer than LockPatience, by
// Snowflake's clock. Other users' locks are not shown to us; their holder must end them.
func (l *Ledger) breakLocks(ctx context.Context) error {
	locks, err := l.client.Query(ctx, ShowLocks{})
	if err != nil {
		return fmt.Errorf("look for locks: %w", err)
	}
	var old []int64
	var now time.Time
	for i := range locks.Rows {
		if !sameTable(locks.Get(i, "resource"), l.offsets) || !strings.EqualFold(locks.Get(i, "status"), "HOLDING") {
			continue
		}
		if now.IsZero() {
			if now, err = l.serverTime(ctx); err != nil {
				return err
			}
		}
		since, err := time.Parse(time.RFC3339Nano, locks.Get(i, "acquired_on"))
		if err != nil || now.Sub(since) < l.opts.LockPatience {
			continue
		}
		if id, err := strconv.ParseInt(locks.Get(i, "transaction"), 10, 64); err == nil {
			old = append(old, id)
		}
	}
	for _, id := range old {
		l.opts.Log.WarnContext(ctx, "ending a transaction that holds the offsets' lock for too long: its worker is taken for dead",
			"transaction", id, "table", l.offsets.String(), "patience", l.opts.LockPatience)
		if _, err := l.client.Query(ctx, AbortTransaction{id}); err != nil && ClassOf(err) == Gone {
			return err
		}
	}
	return nil
}

func (l *Ledger) serverTime(ctx context.Context) (time.Time, error) {
	res, err := l.client.Query(ctx, ServerTime{})
	if err != nil {
		return time.Time{}, fmt.Errorf("read snowflake's clock: %w", err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return time.Time{}, fmt.Errorf("read snowflake's clock: want one value, have %d rows", len(res.Rows))
	}
	t, err := time.Parse(time.RFC3339Nano, res.Rows[0][0].String)
	if err != nil {
		return time.Time{}, fmt.Errorf("read snowflake's clock: %w", err)
	}
	return t, nil
}

// sameTable compares the resource column of SHOW LOCKS, quoted or not, with a name.
func sameTable(resource string, n Name) bool {
	plain := n.Database + "." + n.Schema + "." + n.Object
	return resource == n.String() || strings.ReplaceAll(resource, `"`, "") == plain
}
