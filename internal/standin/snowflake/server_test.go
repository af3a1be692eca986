package snowflake_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/standin/snowflake"
)

func account(tb testing.TB, o snowflake.Options) *snowflake.Server {
	s := snowflake.New(o)
	tb.Cleanup(s.Close)
	s.AddUser("LOADER", "secret", nil)
	s.CreateSchema("RAW", "KINESIS")
	return s
}

func connect(tb testing.TB, c sf.Config) *sql.Conn {
	tb.Helper()
	tb.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	c.Account, c.User, c.Password, c.Protocol, c.Warehouse, c.Database, c.Schema = "testaccount", "loader", "secret", "http", "WH", "RAW", "KINESIS"
	c.DisableOCSPChecks = true
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, c))
	conn, err := db.Conn(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return conn
}

func run(tb testing.TB, c *sql.Conn, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		rows, err := c.QueryContext(context.Background(), s)
		if err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
		if err := rows.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestOverASocketAFileTravelsFromPutToTable(t *testing.T) {
	s := account(t, snowflake.Options{})
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, sf.Config{Host: host, Port: n})
	file := filepath.Join(t.TempDir(), "a b.json")
	if err := os.WriteFile(file, []byte("[1]\n[2]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, c, "CREATE STAGE ST", "CREATE TABLE T (A NUMBER)", "PUT 'file://"+file+"' @ST/x",
		"COPY INTO T FROM (SELECT $1[0] FROM @ST/x/) FILES = ('a b.json.gz') FILE_FORMAT = (TYPE = JSON)")
	d, ok, err := s.Table(snowflake.TableName{Database: "RAW", Schema: "KINESIS", Table: "T"})
	if err != nil || !ok || len(d.Rows) != 2 || d.Rows[1][0] != snowflake.IntValue(2) {
		t.Fatalf("got %+v, %v, %v", d, ok, err)
	}
}

func TestInABubbleFiveIdleMinutesEndABlockingTransaction(t *testing.T) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	synctest.Test(t, func(t *testing.T) {
		s := account(t, snowflake.Options{})
		c := bubbleConn(t, s)
		d := bubbleConn(t, s)
		run(t, c, "CREATE TABLE T (A NUMBER)", "INSERT INTO T VALUES (1)", "BEGIN", "UPDATE T SET A = 2")
		start := time.Now()
		run(t, d, "UPDATE T SET A = A + 10")
		if took := time.Since(start); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("waited %v for a lock whose holder was idle, want 5 minutes", took)
		}
		r, err := s.Exec(t.Context(), "SELECT A FROM RAW.KINESIS.T")
		if err != nil || r.Rows[0][0].Text != "11" {
			t.Errorf("got %v, %v", r, err)
		}
	})
}

// bubbleConn is connect without Setenv, which a bubble does not allow.
func bubbleConn(t *testing.T, s *snowflake.Server) *sql.Conn {
	c := sf.Config{Account: "testaccount", User: "loader", Password: "secret", Protocol: "http", Host: "snowflake.test", Port: 80, Warehouse: "WH", Database: "RAW", Schema: "KINESIS",
		DisableOCSPChecks: true, Transporter: s.RoundTripper()}
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, c))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func BenchmarkCopyOf200000Rows(b *testing.B) {
	s := account(b, snowflake.Options{})
	c := connect(b, sf.Config{Host: "snowflake.test", Port: 80, Transporter: s.RoundTripper()})
	var buf bytes.Buffer
	for i := range 200_000 {
		fmt.Fprintf(&buf, `["shardId-0","2026-01-02T03:04:05Z","pk","49510000000000000000000%d",0,"x",null,null,%d,"name %d",true,"1.5",{"a":[1,2,3],"b":"c"}]`+"\n", i, i, i)
	}
	file := filepath.Join(b.TempDir(), "f.json")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	run(b, c, `CREATE STAGE ST`, `CREATE TABLE T (M OBJECT, R VARIANT, ID NUMBER(38,0), NAME VARCHAR, OK BOOLEAN, X FLOAT, O VARIANT)`, "PUT 'file://"+file+"' @ST AUTO_COMPRESS = FALSE")
	b.SetBytes(int64(buf.Len()))
	for b.Loop() {
		run(b, c, `TRUNCATE TABLE T`, `COPY INTO T FROM (SELECT OBJECT_CONSTRUCT('stream', 'orders', 'shardId', GET($1, 0)::VARCHAR, 'approximateArrival', GET($1, 1)::VARCHAR, 'partitionKey', GET($1, 2)::VARCHAR,
			'sequenceNumber', GET($1, 3)::VARCHAR, 'subSequenceNumber', GET($1, 4)::NUMBER(38,0)), NULLIF(GET($1, 7), PARSE_JSON('null')), GET($1, 8)::NUMBER(38,0), GET($1, 9)::VARCHAR,
			GET($1, 10)::BOOLEAN, GET($1, 11)::FLOAT, NULLIF(GET($1, 12), PARSE_JSON('null')) FROM @ST) FILES = ('f.json') FILE_FORMAT = (TYPE = JSON MULTI_LINE = FALSE) FORCE = TRUE`)
	}
}

func BenchmarkCountOf200000Rows(b *testing.B) {
	s := account(b, snowflake.Options{})
	if _, err := s.Exec(b.Context(), "CREATE TABLE RAW.KINESIS.T (A NUMBER, B VARCHAR)"); err != nil {
		b.Fatal(err)
	}
	for range 20 {
		var q bytes.Buffer
		q.WriteString("INSERT INTO RAW.KINESIS.T VALUES (0, 'x')")
		for i := range 9_999 {
			fmt.Fprintf(&q, ",(%d,'y')", i)
		}
		if _, err := s.Exec(b.Context(), q.String()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.Exec(b.Context(), "SELECT COUNT(*), MAX(A) FROM RAW.KINESIS.T WHERE B = 'y'"); err != nil {
			b.Fatal(err)
		}
	}
}
