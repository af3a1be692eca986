package snowflake

import (
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
)

// world is Snowflake as the ledger sees it, reduced to what decides about exactly once: sessions, transactions, the
// offsets' lock, rows. It runs in a synctest bubble. Each statement first waits for its turn, so that a scheduler
// chooses every interleaving; a fault cuts the connection before or after a statement, which leaves the transaction
// open, detached, with its lock.
type world struct {
	mu      sync.Mutex
	free    chan struct{} // closed and replaced when the lock is given back
	exists  bool
	offsets map[string]offset // committed, by shard
	rows    []loadedRow       // committed
	holder  *transaction      // of the offsets' lock
	nextTx  int64
	all     map[int64]*transaction

	turns chan *turn
	fault func(who string, s Statement) fault // asked at each statement
	// silent: the COMMIT of a transaction that was aborted from outside succeeds, and commits nothing.
	silent bool
	// forgetful: a statement after such an abort does not fail, but runs in a transaction of its own.
	forgetful bool
	dumb      bool          // CURRENT_TRANSACTION() in a condition is no transaction's id
	lock      time.Duration // LOCK_TIMEOUT
	late      sync.WaitGroup
}

type loadedRow struct {
	shard string
	n     int
}

type turn struct {
	who string
	ok  chan struct{}
}

type fault int

const (
	noFault fault = iota
	cutBefore
	cutAfter
	cancelled // Snowflake answers that it was cancelled, and does nothing
	unknown   // Snowflake answers with an error that nobody knows, and does nothing
	suspended // Snowflake answers that the warehouse is suspended, and does nothing
	late      // the reply is lost, and the statement runs two seconds later
)

type transaction struct {
	id      int64
	offsets map[string]offset // as this transaction sees them; nil until it holds the lock
	rows    []loadedRow
	since   time.Time
	aborted bool
}

func newWorld() *world {
	return &world{free: make(chan struct{}), offsets: map[string]offset{}, all: map[int64]*transaction{},
		turns: make(chan *turn), fault: func(string, Statement) fault { return noFault }, lock: 5 * time.Second}
}

// schedule gives turns, one at a time, to whom choose names, until stop is closed. With synctest.Wait before each
// choice everyone who can ask has asked, so equal choices make equal runs.
func (w *world) schedule(stop <-chan struct{}, choose func(waiting []string) int) {
	waiting := map[string]*turn{}
	for {
		synctest.Wait()
		for len(waiting) > 0 {
			more := false
			select {
			case t := <-w.turns:
				waiting[t.who], more = t, true
			default:
			}
			if !more {
				break
			}
		}
		if len(waiting) == 0 {
			select {
			case t := <-w.turns:
				waiting[t.who] = t
				continue
			case <-stop:
				return
			}
		}
		names := slices.Sorted(maps.Keys(waiting))
		who := names[choose(names)]
		close(waiting[who].ok)
		delete(waiting, who)
	}
}

// fakeCopy is a COPY of rows that need no file.
type fakeCopy struct{ rows []loadedRow }

func (fakeCopy) SQL() string { return "COPY INTO t" }

// end gives up a transaction's lock. The caller holds mu.
func (w *world) end(tx *transaction) {
	delete(w.all, tx.id)
	if w.holder == tx {
		w.holder = nil
		close(w.free)
		w.free = make(chan struct{})
	}
}

func (tx *transaction) apply(stmt Statement) (n int64) {
	switch stmt := stmt.(type) {
	case LockOffsets:
		if _, ok := tx.offsets["*"]; ok {
			n = 1
		}
	case InsertOffsets:
		for _, shard := range stmt.Shards {
			if _, ok := tx.offsets[shard]; !ok {
				tx.offsets[shard] = offset{stream: stmt.Stream, shard: shard, application: stmt.Application}
				n++
			}
		}
	case BumpEpochs:
		for _, shard := range stmt.Shards {
			if o, ok := tx.offsets[shard]; ok {
				o.epoch, o.owner = o.epoch+1, stmt.Owner
				tx.offsets[shard] = o
				n++
			}
		}
	case MoveOffsets:
		for _, m := range stmt.Moves {
			if o, ok := tx.offsets[m.Shard]; ok && o.epoch == m.Epoch && o.at == m.From {
				o.at, o.batch = m.To, stmt.BatchID
				tx.offsets[m.Shard] = o
				n++
			}
		}
	}
	return n
}

func (w *world) locks() *Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	res := &Result{Columns: []string{"resource", "transaction", "status", "acquired_on"}}
	if w.holder != nil {
		res.Rows = append(res.Rows, []sql.NullString{text("D.S.T$OFFSETS"), text(strconv.FormatInt(w.holder.id, 10)), text("HOLDING"),
			text(w.holder.since.Format(time.RFC3339Nano))})
	}
	return res
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

func at(n int) row.Position {
	if n == 0 {
		return row.Position{}
	}
	return row.Position{Sequence: strconv.Itoa(n)}
}
