package snowflaketest

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// names: how identifiers fold, and what cannot be one. Source: Snowflake docs, "Identifier requirements" and "Reserved & limited keywords".
func names(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec(`CREATE TABLE t ("a" NUMBER, A NUMBER, "x ""y" VARCHAR, _$1 NUMBER)`)
	c.exec(`INSERT INTO "T" VALUES (1, 2, 'q', 4)`)
	c.want(`SELECT "a", a, "A", "x ""y", _$1 FROM "RAW"."KINESIS".T`, "1|2|2|q|4")
	c.fails(904, "42000", `SELECT "b" FROM T`)
	c.fails(2003, "02000", `SELECT 1 FROM "t"`)
	for _, n := range []string{"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "LOCALTIME", "LOCALTIMESTAMP"} {
		c.fails(1003, "42000", `ALTER TABLE T ADD COLUMN "`+n+`" NUMBER`)
		c.exec(`ALTER TABLE T ADD COLUMN "` + strings.ToLower(n) + `" NUMBER`)
	}
	c.fails(1003, "42000", `ALTER TABLE T ADD COLUMN SELECT NUMBER`)
	c.exec(`ALTER TABLE T ADD COLUMN "SELECT" NUMBER`)
	long := strings.Repeat("ü", 255)
	c.exec(`ALTER TABLE T ADD COLUMN "` + long + `" NUMBER`)
	c.fails(1003, "42000", `ALTER TABLE T ADD COLUMN "`+long+`x" NUMBER`)
	c.fails(1003, "42000", `ALTER TABLE T ADD COLUMN "" NUMBER`)
	c.want("SELECT 'it''s', 'a\\\\b', 'a\\nb', $$c:\\x'y$$ -- comment", "it's|a\\b|a\nb|c:\\x'y")
}

// definitions: DDL takes effect once and refuses what would lose data. Source: Snowflake docs, "CREATE TABLE", "ALTER TABLE", "ALTER TABLE ... ALTER COLUMN", "UNDROP TABLE".
func definitions(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (A NUMBER(10,2) NOT NULL, B VARCHAR(5) DEFAULT 'd', C TIMESTAMP)")
	c.fails(2002, "42710", "CREATE TABLE T (A NUMBER)")
	c.exec("CREATE TABLE IF NOT EXISTS T (Z NUMBER)")
	c.fails(2003, "02000", "CREATE TABLE NOPE.X.T (Z NUMBER)")
	c.exec("INSERT INTO T (A) VALUES (1.005)")
	c.want("SELECT A, B, C FROM T", "1.01|d|NULL")
	c.fails(100072, "22000", "INSERT INTO T (B) VALUES ('x')")
	c.fails(100078, "22000", "INSERT INTO T (A, B) VALUES (1, 'longer')")
	c.fails(100038, "22003", "INSERT INTO T (A) VALUES (123456789)")
	c.fails(2020, "21S01", "INSERT INTO T (A) VALUES (1, 2)")
	describe := c.rows("DESC TABLE T")
	for i, want := range []string{"A|NUMBER(10,2)|COLUMN|N|NULL", "B|VARCHAR(5)|COLUMN|Y|'d'", "C|TIMESTAMP_NTZ(9)|COLUMN|Y|NULL"} {
		if !strings.HasPrefix(describe[i], want) {
			t.Fatalf("DESC TABLE answered %q, want %q", describe[i], want)
		}
	}
	c.fails(1430, "", "ALTER TABLE T ADD COLUMN B NUMBER")
	c.exec("ALTER TABLE T ADD COLUMN IF NOT EXISTS B NUMBER, IF NOT EXISTS D NUMBER")
	c.fails(1430, "", "ALTER TABLE T ADD COLUMN IF NOT EXISTS E NUMBER, D NUMBER") // IF NOT EXISTS counts for its own column only
	c.want("SELECT COUNT(*) FROM T WHERE D IS NULL", "1")
	c.fails(2011, "", "ALTER TABLE T ADD COLUMN F NUMBER NOT NULL")
	c.exec("ALTER TABLE T ALTER COLUMN A SET DATA TYPE NUMBER(12,2)")
	c.exec("ALTER TABLE T MODIFY COLUMN B TYPE VARCHAR(10)")
	for _, bad := range []string{"A SET DATA TYPE NUMBER(12,3)", "A SET DATA TYPE NUMBER(5,2)", "A SET DATA TYPE FLOAT", "B SET DATA TYPE VARCHAR(3)", "B SET DATA TYPE NUMBER"} {
		c.fails(2108, "22000", "ALTER TABLE T ALTER COLUMN "+bad)
	}
	c.exec("ALTER TABLE T RENAME COLUMN D TO E")
	c.exec("ALTER TABLE T DROP COLUMN C")
	c.fails(904, "42000", "ALTER TABLE T DROP COLUMN C")
	c.want("SELECT * FROM T", "1.01|d|NULL")
	c.exec("DROP TABLE T")
	c.fails(2003, "02000", "DROP TABLE T")
	c.exec("DROP TABLE IF EXISTS T")
	c.fails(2003, "02000", "DESC TABLE T")
	c.exec("UNDROP TABLE T")
	c.want("SELECT * FROM T", "1.01|d|NULL")
	c.exec("ALTER TABLE T RENAME TO U")
	c.exec("CREATE TABLE V AS SELECT A, B AS N FROM U")
	c.want("SELECT * FROM V", "1.01|d")
	// CREATE TABLE IF NOT EXISTS ... AS does not fill a table that was there.
	c.exec("CREATE TABLE IF NOT EXISTS V AS SELECT 5 AS A, 'n' AS N")
	c.want("SELECT * FROM V", "1.01|d")
	c.exec("CREATE OR REPLACE TABLE V (A NUMBER) AS SELECT 5")
	c.want("SELECT * FROM V", "5")
	c.exec("TRUNCATE TABLE V")
	c.want("SELECT COUNT(*) FROM V", "0")
	if got := c.rows(`SHOW TABLES LIKE 'u' IN SCHEMA "RAW"."KINESIS"`); len(got) != 1 {
		t.Fatalf("SHOW TABLES LIKE answered %q", got)
	}
	c.fails(2003, "02000", `SHOW TABLES IN SCHEMA "RAW"."NONE"`)
	c.fails(1003, "42000", "SELEC 1")
	c.fails(1003, "42000", "CREATE TABLE W (A NUMBER) WITH NONSENSE")
}

// queries: NULLs, comparisons across types, exact numbers, aggregates. Source: Snowflake docs, "SELECT", "Data type conversion", "Numeric data types".
func queries(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (K VARCHAR, N NUMBER(38,0), F FLOAT)")
	c.exec("INSERT INTO T VALUES ('a', 99999999999999999999999999999999999999, 1.5), ('b', NULL, NULL), ('c', -5, 2), ('a', 1, 2)")
	c.want("SELECT MAX(N), MIN(N), COUNT(*), COUNT(N), COUNT(DISTINCT K), SUM(F) FROM T", "99999999999999999999999999999999999999|-5|4|3|3|5.5")
	c.want("SELECT K, COUNT(*) AS C FROM T GROUP BY K HAVING COUNT(*) > 1", "a|2")
	c.fails(979, "42601", "SELECT N, COUNT(*) FROM T GROUP BY K")
	c.want("SELECT K FROM T WHERE N IS NULL OR N = '-5' ORDER BY K DESC", "c", "b")
	c.want("SELECT K FROM T WHERE N <> 1 AND K NOT IN ('c', 'x')", "a")
	c.want("SELECT N FROM T ORDER BY N DESC LIMIT 2", "NULL", "99999999999999999999999999999999999999") // NULL is the greatest
	c.want("SELECT 1 WHERE NULL = NULL")
	c.want("SELECT 1 WHERE 1 NOT IN (2, NULL)")
	c.want("SELECT x.K, y.N FROM T x JOIN T y ON x.N = y.N AND x.K = 'c'", "c|-5")
	c.want("SELECT COALESCE(MAX(N), 0) + 1 FROM T WHERE K = 'none'", "1")
	c.want("SELECT 1.5::NUMBER(38,0), -2.5::NUMBER(38,0), '7'::NUMBER, 10/4, 0.1 + 0.2", "2|-3|7|2.500000|0.3")
	c.fails(100051, "22012", "SELECT 1/0")
	c.fails(100038, "22018", "SELECT 'abc'::NUMBER")
	c.fails(100037, "22018", "SELECT 'maybe'::BOOLEAN")
	c.fails(100035, "22007", "SELECT 'soon'::TIMESTAMP_NTZ")
	c.fails(100069, "", `SELECT PARSE_JSON('{"a":1,"a":2}')`)
	c.want(`SELECT PARSE_JSON('{"b": 1.50, "a": null}'), PARSE_JSON('null') IS NULL, PARSE_JSON('[1,{"k":"v"}]')[1]:k::VARCHAR`, `{"a":null,"b":1.5}|0|v`)
}

// binds: question marks take the driver's values, also arrays. Source: gosnowflake v2.1.0 doc.go, "Binding parameters".
func binds(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (K VARCHAR, N NUMBER, B BOOLEAN, F FLOAT)")
	c.exec("INSERT INTO T VALUES (?, ?, ?, ?)", "it's", 42, true, 1.5)
	got := c.rows("SELECT K, N, B, F FROM T WHERE K = ? AND N = ?", "it's", 42)
	if len(got) != 1 || got[0] != "it's|42|1|1.5" {
		t.Fatalf("got %q", got)
	}
	c.fails(2049, "42601", "SELECT ?")
}

// warehouses: what needs one, and what does not. Source: Snowflake docs, "Overview of warehouses"; error 000606.
func warehouses(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	cfg := a.config()
	cfg.Warehouse = ""
	c := a.connWith(cfg)
	c.exec("CREATE TABLE T (A NUMBER)")
	c.exec("CREATE STAGE ST")
	c.exec("ALTER TABLE T ADD COLUMN B NUMBER")
	c.rows("DESC TABLE T")
	c.rows("SHOW TABLES")
	c.rows("SHOW LOCKS")
	c.put("f.json", "[1]", "")
	c.rows("LIST @ST")
	c.exec("BEGIN")
	c.exec("COMMIT")
	c.want("SELECT 1", "1")
	for _, s := range []string{"INSERT INTO T VALUES (1, 2)", "UPDATE T SET A = 1", "DELETE FROM T", "SELECT * FROM T", "CREATE TABLE U AS SELECT 1 AS A",
		"COPY INTO T (A) FROM (SELECT $1[0] FROM @ST/p/) FILE_FORMAT = (TYPE = JSON)"} {
		c.fails(606, "57P03", s)
	}
	if s := a.Stats(); s.Warehouse != 0 || s.Wakes != 0 {
		t.Fatalf("a warehouse was used: %+v", s)
	}
	d := a.conn()
	d.exec("INSERT INTO T VALUES (1, 2)")
	d.exec("INSERT INTO T VALUES (1, 2)")
	if s := a.Stats(); s.Warehouse != 2 || s.Wakes != 1 {
		t.Fatalf("got %+v, want 2 uses and 1 wake", s)
	}
	a.SuspendByMonitor(true)
	d.fails(90073, "", "INSERT INTO T VALUES (1, 2)")
	a.SuspendByMonitor(false)
	a.Deny("INSERT", "RAW.KINESIS.T")
	d.fails(3001, "42501", "INSERT INTO T VALUES (1, 2)")
	a.Deny("CREATE TABLE", "RAW.KINESIS")
	d.fails(3001, "42501", "CREATE TABLE X (A NUMBER)")
}
