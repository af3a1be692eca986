package snowflake

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

// execution is the run of one statement in its session.
type execution struct {
	server   *Server
	session  *session
	ctx      context.Context
	sql      string
	queryID  string
	binds    []Value
	bindRows [][]Value // array binding: one run each
	describe bool      // only the shape of the result is wanted

	now     time.Time
	formats timeFormats
	tx      *transaction // the open one, or the statement's own
}

func (st *execution) cause() error { return context.Cause(st.ctx) }

// wait rests for a while unless the statement is cancelled.
func (st *execution) wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-st.ctx.Done():
		return st.cause()
	}
}

func (st *execution) execute() (*answer, error) {
	st.now = st.server.now()
	zone, err := time.LoadLocation(st.session.parameter("TIMEZONE"))
	if err != nil {
		return nil, err
	}
	st.formats = timeFormats{date: st.session.parameter("DATE_INPUT_FORMAT"), time: st.session.parameter("TIME_INPUT_FORMAT"),
		timestamp: st.session.parameter("TIMESTAMP_INPUT_FORMAT"), zone: zone}
	stmt, _, err := syntax.Parse(st.sql)
	if err != nil {
		return nil, err
	}
	if st.describe {
		return st.describeOnly(stmt)
	}
	if len(st.bindRows) == 0 {
		return st.statement(stmt)
	}
	total := 0
	for _, row := range st.bindRows {
		st.binds = row
		ins, ok := stmt.(*syntax.Insert)
		if !ok {
			return nil, compileError("array binding is only supported for INSERT")
		}
		a, err := st.statement(ins)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(a.rows[0][0].Text)
		if err != nil {
			return nil, err
		}
		total += n
	}
	return counts(typeInsert, "number of rows inserted", total), nil
}

// describeOnly answers a prepare: the columns of a query, without running it.
func (st *execution) describeOnly(stmt syntax.Statement) (*answer, error) {
	q, ok := stmt.(*syntax.Query)
	if !ok || q.Select == nil {
		return &answer{kind: typeDDL, columns: []Column{textColumn("status")}}, nil
	}
	for len(st.binds) < 1000 { // what is not bound yet has no type
		st.binds = append(st.binds, Value{})
	}
	p, err := (&compiler{st: st}).query(q.Select, nil)
	if err != nil {
		return nil, err
	}
	return &answer{kind: typeSelect, columns: p.columns}, nil
}

func (st *execution) statement(stmt syntax.Statement) (*answer, error) {
	switch stmt := stmt.(type) {
	case syntax.Begin, syntax.Commit, syntax.Rollback:
		return st.control(stmt)
	case *syntax.Use:
		return st.use(stmt)
	case *syntax.AlterSession:
		return st.alterSession(stmt)
	case *syntax.Query:
		return st.query(stmt)
	case *syntax.Describe:
		return st.describeTable(stmt)
	case *syntax.Show:
		return st.show(stmt)
	case *syntax.Put:
		return st.put(stmt)
	case *syntax.List:
		return st.list(stmt)
	case *syntax.Remove:
		return st.remove(stmt)
	case *syntax.Grant:
		return status(typeDDL, "Statement executed successfully."), nil
	case *syntax.Insert:
		return st.inTransaction(func() (*answer, error) { return st.insert(stmt) })
	case *syntax.Update:
		return st.inTransaction(func() (*answer, error) { return st.update(stmt) })
	case *syntax.Delete:
		return st.inTransaction(func() (*answer, error) { return st.delete(stmt) })
	case *syntax.Copy:
		return st.inTransaction(func() (*answer, error) { return st.copy(stmt) })
	}
	// All that is left is DDL, which commits the open transaction first (Snowflake docs, "Transactions": DDL).
	if tx := st.session.tx; tx != nil {
		st.session.tx = nil
		if err := st.server.commit(st.ctx, tx); err != nil && !tx.isAborted(err) {
			return nil, err
		}
	}
	return st.ddl(stmt)
}

// inTransaction runs DML in the session's open transaction, or in one of its own that ends with the statement. A failed
// statement leaves an open transaction open, unless TRANSACTION_ABORT_ON_ERROR is set.
func (st *execution) inTransaction(fn func() (*answer, error)) (*answer, error) {
	s, se := st.server, st.session
	tx := se.tx
	if tx != nil && tx.isDead() { // aborted from outside: there is no transaction any more, the statement runs by itself
		tx = nil
	}
	own := tx == nil
	if own {
		explicit := !se.flag("AUTOCOMMIT")
		tx = s.begin(se, explicit)
		if explicit {
			se.tx, own = tx, false
		}
	}
	st.tx = tx
	tx.work(1, s.now())
	a, err := fn()
	tx.work(-1, s.now())
	if err == nil && tx.isDead() {
		err = tx.abortedError()
	}
	switch {
	case own && err != nil:
		s.rollback(tx)
	case own:
		err = s.commit(st.ctx, tx)
	case err != nil && se.flag("TRANSACTION_ABORT_ON_ERROR"):
		s.rollback(tx)
		se.tx = nil
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (tx *transaction) isAborted(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "000626"
}

func (st *execution) control(stmt syntax.Statement) (*answer, error) {
	s, se := st.server, st.session
	done := status(typeTCL, "Statement executed successfully.")
	tx := se.tx
	switch stmt.(type) {
	case syntax.Begin:
		if tx != nil && !tx.isDead() {
			return done, nil // a BEGIN inside a transaction is ignored
		}
		se.tx = s.begin(se, true)
	case syntax.Commit:
		se.tx = nil
		if tx == nil {
			return done, nil // so is a COMMIT outside of one
		}
		if err := s.commit(st.ctx, tx); err != nil && !(tx.isAborted(err) && s.options.SilentAbortedCommit) {
			return nil, err
		}
	case syntax.Rollback:
		se.tx = nil
		if tx != nil {
			s.rollback(tx)
		}
	}
	return done, nil
}

// abortTransaction is SYSTEM$ABORT_TRANSACTION: a user may abort only transactions of the same user.
func (s *Server) abortTransaction(st *execution, id Value) (Value, error) {
	v, err := st.formats.convert(id, defaultType(KindNumber))
	if err != nil {
		return v, err
	}
	s.mu.Lock()
	var tx *transaction
	for n, t := range s.transactions {
		if IntValue(n).Text == v.Text {
			tx = t
		}
	}
	s.mu.Unlock()
	if tx == nil || tx.session.user != st.session.user && !st.session.admin {
		return v, failf("000670", "02000", "Transaction '%s' does not exist or not authorized.", v.Text)
	}
	s.abort(tx, "SYSTEM$ABORT_TRANSACTION was called")
	return TextValue("1 Transaction(s) aborted."), nil
}

func (st *execution) query(q *syntax.Query) (*answer, error) {
	if tx := st.session.tx; tx != nil && !tx.isDead() {
		st.tx = tx
		tx.work(1, st.server.now())
		defer func() { tx.work(-1, st.server.now()) }()
	}
	err := q.Unparsed
	var p *plan
	if err == nil {
		p, err = (&compiler{st: st}).query(q.Select, nil)
	}
	var e *Error
	if err != nil && (q.Unparsed != nil || errors.As(err, &e) && e.Code == "002140") {
		return st.engineQuery(err)
	}
	if err != nil {
		return nil, err
	}
	if p.tables {
		if err := st.server.useWarehouse(st.session); err != nil {
			return nil, err
		}
	}
	a := &answer{kind: typeSelect, columns: p.columns}
	err = p.each(nil, func(row []Value) error {
		a.rows = append(a.rows, row)
		return nil
	})
	return a, err
}

// engineQuery asks the engine for what the evaluator cannot do. It sees committed rows only. why is the answer where the
// engine cannot either.
func (st *execution) engineQuery(why error) (*answer, error) {
	if err := st.server.useWarehouse(st.session); err != nil {
		return nil, err
	}
	se := st.session
	r, err := st.server.engine.Query(st.ctx, st.sql, SessionInfo{Database: se.database, Schema: se.schema, User: se.user, Role: se.role,
		Timezone: se.parameter("TIMEZONE"), Now: st.now, Binds: st.binds, View: st.server.cat.engineView})
	if errors.Is(err, ErrUnsupported) {
		return nil, errors.Join(why, err)
	}
	if err != nil {
		return nil, err
	}
	return &answer{kind: typeSelect, columns: r.Columns, rows: r.Rows}, nil
}
