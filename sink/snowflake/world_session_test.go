package snowflake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

// Dial implements Dialer for a worker.
type worldDialer struct {
	world *world
	who   string
}

func (d worldDialer) Dial(ctx context.Context) (Session, error) {
	if ctx.Err() != nil {
		return nil, &Error{Class: Gone, Statement: "log in to snowflake", Err: ctx.Err()}
	}
	return &worldSession{world: d.world, who: d.who}, nil
}

type worldSession struct {
	world *world
	who   string
	tx    *transaction
	cut   bool
}

func (s *worldSession) Exec(ctx context.Context, stmt Statement) (int64, error) {
	n, _, err := s.run(ctx, stmt)
	return n, err
}

func (s *worldSession) Query(ctx context.Context, stmt Statement) (*Result, error) {
	_, res, err := s.run(ctx, stmt)
	return res, err
}

func gone(stmt Statement, why string) error {
	return &Error{Class: Gone, Statement: verb(stmt.SQL()), Err: errors.New(why)}
}

func (s *worldSession) run(ctx context.Context, stmt Statement) (int64, *Result, error) {
	t := &turn{who: s.who, ok: make(chan struct{})}
	select {
	case s.world.turns <- t:
	case <-ctx.Done():
		return 0, nil, gone(stmt, "cancelled")
	}
	<-t.ok
	if ctx.Err() != nil || s.cut {
		return 0, nil, gone(stmt, "connection is gone")
	}
	f := s.world.fault(s.who, stmt)
	if f == cutBefore {
		s.cut = true
		return 0, nil, gone(stmt, "connection reset")
	}
	if f == cancelled {
		return 0, nil, &Error{Class: Retry, Code: 604, Statement: verb(stmt.SQL()), Err: errors.New("SQL execution canceled")}
	}
	if f == unknown {
		return 0, nil, &Error{Class: Gone, Code: 99999, Statement: verb(stmt.SQL()), Err: errors.New("unknown function")}
	}
	if f == suspended {
		return 0, nil, classify(stmt.SQL(), &sf.SnowflakeError{Number: 90073, SQLState: "57014", Message: "Warehouse cannot be resumed because resource monitor has exceeded its quota"})
	}
	if f == late {
		s.cut = true
		s.world.late.Go(func() {
			<-time.After(2 * time.Second)
			_, _, _ = s.execute(stmt)
		})
		return 0, nil, gone(stmt, "reply lost")
	}
	n, res, err := s.execute(stmt)
	if f == cutAfter {
		s.cut = true
		return 0, nil, gone(stmt, "reply lost")
	}
	return n, res, err
}

// Close rolls back, unless the connection is cut: then nobody tells the server.
func (s *worldSession) Close() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.tx != nil && !s.cut {
		s.world.end(s.tx)
	}
}

func (s *worldSession) execute(stmt Statement) (int64, *Result, error) {
	w := s.world
	switch stmt := stmt.(type) {
	case LockOffsets, InsertOffsets, BumpEpochs, MoveOffsets:
		return s.write(stmt)
	case ReadOffsets:
		w.mu.Lock()
		defer w.mu.Unlock()
		return 0, s.read(), nil
	case SeekBatch:
		w.mu.Lock()
		defer w.mu.Unlock()
		n := 0
		for _, o := range w.offsets {
			if o.batch == stmt.BatchID {
				n++
			}
		}
		return 0, &Result{Columns: []string{"N"}, Rows: [][]sql.NullString{{text(strconv.Itoa(n))}}}, nil
	case CreateOffsets:
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.exists {
			w.exists = true
			w.offsets["*"] = offset{stream: "*", shard: "*", application: stmt.Application}
		}
		return -1, nil, nil
	case fakeCopy:
		w.mu.Lock()
		s.forget()
		w.mu.Unlock()
		if s.tx == nil {
			return 0, nil, gone(stmt, "no transaction")
		}
		s.tx.rows = append(s.tx.rows, stmt.rows...)
		return -1, &Result{Columns: []string{"rows_loaded"}, Rows: [][]sql.NullString{{text(strconv.Itoa(len(stmt.rows)))}}}, nil
	case CurrentTransaction:
		return 0, &Result{Columns: []string{"ID"}, Rows: [][]sql.NullString{{s.transaction()}}}, nil
	case ShowLocks:
		return 0, w.locks(), nil
	case ServerTime:
		return 0, &Result{Columns: []string{"now"}, Rows: [][]sql.NullString{{text(time.Now().Format(time.RFC3339Nano))}}}, nil
	case AbortTransaction:
		w.mu.Lock()
		defer w.mu.Unlock()
		if tx := w.all[stmt.ID]; tx != nil {
			tx.aborted = true
			w.end(tx)
		}
		return 0, &Result{}, nil
	case Text:
		return s.control(stmt)
	}
	panic(fmt.Sprintf("unexpected statement %T", stmt))
}

func (s *worldSession) control(stmt Text) (int64, *Result, error) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	switch stmt {
	case Begin:
		s.begin()
	case Commit:
		tx := s.tx
		s.tx = nil
		if tx == nil || tx.aborted {
			if w.silent {
				return -1, nil, nil
			}
			return 0, nil, &Error{Class: Gone, Statement: "COMMIT", Err: errors.New("transaction was aborted")}
		}
		if tx.offsets != nil {
			w.offsets = tx.offsets
		}
		w.rows = append(w.rows, tx.rows...)
		w.end(tx)
	case Rollback:
		if s.tx != nil {
			w.end(s.tx)
			s.tx = nil
		}
	}
	return -1, nil, nil
}

// write runs a statement that needs the lock, waiting for it as long as LOCK_TIMEOUT says.
func (s *worldSession) write(stmt Statement) (int64, *Result, error) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.exists {
		return 0, nil, &Error{Class: Permanent, Code: 2003, Statement: verb(stmt.SQL()), Err: errors.New("does not exist or not authorized")}
	}
	s.forget()
	timeout := time.After(w.lock)
	for w.holder != nil && w.holder != s.tx {
		free := w.free
		w.mu.Unlock()
		var late bool
		select {
		case <-free:
		case <-timeout:
			late = true
		}
		w.mu.Lock()
		if late {
			return 0, nil, &Error{Class: Lock, Code: 625, Statement: verb(stmt.SQL()), Err: errors.New("lock timeout")}
		}
	}
	if s.tx == nil || s.tx.aborted {
		return 0, nil, &Error{Class: Gone, Statement: verb(stmt.SQL()), Err: errors.New("transaction was aborted")}
	}
	if w.holder == nil {
		w.holder, s.tx.since, s.tx.offsets = s.tx, time.Now(), maps.Clone(w.offsets)
	}
	if w.dumb && asked(stmt) != "" || asked(stmt) != "" && asked(stmt) != strconv.FormatInt(s.tx.id, 10) {
		return 0, nil, nil
	}
	return s.tx.apply(stmt), nil, nil
}

// asked is the transaction that a statement asks for.
func asked(stmt Statement) string {
	switch stmt := stmt.(type) {
	case LockOffsets:
		return stmt.Within
	case MoveOffsets:
		return stmt.Within
	}
	return ""
}

// transaction is the id of the session's open transaction.
func (s *worldSession) transaction() sql.NullString {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.tx == nil || s.tx.aborted {
		return sql.NullString{}
	}
	return text(strconv.FormatInt(s.tx.id, 10))
}

// begin opens a transaction, if none is open. The caller holds mu.
func (s *worldSession) begin() {
	if s.tx == nil {
		s.world.nextTx++
		s.tx = &transaction{id: s.world.nextTx}
		s.world.all[s.tx.id] = s.tx
	}
}

// forget is what a session does whose transaction was ended from outside: with AUTOCOMMIT off, what follows runs in
// another. The caller holds mu.
func (s *worldSession) forget() {
	if s.world.forgetful && s.tx != nil && s.tx.aborted {
		s.tx = nil
		s.begin()
	}
}

func (s *worldSession) read() *Result {
	offsets := s.world.offsets
	if s.tx != nil && s.tx.offsets != nil {
		offsets = s.tx.offsets
	}
	res := &Result{Columns: []string{"STREAM", "SHARD", "APPLICATION", "EPOCH", "OWNER", "SEQUENCE", "SUBSEQUENCE", "BATCH_ID"}}
	for _, shard := range slices.Sorted(maps.Keys(offsets)) {
		o := offsets[shard]
		res.Rows = append(res.Rows, []sql.NullString{text(o.stream), text(o.shard), text(o.application), text(strconv.FormatInt(o.epoch, 10)),
			text(o.owner), text(o.at.Sequence), text(strconv.FormatInt(o.at.Subsequence, 10)), text(o.batch)})
	}
	return res
}
