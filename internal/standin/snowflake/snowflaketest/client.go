package snowflaketest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// NewServer makes a fresh server with the options given; the caller of Run adds its engine.
type NewServer func(t *testing.T, o snowflake.Options) *snowflake.Server

// key is made once: a key pair costs more than all rules together.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// account is one server with a user, a database and a warehouse.
type account struct {
	*snowflake.Server
	t *testing.T
}

func newAccount(t *testing.T, make NewServer, o snowflake.Options) *account {
	t.Helper()
	s := make(t, o)
	t.Cleanup(s.Close)
	s.AddUser("loader", "secret", &key().PublicKey)
	s.CreateSchema("RAW", "KINESIS")
	return &account{s, t}
}

func (a *account) config() *sf.Config {
	off := "false"
	return &sf.Config{
		Account: "testaccount", User: "loader", Password: "secret", Host: "snowflake.test", Port: 80, Protocol: "http",
		Database: "RAW", Schema: "KINESIS", Warehouse: "LOAD_XS", Params: map[string]*string{"CLIENT_TELEMETRY_ENABLED": &off},
		Transporter: a.RoundTripper(), DisableOCSPChecks: true,
	}
}

func (a *account) jwtConfig() *sf.Config {
	c := a.config()
	c.Password, c.Authenticator, c.PrivateKey = "", sf.AuthTypeJwt, key()
	return c
}

// conn opens one session.
func (a *account) conn() *client { return a.connWith(a.config()) }

func (a *account) connWith(c *sf.Config) *client {
	a.t.Helper()
	k, err := a.tryConn(c)
	if err != nil {
		a.t.Fatalf("log in: %v", err)
	}
	return k
}

func (a *account) tryConn(c *sf.Config) (*client, error) {
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, *c))
	conn, err := db.Conn(a.t.Context())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.t.Cleanup(func() {
		_ = conn.Close() // a rule may have broken the session
		_ = db.Close()
	})
	return &client{t: a.t, db: db, conn: conn}, nil
}

// client is one session of the driver.
type client struct {
	t    *testing.T
	db   *sql.DB
	conn *sql.Conn
}

func (c *client) exec(query string, args ...any) int64 {
	c.t.Helper()
	r, err := c.conn.ExecContext(c.t.Context(), query, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	if r == nil {
		return 0
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0 // DDL has none
	}
	return n
}

func (c *client) fails(code int, state, query string, args ...any) {
	c.t.Helper()
	_, err := c.conn.ExecContext(c.t.Context(), query, args...)
	wantError(c.t, err, code, state, query)
}

func wantError(t *testing.T, err error, code int, state, what string) {
	t.Helper()
	var e *sf.SnowflakeError
	if !errors.As(err, &e) {
		t.Fatalf("%s: got %v, want error %06d (%s)", what, err, code, state)
	}
	if e.Number != code || state != "" && e.SQLState != state {
		t.Fatalf("%s: got %06d (%s) %s, want %06d (%s)", what, e.Number, e.SQLState, e.Message, code, state)
	}
}

// rows gives a query's rows, cells as text and NULL as "NULL", joined by a bar.
func (c *client) rows(query string, args ...any) []string {
	c.t.Helper()
	rows, err := c.query(c.t.Context(), query, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

func (c *client) query(ctx context.Context, query string, args ...any) (out []string, err error) {
	rows, err := c.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		cells := make([]sql.NullString, len(cols))
		ptrs := make([]any, len(cols))
		for i := range cells {
			ptrs[i] = &cells[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			return nil, err
		}
		text := make([]string, len(cols))
		for i, s := range cells {
			if text[i] = s.String; !s.Valid {
				text[i] = "NULL"
				if nullable, known := types[i].Nullable(); known && !nullable {
					return nil, fmt.Errorf("column %s is said to have no NULL, and has one", cols[i])
				}
			}
		}
		out = append(out, strings.Join(text, "|"))
	}
	return out, rows.Err()
}

func (c *client) want(query string, want ...string) {
	c.t.Helper()
	got := c.rows(query)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		c.t.Fatalf("%s:\n got %q\nwant %q", query, got, want)
	}
}

const stageName = `"RAW"."KINESIS"."ST"`

// put stages a file of the text given.
func (c *client) put(name, content, options string) []string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.rows("PUT 'file://" + file + "' '@" + stageName + "/p/' AUTO_COMPRESS = FALSE " + options)
}
