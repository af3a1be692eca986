package snowflake

import (
	"context"
	"errors"
	"log/slog"
)

// Client owns one session at a time and opens a new one when it is next needed. It belongs to one goroutine.
type Client struct {
	dialer  Dialer
	log     *slog.Logger
	session Session
}

// NewClient returns a Client that logs in at its first statement.
func NewClient(d Dialer, log *slog.Logger) *Client { return &Client{dialer: d, log: log} }

// Session returns the session, logging in if there is none.
func (c *Client) Session(ctx context.Context) (Session, error) {
	if c.session == nil {
		s, err := c.dialer.Dial(ctx)
		if err != nil {
			return nil, err
		}
		c.session = s
	}
	return c.session, nil
}

// Exec runs one statement; an error that leaves the session in doubt discards it.
func (c *Client) Exec(ctx context.Context, s Statement) (int64, error) {
	session, err := c.Session(ctx)
	if err != nil {
		return 0, err
	}
	n, err := session.Exec(ctx, s)
	return n, c.settle(err)
}

// Query is Exec for a statement with a result.
func (c *Client) Query(ctx context.Context, s Statement) (*Result, error) {
	session, err := c.Session(ctx)
	if err != nil {
		return nil, err
	}
	res, err := session.Query(ctx, s)
	return res, c.settle(err)
}

func (c *Client) settle(err error) error {
	if err != nil && ClassOf(err) == Gone {
		c.Discard()
	}
	return err
}

// Discard closes the session, which rolls back what it had open. The next statement logs in again.
func (c *Client) Discard() {
	if c.session != nil {
		c.session.Close()
		c.session = nil
	}
}

// rollback ends an open transaction, whatever became of ctx: a cancelled context would leave it open in a session
// that is used again.
func (c *Client) rollback(ctx context.Context) {
	if c.session == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if _, err := c.session.Exec(ctx, Rollback); err != nil {
		c.log.DebugContext(ctx, "rollback was not answered; session discarded", "error", err)
		c.Discard()
	}
}

// tx runs fn between BEGIN and COMMIT, and rolls back if fn fails. An error of COMMIT of class [Gone] means that the
// outcome is not known.
func (c *Client) tx(ctx context.Context, fn func() error) error {
	if _, err := c.Exec(ctx, Begin); err != nil {
		return err
	}
	if err := fn(); err != nil {
		c.rollback(ctx)
		return err
	}
	if _, err := c.Exec(ctx, Commit); err != nil {
		if ClassOf(err) != Gone {
			c.rollback(ctx)
		}
		return errors.Join(errCommit, err)
	}
	return nil
}

// errCommit marks an error that COMMIT itself returned.
var errCommit = errors.New("commit")

// Try runs one statement in a transaction that is rolled back, to see whether it could be committed.
func (c *Client) Try(ctx context.Context, s Statement) error {
	if _, err := c.Exec(ctx, Begin); err != nil {
		return err
	}
	_, err := c.Query(ctx, s)
	c.rollback(ctx)
	return err
}
