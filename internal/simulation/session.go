package simulation

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kinesis-snowflake/sink/snowflake"
)

// loadStatement is the COPY of a batch, or what the simulation needs to know of it.
type loadStatement struct {
	folder string
	rows   []span
}

func (loadStatement) SQL() string { return "COPY INTO t" }

// session is a session of the simulated Snowflake, both ends of it. It runs on the coroutine of its process's loader:
// each statement hands the thread back until its answer comes.
type session struct {
	p      *process
	tx     *transaction
	cut    bool // the client's end gave up, or its connection is gone
	closed bool // the server's end
	strict bool // statements after an abort fail until ROLLBACK, instead of running by themselves
}

type reply struct {
	n   int64
	res *snowflake.Result
	err error
}

// Dial implements [snowflake.Dialer].
func (p *process) Dial(context.Context) (snowflake.Session, error) {
	s := p.s
	p.loader.wait(func(done func()) { p.after(s.latency()+s.latency(), done) })
	if s.now < p.w.cut[toSnowflake] || s.once(s.faults.losses*2) {
		p.loader.wait(func(done func()) { p.after(s.upTo(5*time.Second), done) })
		return nil, gone("log in", "connection refused")
	}
	ss := &session{p: p, strict: s.once(2)}
	p.sessions = append(p.sessions, ss)
	return ss, nil
}

func gone(stmt, why string) error {
	return &snowflake.Error{Class: snowflake.Gone, Statement: stmt, Err: errors.New(why)}
}

func fails(class snowflake.Class, code int, stmt, why string) reply {
	return reply{err: &snowflake.Error{Class: class, Code: code, Statement: stmt, Err: errors.New(why)}}
}

// Exec implements [snowflake.Session].
func (ss *session) Exec(_ context.Context, stmt snowflake.Statement) (int64, error) {
	r := ss.run(stmt)
	return r.n, r.err
}

// Query implements [snowflake.Session].
func (ss *session) Query(_ context.Context, stmt snowflake.Statement) (*snowflake.Result, error) {
	r := ss.run(stmt)
	return r.res, r.err
}

// Close implements [snowflake.Session]: the server hears of it if it can be reached, and rolls back.
func (ss *session) Close() {
	s := ss.p.s
	heard := !ss.cut || s.once(2) && s.now >= ss.p.w.cut[toSnowflake]
	ss.cut = true
	if heard {
		s.after(s.latency(), ss.end)
		return
	}
	ss.detach()
}

// end ends the server's session.
func (ss *session) end() {
	if ss.closed {
		return
	}
	ss.closed = true
	c := ss.p.s.cloud
	c.waiters = slices.DeleteFunc(c.waiters, func(w *waiter) bool { return w.session == ss })
	if tx := ss.tx; tx != nil {
		ss.tx = nil
		if !tx.over {
			c.end(tx)
		}
	}
	ss.p.sessions = slices.DeleteFunc(ss.p.sessions, func(o *session) bool { return o == ss })
}

// detachedFor is how long Snowflake keeps the transaction of a session whose client is gone, when others wait for it.
const detachedFor = 5 * time.Minute

// detach leaves the server's session to itself.
func (ss *session) detach() { ss.p.s.after(detachedFor, ss.end) }

// fate is what becomes of a statement.
type fate int

const (
	arrives    fate = iota
	lost            // it never arrives
	cancelled       // it arrives and has no effect
	late            // it arrives when the client has given up
	unanswered      // it arrives, and its answer is lost
)

func (s *Simulation) fate(w *worker) fate {
	if s.now < w.cut[toSnowflake] {
		return lost
	}
	for _, f := range []fate{lost, cancelled, late, unanswered} {
		if s.once(s.faults.losses) {
			return f
		}
	}
	return arrives
}

// run sends a statement and waits for its answer. The request may be lost, may be late, and its answer may be lost: then
// the client learns some time later that its connection is gone.
func (ss *session) run(stmt snowflake.Statement) reply {
	p, s := ss.p, ss.p.s
	if ss.cut {
		return reply{err: gone(stmt.SQL(), "connection is closed")}
	}
	var r reply
	p.loader.wait(func(done func()) {
		settled := false
		answer := func(in time.Duration, with reply) {
			p.after(in, func() {
				if settled {
					return
				}
				settled, r = true, with
				ss.cut = ss.cut || snowflake.ClassOf(with.err) == snowflake.Gone && with.err != nil
				done()
			})
		}
		there := s.latency()
		if s.once(s.faults.delays) {
			there += s.upTo(20 * time.Second)
		}
		lostIn := s.latency() + s.upTo(8*time.Second)
		switch s.fate(p.w) {
		case lost:
			answer(lostIn, reply{err: gone(stmt.SQL(), "request lost")})
			return
		case cancelled:
			answer(there+s.latency(), fails(snowflake.Retry, 604, stmt.SQL(), "SQL execution canceled"))
			return
		case late:
			answer(lostIn, reply{err: gone(stmt.SQL(), "connection reset")})
			s.after(lostIn+s.upTo(15*time.Second), func() { s.cloud.execute(ss, stmt, func(reply) {}) })
			return
		case unanswered:
			answer(there+lostIn, reply{err: gone(stmt.SQL(), "answer lost")})
			s.after(there, func() { s.cloud.execute(ss, stmt, func(reply) {}) })
			return
		}
		s.after(there, func() {
			s.cloud.execute(ss, stmt, func(with reply) {
				if s.now < p.w.cut[toSnowflake] {
					answer(lostIn, reply{err: gone(stmt.SQL(), "answer lost")})
					return
				}
				answer(s.latency(), with)
			})
		})
	})
	if s.trace != nil {
		s.say("w%d snowflake: %s -> %d %v", p.w.n, short(stmt), r.n, r.err)
	}
	return r
}

func short(stmt snowflake.Statement) string {
	switch stmt := stmt.(type) {
	case snowflake.MoveOffsets:
		var b strings.Builder
		b.WriteString("move " + stmt.BatchID)
		for _, m := range stmt.Moves {
			b.WriteString(" " + m.Shard + " e" + strconv.FormatInt(m.Epoch, 10) + " " + m.From.String() + ">" + m.To.String())
		}
		return b.String()
	case snowflake.BumpEpochs:
		return "bump to " + stmt.Owner + " " + strings.Join(stmt.Shards, " ")
	case loadStatement:
		return "copy " + stmt.folder
	}
	text := stmt.SQL()
	return text[:min(len(text), 60)]
}

// execute runs a statement on the server and answers it, at once or later.
func (c *cloud) execute(ss *session, stmt snowflake.Statement, answer func(reply)) {
	if ss.closed {
		answer(reply{err: gone(stmt.SQL(), "session is gone")})
		return
	}
	s := c.s
	if tx := ss.tx; tx != nil && tx.over && !(tx.aborted && ss.strict) {
		ss.tx = nil // what follows an abort runs by itself
	}
	if tx := ss.tx; tx != nil && tx.aborted && stmt != snowflake.Rollback {
		if stmt == snowflake.Commit {
			ss.tx = nil
		}
		answer(reply{err: gone(stmt.SQL(), "transaction was aborted")})
		return
	}
	switch stmt := stmt.(type) {
	case snowflake.Text:
		c.control(ss, stmt, answer)
	case snowflake.LockOffsets, snowflake.InsertOffsets, snowflake.BumpEpochs, snowflake.MoveOffsets:
		if !c.exists {
			answer(fails(snowflake.Permanent, 2003, stmt.SQL(), "does not exist"))
			return
		}
		if insert, ok := stmt.(snowflake.InsertOffsets); ok { // writes new partitions only, so it needs no lock
			answer(reply{n: c.insert(ss, insert)})
			return
		}
		c.locked(ss, func() {
			answer(reply{n: c.update(ss, stmt)})
			s.moment(ss.p.w)
		},
			func() { answer(fails(snowflake.Lock, 625, stmt.SQL(), "lock timeout")) })
	case snowflake.ReadOffsets:
		if !c.exists {
			answer(fails(snowflake.Permanent, 2003, stmt.SQL(), "does not exist"))
			return
		}
		answer(reply{res: c.read(ss)})
	case snowflake.CreateOffsets:
		if !c.exists {
			c.exists = true
		}
		answer(reply{n: -1})
	case loadStatement:
		busy := s.between(100*time.Millisecond, 1500*time.Millisecond)
		if s.once(s.faults.delays) {
			busy += s.upTo(time.Minute)
		}
		tx := ss.tx
		s.after(busy, func() { c.load(ss, tx, stmt, answer) })
	case snowflake.ShowLocks:
		answer(reply{res: c.locks()})
	case snowflake.ServerTime:
		answer(reply{res: table([]string{"now"}, []string{stamp(s.now)})})
	case snowflake.AbortTransaction:
		if c.holder != nil && c.holder.id == stmt.ID {
			c.abort(c.holder)
		}
		answer(reply{res: &snowflake.Result{}})
	case snowflake.CreateStage:
		answer(reply{n: -1})
	case snowflake.PutFile:
		c.files[stmt.Path] = &stagedFile{put: s.now, owner: ss.p}
		answer(reply{res: table([]string{"status"}, []string{"UPLOADED"})})
	case snowflake.ListFiles:
		answer(reply{res: c.listing()})
	case snowflake.RemoveFile:
		c.remove(ss, stmt.Path)
		answer(reply{res: &snowflake.Result{}})
	default:
		panic("unknown statement " + stmt.SQL())
	}
}

// control runs BEGIN, COMMIT and ROLLBACK.
func (c *cloud) control(ss *session, stmt snowflake.Text, answer func(reply)) {
	switch stmt {
	case snowflake.Begin:
		c.begin(ss)
	case snowflake.Commit:
		tx := ss.tx
		if c.s.once(c.s.faults.delays) { // a slow one, whose transaction others may end meanwhile
			c.s.after(c.s.upTo(25*time.Second), func() { c.committing(ss, tx, answer) })
			return
		}
		c.committing(ss, tx, answer)
		return
	case snowflake.Rollback:
		if tx := ss.tx; tx != nil {
			ss.tx = nil
			if !tx.over {
				c.end(tx)
			}
		}
	}
	answer(reply{n: -1})
}

// committing ends a transaction by COMMIT. Without one, or when it was aborted before, COMMIT succeeds and does nothing,
// or fails: what the service does is not documented.
func (c *cloud) committing(ss *session, tx *transaction, answer func(reply)) {
	if ss.tx == tx {
		ss.tx = nil
	}
	switch {
	case tx == nil:
	case !tx.over:
		c.commit(tx)
	case tx.aborted && c.s.once(2):
		answer(reply{err: gone("COMMIT", "transaction was aborted")})
		return
	}
	answer(reply{n: -1})
}

// load runs COPY.
func (c *cloud) load(ss *session, tx *transaction, stmt loadStatement, answer func(reply)) {
	if ss.closed || ss.tx != tx || tx != nil && tx.over {
		answer(reply{err: gone("COPY INTO", "transaction has ended")})
		return
	}
	f := c.files[stmt.folder]
	if f == nil {
		answer(fails(snowflake.File, 100026, "COPY INTO", "remote file was not found"))
		return
	}
	if f.swept {
		c.s.fail("the sweep removed file %s, which w%d needed", stmt.folder, ss.p.w.n)
	}
	var n int64
	for _, r := range stmt.rows {
		n += r.b - r.a
	}
	if tx != nil {
		tx.rows = append(tx.rows, stmt.rows...)
	} else {
		for _, r := range stmt.rows {
			c.s.oracle.loaded(ss.p, r)
		}
	}
	answer(reply{res: table([]string{"rows_loaded"}, []string{strconv.FormatInt(n, 10)})})
}

func (c *cloud) insert(ss *session, stmt snowflake.InsertOffsets) (n int64) {
	if stmt.Mark != "" && c.seeStar(ss).owner != stmt.Mark {
		return 0
	}
	c.meet(ss.p, stmt.Shards)
	for _, id := range stmt.Shards {
		sh := c.s.stream.byID[id].n
		if len(c.see(ss, sh)) == 0 {
			c.change(ss, sh, []offset{{}})
			if ss.tx != nil {
				ss.tx.inserted[sh] = true
			}
			n++
		}
	}
	return n
}

func (c *cloud) seeStar(ss *session) mark {
	if ss.tx != nil && ss.tx.star != nil {
		return *ss.tx.star
	}
	return c.star
}

// update runs a statement that has the lock.
func (c *cloud) update(ss *session, stmt snowflake.Statement) (n int64) {
	switch stmt := stmt.(type) {
	case snowflake.LockOffsets:
		m := mark{stmt.Mark}
		if ss.tx != nil {
			ss.tx.star = &m
		} else {
			c.star = m
		}
		return 1
	case snowflake.BumpEpochs:
		if stmt.Mark != "" && c.seeStar(ss).owner != stmt.Mark {
			return 0
		}
		for _, id := range stmt.Shards {
			sh := c.s.stream.byID[id].n
			rows := slices.Clone(c.see(ss, sh))
			for i := range rows {
				rows[i].epoch += stmt.By
				rows[i].owner = stmt.Owner
				n++
			}
			c.change(ss, sh, rows)
			if ss.tx != nil {
				ss.tx.acquired = append(ss.tx.acquired, sh)
			} else {
				c.s.oracle.acquired(ss.p, sh)
			}
		}
	case snowflake.MoveOffsets:
		if ss.tx != nil {
			ss.tx.batch = stmt.BatchID
		}
		for _, m := range stmt.Moves {
			sh := c.s.stream.byID[m.Shard].n
			rows := slices.Clone(c.see(ss, sh))
			for i := range rows {
				o := &rows[i]
				if o.epoch == m.Epoch && o.at.Sequence == m.From.Sequence && (stmt.SequenceOnly || o.at.Subsequence == m.From.Subsequence) {
					o.at, o.batch = m.To, stmt.BatchID
					n++
					if ss.tx != nil {
						ss.tx.moved = append(ss.tx.moved, sh)
					}
				}
			}
			c.change(ss, sh, rows)
		}
	}
	return n
}

var offsetColumns = []string{"STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID"}

// read returns all rows as the session sees them. Without the lock it may see what was a moment ago: what another
// session committed is not at once everybody's to see.
func (c *cloud) read(ss *session) *snowflake.Result {
	s := c.s
	asOf := s.now
	if ss.tx == nil || !ss.tx.holds {
		asOf -= s.upTo(3 * time.Second)
	}
	res := &snowflake.Result{Columns: offsetColumns, Rows: make([][]sql.NullString, 0, len(c.offsets)+1)}
	res.Rows = append(res.Rows, texts("*", "*", application, "0", "", "", "0", ""))
	for _, sh := range s.stream.shards {
		for _, o := range c.see(ss, sh.n) {
			if o.changed > asOf {
				if o.before == nil {
					continue
				}
				o = *o.before
			}
			res.Rows = append(res.Rows, texts(streamID, sh.id, application, strconv.FormatInt(o.epoch, 10), o.owner,
				o.at.Sequence, strconv.FormatInt(o.at.Subsequence, 10), o.batch))
		}
	}
	return res
}

func (c *cloud) locks() *snowflake.Result {
	if c.holder == nil {
		return &snowflake.Result{}
	}
	return table([]string{"resource", "transaction", "status", "acquired_on"},
		[]string{"D.S.T$OFFSETS", strconv.FormatInt(c.holder.id, 10), "HOLDING", stamp(c.holder.since)})
}

func (c *cloud) listing() *snowflake.Result {
	var rows [][]string
	for _, path := range sortedKeys(c.files) {
		rows = append(rows, []string{path, epoch.Add(c.files[path].put).Format(time.RFC1123)})
	}
	return table([]string{"name", "last_modified"}, rows...)
}

// remove removes a file. One that somebody else needs is missed when its COPY comes.
func (c *cloud) remove(ss *session, path string) {
	f := c.files[path]
	switch {
	case f == nil:
	case f.owner != nil && f.owner != ss.p && !f.owner.dead:
		f.swept = true
	default:
		delete(c.files, path)
	}
}

func table(columns []string, rows ...[]string) *snowflake.Result {
	res := &snowflake.Result{Columns: columns}
	for _, r := range rows {
		res.Rows = append(res.Rows, texts(r...))
	}
	return res
}

func texts(values ...string) []sql.NullString {
	out := make([]sql.NullString, len(values))
	for i, v := range values {
		out[i] = sql.NullString{String: v, Valid: true}
	}
	return out
}

// epoch is the wall clock's reading at the simulation's start, where no clock is wrong.
var epoch = time.Unix(1_700_000_000, 0).UTC()

func stamp(at time.Duration) string { return epoch.Add(at).Format(time.RFC3339Nano) }
