package simulation

import (
	"context"
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

var offsetColumns = []string{"STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID"}

// epoch is the wall clock's reading at the simulation's start, where no clock is wrong.
var epoch = time.Unix(1_700_000_000, 0).UTC()
