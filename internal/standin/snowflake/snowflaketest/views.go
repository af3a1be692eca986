package snowflaketest

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// windows: ROW_NUMBER and QUALIFY. Source: Snowflake docs, "ROW_NUMBER", "QUALIFY", "ORDER BY" (NULLs), "LPAD".
func windows(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (K VARCHAR, N NUMBER, O OBJECT)")
	c.exec(`INSERT INTO T SELECT column1, column2, PARSE_JSON(column3)::OBJECT FROM VALUES ('a', 1, '{"s":"9"}'), ('a', 2, '{"s":"10"}'), ('b', NULL, '{"s":"1"}'), (NULL, 4, '{}'), (NULL, 5, '{"s":"7"}'), ('b', 3, '{}')`)
	c.want("SELECT K, N, ROW_NUMBER() OVER (PARTITION BY K ORDER BY N DESC) FROM T ORDER BY K, N",
		"a|1|2", "a|2|1", "b|3|2", "b|NULL|1", "NULL|4|2", "NULL|5|1") // NULL comes first where the order is descending
	c.want("SELECT N FROM T QUALIFY ROW_NUMBER() OVER (PARTITION BY K ORDER BY N DESC NULLS LAST) = 1 ORDER BY N", "2", "3", "5")
	c.want("SELECT N FROM T WHERE N > 1 QUALIFY K IS NULL OR ROW_NUMBER() OVER (PARTITION BY K ORDER BY LPAD(O:s::VARCHAR, 4, '0') DESC NULLS LAST, N) = 1 ORDER BY N LIMIT 3", "2", "3", "4")
	c.want("SELECT LPAD('12', 5, '0'), LPAD('123456', 3, '0'), LPAD('1', 4, 'ab'), LPAD(NULL, 3, 'x')", "00012|123|aba1|NULL")
	c.fails(1003, "42000", "SELECT N FROM T QUALIFY N = 1")
	c.fails(1003, "42000", "SELECT ROW_NUMBER() OVER (PARTITION BY K) FROM T")
	c.fails(904, "42000", "SELECT ROW_NUMBER() OVER (PARTITION BY X ORDER BY K) FROM T")
}

// views: a view is a query by name, with columns of its own. Source: Snowflake docs, "CREATE VIEW", "SHOW VIEWS", "DESCRIBE VIEW".
func views(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE TABLE T (A NUMBER(5,0), B VARCHAR)")
	c.exec("INSERT INTO T VALUES (1, 'x'), (2, 'y'), (1, 'z')")
	c.fails(2003, "02000", `DESC TABLE "V$LATEST"`)
	c.exec(`CREATE OR REPLACE VIEW "RAW"."KINESIS"."V$LATEST" ("A", "Text") COPY GRANTS COMMENT = 'it''s' AS SELECT A, B FROM T QUALIFY ROW_NUMBER() OVER (PARTITION BY A ORDER BY B DESC) = 1`)
	c.want(`SELECT * FROM "V$LATEST" ORDER BY A`, "1|z", "2|y")
	c.want(`SELECT v."Text" FROM "V$LATEST" v JOIN T ON T.A = v.A WHERE v.A = 1`, "z", "z")
	c.exec("INSERT INTO T VALUES (3, 'w')")
	c.want(`SELECT COUNT(*) FROM RAW.KINESIS."V$LATEST" AS v (x, y) WHERE x > 1`, "2")
	for _, desc := range []string{"DESC TABLE", "DESCRIBE VIEW"} {
		if got := c.rows(desc + ` "V$LATEST"`); len(got) != 2 || !strings.HasPrefix(got[0], "A|NUMBER(5,0)|COLUMN|Y") || !strings.HasPrefix(got[1], "Text|VARCHAR(16777216)|") {
			t.Fatalf("%s answered %q", desc, got)
		}
	}
	if got := c.rows(`SHOW VIEWS LIKE 'V$latest' IN SCHEMA "RAW"."KINESIS"`); len(got) != 1 || !strings.Contains(got[0], "|it's|CREATE OR REPLACE VIEW ") {
		t.Fatalf("SHOW VIEWS answered %q", got)
	}
	if got := c.rows("SHOW TABLES LIKE 'V%'"); len(got) != 0 {
		t.Fatalf("SHOW TABLES answered %q", got)
	}
	// A column that the table gains is not in the view; what the view reads must stay.
	c.exec("ALTER TABLE T ADD COLUMN C NUMBER")
	c.want(`SELECT * FROM "V$LATEST" WHERE A = 3`, "3|w")
	c.fails(904, "42000", `SELECT C FROM "V$LATEST"`)
	c.fails(2002, "42710", `CREATE VIEW "V$LATEST" AS SELECT 1 AS A`)
	c.exec(`CREATE VIEW IF NOT EXISTS "V$LATEST" AS SELECT 1 AS A`)
	c.fails(2203, "", "CREATE OR REPLACE VIEW T AS SELECT 1 AS A")
	c.fails(2203, "", `CREATE OR REPLACE TABLE "V$LATEST" (A NUMBER)`)
	c.fails(2057, "", "CREATE VIEW W (A, B) AS SELECT 1")
	c.fails(904, "42000", "CREATE VIEW W AS SELECT NONE FROM T")
	c.fails(1003, "42000", "CREATE VIEW W COMMENT = 'x' COPY GRANTS AS SELECT 1 AS A")
	c.fails(1003, "42000", "CREATE VIEW W COPY GRANTS AS SELECT 1 AS A")
	c.fails(2003, "02000", "CREATE VIEW NONE.NONE.W AS SELECT 1 AS A")
	c.fails(2003, "02000", `INSERT INTO "V$LATEST" VALUES (1, 'x')`)
	a.Deny("OWNERSHIP", "RAW.KINESIS.V$LATEST")
	c.fails(3001, "42501", `CREATE OR REPLACE VIEW "V$LATEST" AS SELECT A FROM T`)
	a.Allow("OWNERSHIP", "RAW.KINESIS.V$LATEST")
	a.Deny("CREATE VIEW", "RAW.KINESIS")
	c.fails(3001, "42501", `CREATE OR REPLACE VIEW "V$LATEST" AS SELECT A FROM T`)
	c.want(`SELECT COUNT(*) FROM "V$LATEST"`, "3")
	c.exec(`DROP VIEW "V$LATEST"`)
	c.fails(2003, "02000", `SELECT * FROM "V$LATEST"`)
	c.fails(2003, "02000", `DROP VIEW "V$LATEST"`)
	c.exec(`DROP VIEW IF EXISTS "V$LATEST"`)
}
