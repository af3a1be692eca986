package snowflaketest

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/snowflake"
)

// waitForLock spins until n statements wait for locks.
func waitForLock(a *account, n int) {
	for {
		r, err := a.Exec(a.t.Context(), "SHOW LOCKS")
		if err != nil {
			return
		}
		waiting := 0
		for _, row := range r.Rows {
			if row[4].Text == "WAITING" {
				waiting++
			}
		}
		if waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// isolation: what a transaction did is its own until COMMIT; a failed statement does not end it; a second BEGIN means nothing; DDL commits it.
// Source: Snowflake docs, "Transactions".
func isolation(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, d := a.conn(), a.conn()
	c.exec("CREATE TABLE T (A NUMBER, B VARCHAR)")
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (1, 'x'), (2, 'y')")
	c.exec("UPDATE T SET B = 'z' WHERE A = 2")
	c.exec("DELETE FROM T WHERE A = 1")
	c.fails(904, "42000", "UPDATE T SET NO = 1")
	c.fails(100038, "22018", "INSERT INTO T VALUES ('x', 'x')")
	c.exec("BEGIN")
	c.want("SELECT A, B FROM T", "2|z")
	d.want("SELECT COUNT(*) FROM T", "0")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM T", "0")
	c.exec("COMMIT") // no transaction: no error
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (3, 'ddl')")
	c.exec("CREATE TABLE U (A NUMBER)")
	d.want("SELECT A FROM T", "3")
	c.exec("ROLLBACK")
	c.want("SELECT A FROM T", "3")
	// DDL that fails has committed, too.
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (4, 'ddl')")
	c.fails(2002, "42710", "CREATE TABLE U (A NUMBER)")
	d.want("SELECT A FROM T", "3", "4")
	// With TRANSACTION_ABORT_ON_ERROR the failure ends the transaction.
	c.exec("ALTER SESSION SET TRANSACTION_ABORT_ON_ERROR = TRUE")
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (5, 'gone')")
	c.fails(100038, "", "INSERT INTO T VALUES ('x', 'x')")
	c.exec("COMMIT")
	c.want("SELECT A FROM T", "3", "4")
	// Rows of an open transaction survive a column that another session adds.
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (6, 'wide')")
	d.exec("ALTER TABLE T ADD COLUMN C NUMBER")
	c.want("SELECT A, C FROM T WHERE A = 6", "6|NULL")
	c.exec("COMMIT")
	d.want("SELECT A, B, C FROM T WHERE A = 6", "6|wide|NULL")
	c.exec("BEGIN")
	c.exec("INSERT INTO T VALUES (7, 'b', 8)")
	d.exec("ALTER TABLE T DROP COLUMN B")
	c.exec("COMMIT")
	d.want("SELECT * FROM T WHERE A = 7", "7|8")
}

// locks: UPDATE waits for the transaction that has updated the table, then sees what it committed; INSERT waits for nobody; LOCK_TIMEOUT
// ends the wait. Source: Snowflake docs, "Transactions" (resource locking, READ COMMITTED); error 000625 as in dbt_artifacts issue 431.
func locks(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, d, e := a.conn(), a.conn(), a.conn()
	c.exec("CREATE TABLE T (K VARCHAR, N NUMBER)")
	c.exec("INSERT INTO T VALUES ('a', 1)")
	c.exec("BEGIN")
	c.exec("UPDATE T SET N = 2 WHERE K = 'a' AND N = 1")
	e.exec("INSERT INTO T VALUES ('b', 1)")
	e.exec("ALTER SESSION SET LOCK_TIMEOUT = 0")
	e.fails(625, "57014", "UPDATE T SET N = 9")
	e.fails(625, "57014", "DELETE FROM T")
	got := e.rows("SHOW LOCKS")
	if len(got) != 1 || !strings.HasPrefix(got[0], "RAW.KINESIS.T|PARTITIONS|") || !strings.Contains(got[0], "|HOLDING|") {
		t.Fatalf("SHOW LOCKS answered %q", got)
	}
	result := make64()
	go func() {
		r, err := d.conn.ExecContext(t.Context(), "UPDATE T SET N = 3 WHERE K = 'a' AND N = 1")
		n := int64(-1)
		if err == nil {
			n, _ = r.RowsAffected()
		}
		result <- n
	}()
	waitForLock(a, 1)
	c.exec("COMMIT")
	if n := <-result; n != 0 {
		t.Fatalf("an UPDATE that waited changed %d rows, want 0: its WHERE must see what was committed meanwhile", n)
	}
	c.want("SELECT K, N FROM T ORDER BY K", "a|2", "b|1")
	// A second session of the same user ends a transaction that holds a lock.
	c.exec("BEGIN")
	c.exec("UPDATE T SET N = 100")
	id := strings.Split(e.rows("SHOW LOCKS")[0], "|")[2]
	e.want("SELECT SYSTEM$ABORT_TRANSACTION("+id+")", "1 Transaction(s) aborted.")
	if n := e.exec("UPDATE T SET N = 5 WHERE K = 'a'"); n != 1 {
		t.Fatalf("after the abort %d rows were updated", n)
	}
	c.fails(626, "57014", "COMMIT")
	c.want("SELECT K, N FROM T ORDER BY K", "a|5", "b|1")
	e.fails(670, "02000", "SELECT SYSTEM$ABORT_TRANSACTION("+id+")")
	// Of other users' transactions nothing is seen, and none is ended.
	a.AddUser("other", "secret", nil)
	cfg := a.config()
	cfg.User = "other"
	o := a.connWith(cfg)
	c.exec("BEGIN")
	c.exec("UPDATE T SET N = 6")
	id = strings.Split(c.rows("SHOW LOCKS")[0], "|")[2]
	o.want("SHOW LOCKS")
	o.fails(670, "02000", "SELECT SYSTEM$ABORT_TRANSACTION("+id+")")
	c.exec("COMMIT")
}

func make64() chan int64 { return make(chan int64, 1) }

// waiters: at most 20 statements wait for one lock. Source: Snowflake docs, "Transactions".
func waiters(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (N NUMBER)")
	c.exec("INSERT INTO T VALUES (0)")
	c.exec("BEGIN")
	c.exec("UPDATE T SET N = N + 1")
	done := makeErrors()
	for range 20 {
		k := a.conn()
		go func() {
			_, err := k.conn.ExecContext(t.Context(), "UPDATE T SET N = N + 1")
			done <- err
		}()
	}
	waitForLock(a, 20)
	a.conn().fails(625, "57014", "UPDATE T SET N = N + 1")
	c.exec("COMMIT")
	for range 20 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	c.want("SELECT N FROM T", "21")
}

func makeErrors() chan error { return make(chan error, 32) }

// vanished: the transaction of a client that is gone lives on, and blocks others until it has been idle for five minutes. Source: Snowflake
// docs, "Transactions" (detached transactions); Estuary flow issue 238.
func vanished(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{BlockingIdle: 50 * time.Millisecond})
	c, d := a.conn(), a.conn()
	c.exec("CREATE TABLE T (N NUMBER)")
	c.exec("INSERT INTO T VALUES (1)")
	c.exec("BEGIN")
	c.exec("UPDATE T SET N = 2")
	d.exec("ALTER SESSION SET LOCK_TIMEOUT = 0")
	d.fails(625, "57014", "UPDATE T SET N = 3")
	d.exec("ALTER SESSION SET LOCK_TIMEOUT = 600")
	d.exec("UPDATE T SET N = N + 10")
	d.want("SELECT N FROM T", "11")
	c.fails(626, "57014", "COMMIT")
}
