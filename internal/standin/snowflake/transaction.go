package snowflake

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A transaction is what its session has changed and not yet committed. It is worked on by the session's running statement
// only; ending it may come from elsewhere, so mu guards state and activity, and dead says that changes no longer count.
type transaction struct {
	id       int64
	session  *session
	explicit bool
	started  time.Time
	gone     chan struct{} // closed when aborted from outside

	locks    []*table // guarded by the locker's mutex
	waitsFor *table   // likewise

	mu      sync.Mutex
	dead    bool
	why     string
	running int
	rested  time.Time

	changes map[*table]*tableChange
	loads   map[*table]map[string]string // COPY's load metadata, kept only if the transaction commits
}

// tableChange is the pending work on one table. Rows are laid out as columns say, which an ALTER may have left behind.
type tableChange struct {
	columns  []tableColumn
	truncate bool
	inserts  []Row
	updates  map[int64][]Value
	deletes  map[int64]bool
}

func (tx *transaction) restingSince() (time.Time, bool) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.rested, tx.running == 0
}

func (tx *transaction) work(delta int, now time.Time) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.running += delta
	tx.rested = now
}

func (tx *transaction) isDead() bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.dead
}

// kill marks the transaction as ended and says whether it was alive. From outside its session, gone wakes what it runs.
func (tx *transaction) kill(why string, outside bool) bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.dead {
		return false
	}
	tx.dead, tx.why = true, why
	if outside {
		close(tx.gone)
	}
	return true
}

// abortedError is what a statement, or COMMIT, gets when its transaction was ended from outside. The code was never seen on a
// real account.
func (tx *transaction) abortedError() error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return failf("000626", "57014", "Transaction %d was aborted: %s.", tx.id, tx.why)
}

func (tx *transaction) change(t *table, columns []tableColumn) *tableChange {
	c := tx.changes[t]
	if c == nil {
		c = &tableChange{columns: columns, updates: map[int64][]Value{}, deletes: map[int64]bool{}}
		tx.changes[t] = c
	}
	c.relayout(columns)
	return c
}

// relayout brings pending rows to the table's columns of now.
func (c *tableChange) relayout(columns []tableColumn) {
	if sameColumns(c.columns, columns) {
		return
	}
	from := make([]int, len(columns))
	for i, col := range columns {
		from[i] = slices.IndexFunc(c.columns, func(o tableColumn) bool { return o.id == col.id })
	}
	move := func(old []Value) []Value {
		row := make([]Value, len(from))
		for i, f := range from {
			if f >= 0 {
				row[i] = old[f]
			}
		}
		return row
	}
	inserts := make([]Row, len(c.inserts))
	for i, r := range c.inserts {
		inserts[i] = Row{ID: r.ID, Values: move(r.Values)}
	}
	c.inserts = inserts
	for id, r := range c.updates {
		c.updates[id] = move(r)
	}
	c.columns = columns
}

func sameColumns(a, b []tableColumn) bool {
	return slices.EqualFunc(a, b, func(x, y tableColumn) bool { return x.id == y.id })
}

func (c *tableChange) update(id int64, row []Value) {
	if i := c.insertIndex(id); i >= 0 {
		c.inserts[i].Values = row
		return
	}
	c.updates[id] = row
}

func (c *tableChange) delete(id int64) {
	if i := c.insertIndex(id); i >= 0 {
		c.inserts = slices.Delete(slices.Clone(c.inserts), i, i+1)
		return
	}
	delete(c.updates, id)
	c.deletes[id] = true
}

// insertIndex finds a pending row. Ids grow, so the pending rows are in their order.
func (c *tableChange) insertIndex(id int64) int {
	i, ok := slices.BinarySearchFunc(c.inserts, id, func(r Row, id int64) int { return int(r.ID - id) })
	if !ok {
		return -1
	}
	return i
}

// begin opens a transaction for a session.
func (s *Server) begin(se *session, explicit bool) *transaction {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	// The service's transaction ids look like nanoseconds of their start.
	s.lastTx = max(s.lastTx+1, now.UnixMilli()*1000)
	tx := &transaction{id: s.lastTx, session: se, explicit: explicit, started: now, rested: now, gone: make(chan struct{}), changes: map[*table]*tableChange{}, loads: map[*table]map[string]string{}}
	s.transactions[tx.id] = tx
	return tx
}

// end forgets a transaction and gives back its locks.
func (s *Server) end(tx *transaction) {
	s.mu.Lock()
	delete(s.transactions, tx.id)
	s.mu.Unlock()
	s.locker.release(tx)
}

func (s *Server) rollback(tx *transaction) {
	tx.kill("it was rolled back", false)
	s.end(tx)
}

// abort ends a transaction from outside its session: its changes are lost and its locks go to others at once.
func (s *Server) abort(tx *transaction, why string) {
	if tx.kill(why, true) {
		s.end(tx)
	}
}

// commit applies a transaction to the engine. Whatever it answers, the transaction is over.
func (s *Server) commit(ctx context.Context, tx *transaction) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	if !tx.kill("it was committed", false) {
		return tx.abortedError()
	}
	defer s.end(tx)
	var changes []Change
	for t, c := range tx.changes {
		columns, live := s.cat.columnsOf(t)
		if !live {
			return notFound("Table", t.name)
		}
		c.relayout(columns)
		ch := Change{Table: t.store, Truncate: c.truncate, Insert: c.inserts}
		for id, row := range c.updates {
			ch.Update = append(ch.Update, Row{ID: id, Values: row})
		}
		for id := range c.deletes {
			ch.Delete = append(ch.Delete, id)
		}
		if ch.Truncate || len(ch.Insert)+len(ch.Update)+len(ch.Delete) > 0 {
			changes = append(changes, ch)
		}
	}
	if len(changes) > 0 {
		if err := s.engine.Apply(context.WithoutCancel(ctx), changes); err != nil {
			return err
		}
	}
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	for t, loads := range tx.loads {
		for k, v := range loads {
			t.loads[k] = v
		}
	}
	return nil
}

// scan calls fn for each row that the transaction sees: committed ones as far as it did not change them, and its own.
func (s *Server) scan(ctx context.Context, tx *transaction, t *table, columns []tableColumn, pick []int, fn func(id int64, row []Value) error) error {
	names := make([]string, len(pick))
	for i, p := range pick {
		names[i] = columns[p].Name
	}
	var c *tableChange
	if tx != nil {
		if c = tx.changes[t]; c != nil {
			c.relayout(columns)
		}
	}
	own := func(id int64, row []Value) error {
		out := make([]Value, len(pick))
		for i, p := range pick {
			out[i] = row[p]
		}
		return fn(id, out)
	}
	if c == nil || !c.truncate {
		err := s.engine.Scan(ctx, t.store, names, func(id int64, row []Value) error {
			if c != nil {
				if c.deletes[id] {
					return nil
				}
				if r, ok := c.updates[id]; ok {
					return own(id, r)
				}
			}
			return fn(id, row)
		})
		if err != nil {
			return err
		}
	}
	if c == nil {
		return nil
	}
	for _, r := range slices.Clone(c.inserts) {
		if err := own(r.ID, r.Values); err != nil {
			return err
		}
	}
	return nil
}
