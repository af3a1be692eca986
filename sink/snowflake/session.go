package snowflake

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// Result is a small result set, whole in memory. Timestamps read as RFC 3339.
type Result struct {
	Columns []string
	Rows    [][]sql.NullString
}

// Get returns the value of a named column of row i; NULL and a missing column read as "".
func (r *Result) Get(i int, column string) string {
	for c, name := range r.Columns {
		if name == column {
			return r.Rows[i][c].String
		}
	}
	return ""
}

// Session is one server-side session, used by one goroutine at a time. Nothing is retried behind its back but what
// the driver repeats under one request id, which Snowflake answers once.
//
// An error is an [*Error]. After one of class [Gone] the session must be closed: what the statement did is not
// known. After any other the session is good, and an open transaction is still open.
type Session interface {
	// Exec runs a statement and returns the rows that it touched, or -1 where Snowflake gives no such number.
	Exec(ctx context.Context, s Statement) (int64, error)
	// Query runs a statement with a small result.
	Query(ctx context.Context, s Statement) (*Result, error)
	// Close ends the server's session, which rolls an open transaction back if the server can be reached. It takes
	// at most closeTimeout.
	Close()
}

// Dialer opens sessions. Each call logs in anew.
type Dialer interface {
	Dial(ctx context.Context) (Session, error)
}

// closeTimeout bounds the farewell to a server that may be gone: its own clean-up takes over after it.
const closeTimeout = 3 * time.Second

type connSession struct {
	db   *sql.DB
	conn *sql.Conn
}

func (s *connSession) Exec(ctx context.Context, stmt Statement) (int64, error) {
	text := stmt.SQL()
	res, err := s.conn.ExecContext(ctx, text)
	if err != nil {
		return 0, classify(text, err)
	}
	if n, err := res.RowsAffected(); err == nil {
		return n, nil
	}
	return -1, nil // DDL and transaction control have no such number; the statement itself was answered
}

func (s *connSession) Query(ctx context.Context, stmt Statement) (_ *Result, err error) {
	text := stmt.SQL()
	rows, err := s.conn.QueryContext(ctx, text)
	if err != nil {
		return nil, classify(text, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	res := &Result{}
	if res.Columns, err = rows.Columns(); err != nil {
		return nil, classify(text, err)
	}
	for rows.Next() {
		vals := make([]sql.NullString, len(res.Columns))
		ptrs := make([]any, len(vals))
		for i := range vals {
			ptrs[i] = &vals[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			return nil, classify(text, fmt.Errorf("read the result: %w", err))
		}
		res.Rows = append(res.Rows, vals)
	}
	if err := rows.Err(); err != nil {
		return nil, classify(text, err)
	}
	return res, nil
}

func (s *connSession) Close() {
	done := make(chan struct{})
	// The driver's close posts to the server under a context of its own; the goroutine ends with that request.
	go func() {
		defer close(done)
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = s.conn.Close()
		_ = s.db.Close()
	}()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}
