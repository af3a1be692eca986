package simulation

import (
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/sink/snowflake"
)

// execute runs a statement on the server and answers it, at once or later.
func (c *cloud) execute(ss *session, stmt snowflake.Statement, answer func(reply)) {
	if ss.closed {
		answer(reply{err: gone(stmt.SQL(), "session is gone")})
		return
	}
	s := c.s
	if tx := ss.tx; tx != nil && tx.over && !(tx.aborted && ss.strict) {
		ss.tx = nil // what follows an abort runs in a transaction of its own
	}
	if tx := ss.tx; tx != nil && tx.aborted && stmt != snowflake.Rollback {
		if stmt == snowflake.Commit {
			ss.tx = nil
		}
		answer(reply{err: gone(stmt.SQL(), "transaction was aborted")})
		return
	}
	switch stmt.(type) {
	case snowflake.LockOffsets, snowflake.InsertOffsets, snowflake.BumpEpochs, snowflake.MoveOffsets, loadStatement:
		c.begin(ss) // AUTOCOMMIT is off
	}
	switch stmt := stmt.(type) {
	case snowflake.Text:
		c.control(ss, stmt, answer)
	case snowflake.CurrentTransaction:
		id := ""
		if ss.tx != nil {
			id = strconv.FormatInt(ss.tx.id, 10)
		}
		answer(reply{res: table([]string{"ID"}, []string{id})})
		c.byHand(ss)
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
			if _, moves := stmt.(snowflake.MoveOffsets); moves {
				c.byHand(ss)
			}
		},
			func() { answer(fails(snowflake.Lock, 625, stmt.SQL(), "lock timeout")) })
	case snowflake.ReadOffsets:
		if !c.exists {
			answer(fails(snowflake.Permanent, 2003, stmt.SQL(), "does not exist"))
			return
		}
		answer(reply{res: c.read(ss)})
	case snowflake.SeekBatch:
		answer(reply{res: table([]string{"N"}, []string{strconv.Itoa(c.seek(stmt.BatchID))})})
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
	c.byHand(ss)
}

// byHand has somebody end the transaction of a session now and then, between two of its statements.
func (c *cloud) byHand(ss *session) {
	if ss.tx != nil && c.s.once(c.s.faults.hands) {
		c.abort(ss.tx)
	}
}

// runsIn reports whether a statement that asks for a transaction runs in that one.
func (ss *session) runsIn(id string) bool {
	return id == "" || ss.tx != nil && strconv.FormatInt(ss.tx.id, 10) == id
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
		if !ss.runsIn(stmt.Within) {
			return 0
		}
		m := mark{stmt.Mark}
		if m.owner == "" {
			m = c.seeStar(ss)
		}
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
		if !ss.runsIn(stmt.Within) {
			return 0
		}
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
