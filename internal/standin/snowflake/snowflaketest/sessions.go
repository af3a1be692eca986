package snowflaketest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

// logins: who may log in, and into what. Source: Snowflake docs "Key-pair authentication"; gosnowflake issues and tests for the codes.
func logins(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	refused := func(code int, change func(*sf.Config)) {
		t.Helper()
		c := a.config()
		change(c)
		_, err := a.tryConn(c)
		wantError(t, err, code, "", "log in")
	}
	refused(390100, func(c *sf.Config) { c.Password = "wrong" })
	refused(390100, func(c *sf.Config) { c.User = "nobody" })
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwt := func(c *sf.Config) { c.Password, c.Authenticator, c.PrivateKey = "", sf.AuthTypeJwt, key() }
	refused(390144, func(c *sf.Config) { jwt(c); c.PrivateKey = stranger })
	refused(390144, func(c *sf.Config) { jwt(c); c.User = "nobody" })
	refused(390144, func(c *sf.Config) { jwt(c); c.Account = "otheraccount" })
	refused(390144, func(c *sf.Config) { jwt(c); c.JWTExpireTimeout = -time.Minute })  //nolint:staticcheck // said to move in a later release; there is no other way yet
	refused(390144, func(c *sf.Config) { jwt(c); c.JWTExpireTimeout = 2 * time.Hour }) //nolint:staticcheck // said to move in a later release; there is no other way yet
	refused(390201, func(c *sf.Config) { c.Database = "NONE" })
	refused(390201, func(c *sf.Config) { c.Schema = "NONE" })
	a.CreateWarehouse("LOAD_XS")
	a.CreateRole("LOADER")
	refused(390201, func(c *sf.Config) { c.Warehouse = "NONE" })
	refused(390189, func(c *sf.Config) { c.Role = "NONE" })
	// Session parameters of the login hold in the session.
	zone := "Europe/Berlin"
	c := a.config()
	c.Role = "LOADER"
	c.Params["TIMEZONE"] = &zone
	k := a.connWith(c)
	k.want("SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), '2026-01-01 00:00:00'::TIMESTAMP_LTZ::VARCHAR", "LOADER|LOAD_XS|RAW|KINESIS|2026-01-01 00:00:00.000 +0100")
	k.fails(1108, "42601", "ALTER SESSION SET NO_SUCH_PARAMETER = 1")
}

// tokens: a session token that has expired is renewed by the driver unseen; an expired master token and a lost session poison the
// connection for good. Source: gosnowflake v2.1.0 restful.go; its issues 160, 1746, 1838.
func tokens(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (A NUMBER)")
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (1)")
	a.ExpireTokens(false)
	c.want("SELECT A FROM T", "1") // the same session, with its transaction
	c.exec("COMMIT")
	if n := a.Stats().Statements["RENEW"]; n != 1 {
		t.Fatalf("renewed %d times, want 1", n)
	}
	a.ExpireTokens(true)
	c.fails(390114, "", "SELECT 1")
	c.fails(390114, "", "SELECT 1")
	d := a.conn()
	d.exec("BEGIN")
	d.exec("INSERT INTO T VALUES (2)")
	a.DropSessions()
	d.fails(390111, "", "COMMIT")
	a.conn().want("SELECT A FROM T", "1")
}

// closing a session rolls its transaction back and gives up its locks. Source: Snowflake docs, "Transactions".
func closing(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, d := a.conn(), a.conn()
	c.exec("CREATE TABLE T (A NUMBER)")
	c.exec("INSERT INTO T VALUES (1)")
	c.exec("BEGIN")
	c.exec("UPDATE T SET A = 2")
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
	d.exec("ALTER SESSION SET LOCK_TIMEOUT = 5")
	if n := d.exec("UPDATE T SET A = A + 10"); n != 1 {
		t.Fatalf("updated %d rows", n)
	}
	d.want("SELECT A FROM T", "11")
}

// repeats: a request that is sent again, because its reply was lost, is not run again. Source: gosnowflake v2.1.0 retry.go (same requestId,
// retryCount), its PR 1777.
func repeats(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (A NUMBER)")
	for _, f := range []*snowflake.Fault{{Cut: true}, {Status: http.StatusServiceUnavailable}} {
		lost, replays := false, 0
		a.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			if e.Replay {
				replays++
			}
			return nil
		}, After: func(e snowflake.Event) *snowflake.Fault {
			if e.Class == "INSERT" && !lost {
				lost = true
				return f
			}
			return nil
		}})
		c.exec("INSERT INTO T VALUES (1)")
		if !lost || replays != 1 {
			t.Fatalf("a reply was lost: %v, and the request came %d times again", lost, replays)
		}
	}
	a.SetHooks(snowflake.Hooks{})
	c.want("SELECT COUNT(*) FROM T", "2")
	// One that never arrived is run once, too.
	lost := false
	a.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
		if e.Class == "INSERT" && !lost {
			lost = true
			return &snowflake.Fault{Cut: true}
		}
		return nil
	}})
	c.exec("INSERT INTO T VALUES (1)")
	c.want("SELECT COUNT(*) FROM T", "3")
}

// slowStatements are answered with a place to poll. Source: gosnowflake v2.1.0 restful.go, codes 333333 and 333334.
func slowStatements(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{SlowStatement: time.Millisecond})
	release := make_()
	polled := make_()
	once := false
	a.SetHooks(snowflake.Hooks{
		After: func(e snowflake.Event) *snowflake.Fault {
			if e.Class == "SELECT" {
				return &snowflake.Fault{Wait: release}
			}
			return nil
		},
		Before: func(e snowflake.Event) *snowflake.Fault {
			if e.Class == "POLL" && !once {
				once = true
				close(polled)
			}
			return nil
		},
	})
	c := a.conn()
	go func() {
		<-polled
		close(release)
	}()
	c.want("SELECT 7", "7")
}

func make_() chan struct{} { return make(chan struct{}) }

// cancels: a cancelled context makes the driver abort the statement at the server. Source: gosnowflake v2.1.0 restful.go, cancelQuery.
func cancels(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, d := a.conn(), a.conn()
	c.exec("CREATE TABLE T (A NUMBER)")
	c.exec("INSERT INTO T VALUES (1)")
	c.exec("BEGIN")
	c.exec("UPDATE T SET A = 2")
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make_()
	go func() {
		waitForLock(a, 1)
		close(waiting)
		cancel()
	}()
	if _, err := d.conn.ExecContext(ctx, "UPDATE T SET A = 3"); err == nil {
		t.Fatal("a cancelled statement succeeded")
	}
	<-waiting
	c.exec("COMMIT")
	a.conn().want("SELECT A FROM T", "2")
}
