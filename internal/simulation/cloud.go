package simulation

import (
	"slices"
	"time"

	"kinesis-snowflake/internal/row"
)

// cloud is the simulated Snowflake: one table, its offsets with their lock, transactions that outlive their sessions,
// and a stage. It knows the connector's statements only.
type cloud struct {
	s       *Simulation
	exists  bool       // the offsets table
	star    mark       // its row '*'
	offsets [][]offset // committed, by shard number; one each, if all is well
	lastTx  int64
	holder  *transaction // of the offsets' lock
	waiters []*waiter
	files   map[string]*stagedFile // the stage
	commits int64
	done    map[string]bool // batches that are committed
}

// mark is what the row '*' holds.
type mark struct{ owner string }

// offset is a row of the offsets table.
type offset struct {
	epoch   int64
	owner   string
	at      row.Position
	batch   string
	before  *offset // what it was before the last change, for sessions that read what is stale
	changed time.Duration
}

// transaction is an open transaction. Its changes lie over the committed rows until it ends.
type transaction struct {
	id       int64
	by       *process
	holds    bool // the offsets' lock
	since    time.Duration
	star     *mark
	offsets  map[int][]offset
	inserted map[int]bool // shards of which it has seen no row
	rows     []span
	acquired []int
	moved    []int
	batch    string
	over     bool // committed, rolled back or aborted
	aborted  bool // by somebody else
}

// span is user records of a shard: those from a to before b.
type span struct {
	sh   *shard
	a, b int64
}

// waiter is a statement that waits for the offsets' lock.
type waiter struct {
	session *session
	deadline,
	since time.Duration
	run  func() // once it has the lock, or needs it no more
	late func() // its time is over
}

// maxWaiters is how many statements Snowflake lets wait for one lock.
const maxWaiters = 20

// begin opens a transaction in a session; inside of one it does nothing, as with Snowflake.
func (c *cloud) begin(ss *session) {
	if ss.tx == nil {
		c.lastTx++
		ss.tx = &transaction{id: c.lastTx, by: ss.p, offsets: map[int][]offset{}, inserted: map[int]bool{}}
	}
}

// locked runs a statement once the session's transaction, or the statement alone, can have the lock.
func (c *cloud) locked(ss *session, run, late func()) {
	if c.holder == nil || c.holder == ss.tx {
		c.hold(ss)
		run()
		return
	}
	if len(c.waiters) >= maxWaiters {
		late()
		return
	}
	w := &waiter{session: ss, deadline: c.s.now + c.s.plan.lockTimeout, since: c.s.now, run: run, late: late}
	c.waiters = append(c.waiters, w)
	c.s.after(c.s.plan.lockTimeout, func() {
		if i := slices.Index(c.waiters, w); i >= 0 {
			c.waiters = slices.Delete(c.waiters, i, i+1)
			late()
		}
	})
}

// hold gives the lock to a session's transaction. A statement without a transaction has it for an instant only.
func (c *cloud) hold(ss *session) {
	if tx := ss.tx; tx != nil && c.holder == nil {
		c.holder, tx.holds, tx.since = tx, true, c.s.now
	}
}

// end ends a transaction and lets the next ones have the lock.
func (c *cloud) end(tx *transaction) {
	tx.over = true
	if c.holder != tx {
		return
	}
	c.holder = nil
	for c.holder == nil && len(c.waiters) > 0 {
		w := c.waiters[0]
		c.waiters = c.waiters[1:]
		c.hold(w.session)
		w.run()
	}
}

// commit makes a transaction's changes everybody's, and has each of them judged.
func (c *cloud) commit(tx *transaction) {
	c.commits++
	c.s.note(noteCommit, tx.id, int64(len(tx.rows)), int64(len(tx.moved)))
	for _, r := range tx.rows {
		c.s.oracle.loaded(tx.by, r)
	}
	if tx.batch != "" {
		c.done[tx.batch] = true
	}
	if tx.star != nil {
		c.star = *tx.star
	}
	for _, n := range sortedInts(tx.offsets) {
		rows := tx.offsets[n]
		if tx.inserted[n] && n < len(c.offsets) {
			rows = append(slices.Clone(c.offsets[n]), rows...) // primary keys are not enforced
		}
		c.put(n, rows)
	}
	for _, n := range tx.acquired {
		c.s.oracle.acquired(tx.by, n)
	}
	for _, n := range tx.moved {
		c.s.oracle.movedOffset(tx.by, n)
	}
	c.end(tx)
}

// put replaces the committed rows of a shard.
func (c *cloud) put(n int, rows []offset) {
	for len(c.offsets) <= n {
		c.offsets = append(c.offsets, nil)
	}
	for i := range rows {
		var before *offset
		if i < len(c.offsets[n]) {
			old := c.offsets[n][i]
			old.before = nil
			before = &old
		}
		rows[i].before, rows[i].changed = before, c.s.now
	}
	c.offsets[n] = rows
}

// abort ends a transaction from outside.
func (c *cloud) abort(tx *transaction) {
	if tx == nil || tx.over {
		return
	}
	tx.aborted = true
	if c.s.trace != nil {
		c.s.say("snowflake aborts transaction %d of w%d", tx.id, tx.by.w.n)
	}
	c.end(tx)
	if p := tx.by; p.acquiring != nil {
		p.aborted = true
	} else if !c.s.once(3) {
		c.rouse(p.w)
	}
}

// meet wakes those who slept within an acquire of the same shards, which was ended meanwhile.
func (c *cloud) meet(heir *process, shards []string) {
	for _, w := range c.s.workers {
		p := w.p
		if p == nil || p == heir || !p.aborted || !slices.ContainsFunc(shards, func(id string) bool { return p.acquiring[id] }) {
			continue
		}
		p.aborted = false
		c.rouse(w)
	}
}

// rouse wakes a stopped worker soon: the worst moment for it to go on is while another is at the same work.
func (c *cloud) rouse(w *worker) {
	if !w.asleep && c.s.now < w.until {
		w.halt(c.s.now + c.s.upTo(60*time.Millisecond))
	}
}

// see returns the rows of a shard as a session sees them.
func (c *cloud) see(ss *session, n int) []offset {
	if ss.tx != nil {
		if rows, ok := ss.tx.offsets[n]; ok {
			return rows
		}
	}
	if n >= len(c.offsets) {
		return nil
	}
	return c.offsets[n]
}

// change replaces the rows of a shard: in the session's transaction, or at once if it has none.
func (c *cloud) change(ss *session, n int, rows []offset) {
	if ss.tx != nil {
		ss.tx.offsets[n] = rows
		return
	}
	c.put(n, rows)
}

// stagedFile is a file in the stage.
type stagedFile struct {
	put   time.Duration
	owner *process // who still needs it; nil when nobody does
	swept bool
}
