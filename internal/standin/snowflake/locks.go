package snowflake

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxWaiters is how many statements may wait for one table's lock; the next one fails at once (Snowflake docs, "Transactions": resource locking).
const maxWaiters = 20

// tableLock is the lock that UPDATE, DELETE and MERGE hold on a table until their transaction ends. INSERT and COPY do not take it.
type tableLock struct {
	holder   *transaction
	acquired time.Time
	query    string
	waiters  []*waiter
}

type waiter struct {
	tx      *transaction
	query   string
	granted chan struct{}
}

// locker grants table locks in the order of asking. All tableLocks are guarded by its mutex.
type locker struct {
	mu  sync.Mutex
	now func() time.Time
	// idle is how long a transaction may rest while it blocks others before it is aborted.
	idle time.Duration
	// abort ends a transaction that has rested too long. It is called without mu.
	abort func(*transaction, string)
}

// acquire takes t's lock for tx, waiting at most timeout. A lock that tx holds already is granted at once.
func (l *locker) acquire(ctx context.Context, tx *transaction, t *table, query string, timeout time.Duration) error {
	l.mu.Lock()
	lk := &t.lock
	if lk.holder == nil {
		lk.holder, lk.acquired, lk.query = tx, l.now(), query
		tx.locks = append(tx.locks, t)
	}
	if lk.holder == tx {
		l.mu.Unlock()
		return nil
	}
	if len(lk.waiters) >= maxWaiters {
		l.mu.Unlock()
		return failf("000625", "57014", "Statement '%s' has locked table '%s' in transaction %d and this lock has not yet been released.\nThe number of waiters for this lock exceeds the %d statements limit.", lk.query, t.name, lk.holder.id, maxWaiters)
	}
	for h := lk.holder; h != nil && h.waitsFor != nil; h = h.waitsFor.lock.holder {
		if h.waitsFor.lock.holder == tx {
			l.mu.Unlock()
			return failf("000625", "57014", "Statement '%s' was aborted because of a deadlock on table '%s'.", query, t.name)
		}
	}
	w := &waiter{tx: tx, query: query, granted: make(chan struct{})}
	lk.waiters = append(lk.waiters, w)
	tx.waitsFor = t
	l.mu.Unlock()
	err := l.wait(ctx, t, w, timeout)
	l.mu.Lock()
	defer l.mu.Unlock()
	tx.waitsFor = nil
	if err != nil && lk.holder == tx { // granted in the same moment
		return nil
	}
	if err != nil {
		lk.waiters = slices.DeleteFunc(lk.waiters, func(o *waiter) bool { return o == w })
	}
	return err
}

func (l *locker) wait(ctx context.Context, t *table, w *waiter, timeout time.Duration) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		holder, query := t.lock.holder, t.lock.query
		l.mu.Unlock()
		rest := l.idle
		if holder != nil && holder != w.tx {
			since, resting := holder.restingSince()
			if rest = l.idle - l.now().Sub(since); !resting {
				rest = l.idle
			} else if rest <= 0 {
				l.abort(holder, "it was idle and blocked others")
				rest = time.Millisecond
			}
		}
		idle := time.NewTimer(rest)
		select {
		case <-w.granted:
			idle.Stop()
			return nil
		case <-idle.C:
			continue
		case <-w.tx.gone:
			idle.Stop()
			return w.tx.abortedError()
		case <-ctx.Done():
			idle.Stop()
			return context.Cause(ctx)
		case <-deadline.C:
			idle.Stop()
			var id int64
			if holder != nil {
				id = holder.id
			}
			return failf("000625", "57014", "Statement '%s' has locked table '%s' in transaction %d and this lock has not yet been released.\nYour statement '%s' was aborted because the number of seconds it waited exceeded LOCK_TIMEOUT.", query, t.name, id, w.query)
		}
	}
}

// release gives back all locks of tx and grants each to the first who waits for it.
func (l *locker) release(tx *transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tx.locks {
		lk := &t.lock
		if lk.holder != tx {
			continue
		}
		lk.holder = nil
		if len(lk.waiters) > 0 {
			w := lk.waiters[0]
			lk.waiters = lk.waiters[1:]
			lk.holder, lk.acquired, lk.query = w.tx, l.now(), w.query
			w.tx.locks = append(w.tx.locks, t)
			w.tx.waitsFor = nil // at once: who looks for a deadlock meanwhile would go round in a circle of one
			close(w.granted)
		}
	}
	tx.locks = nil
}

// lockRow is one line of SHOW LOCKS.
type lockRow struct {
	resource TableName
	tx       *transaction
	status   string
	acquired time.Time // zero while waiting
	query    string
}

func (l *locker) list(tables []*table) []lockRow {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rows []lockRow
	for _, t := range tables {
		if t.lock.holder == nil {
			continue
		}
		rows = append(rows, lockRow{t.name, t.lock.holder, "HOLDING", t.lock.acquired, t.lock.query})
		for _, w := range t.lock.waiters {
			rows = append(rows, lockRow{t.name, w.tx, "WAITING", time.Time{}, w.query})
		}
	}
	return rows
}
