package snowflaketest

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// casts: what a JSON value becomes in a column. Source: Snowflake docs, "Considerations for semi-structured data", "Data type conversion", "COPY INTO <table>".
func casts(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c := a.conn()
	c.exec("CREATE STAGE " + stageName)
	file := 0
	load := func(typ, value string) (string, string) {
		file++
		name := "f" + strings.Repeat("x", file) + ".json"
		c.exec(`CREATE OR REPLACE TABLE C ("V" ` + typ + `)`)
		c.put(name, "["+value+"]", "")
		return name, `COPY INTO C FROM (SELECT $1[0]::` + typ + ` FROM '@` + stageName + `/p/') FILES = ('` + name + `') FILE_FORMAT = (TYPE = JSON ALLOW_DUPLICATE = TRUE TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM')`
	}
	for _, r := range []struct{ typ, value, want string }{
		{"NUMBER(38,0)", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"NUMBER(38,0)", "1.5", "2"}, // a cast rounds
		{"NUMBER(38,0)", "-1.5", "-2"},
		{"NUMBER(38,0)", `"1.49"`, "1"},
		{"NUMBER(20,19)", "0.1234567890123456789", "0.1234567890123456800"}, // a JSON fraction is a double
		{"NUMBER(20,19)", `"0.1234567890123456789"`, "0.1234567890123456789"},
		{"NUMBER(38,0)", "null", "NULL"},
		{"NUMBER(38,0)", "true", "1"},
		{"FLOAT", `"1e300"`, "1e+300"},
		{"FLOAT", "12345678901234567890", "12345678901234567000"},
		{"BOOLEAN", `"yes"`, "1"},
		{"BOOLEAN", "0", "0"},
		{"VARCHAR", "1.50", "1.5"}, // its text was lost when it was parsed
		{"VARCHAR", "1E2", "100"},
		{"VARCHAR", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"VARCHAR", "123456789012345678901234567890123456789", "1.2345678901234568e+38"},
		{"VARCHAR", "true", "true"},
		{"VARCHAR", "null", "NULL"},
		{"VARCHAR", `{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{"VARIANT", "null", "null"}, // a JSON null, not SQL NULL
		{"VARIANT", `{"a":1,"a":2}`, `{"a":2}`},
		{"VARIANT", `[1.10, "x\u00e9"]`, `[1.1,"xé"]`},
		{"DATE", `"2026-02-28"`, "2026-02-28T00:00:00Z"},
		{"TIMESTAMP_NTZ", `"2026-02-28T01:02:03.123456789+02:00"`, "2026-02-28T01:02:03.123456789Z"},
		{"TIMESTAMP_LTZ", `"2026-02-28T01:02:03.123456789+02:00"`, "2026-02-27T23:02:03.123456789Z"},
		{"TIMESTAMP_TZ", `"2026-02-28T01:02:03.123456789+02:00"`, "2026-02-28T01:02:03.123456789+02:00"},
	} {
		_, sql := load(r.typ, r.value)
		c.rows(sql)
		if got := c.rows("SELECT V FROM C"); len(got) != 1 || got[0] != r.want {
			t.Errorf("%s into %s: got %q, want %q", r.value, r.typ, got, r.want)
		}
	}
	for _, r := range []struct {
		typ, value string
		code       int
	}{
		{"NUMBER(38,0)", "123456789012345678901234567890123456789", 100038},
		{"NUMBER(3,0)", "1000", 100038},
		{"NUMBER(38,0)", `"x"`, 100038},
		{"NUMBER(38,0)", "{}", 100071},
		{"BOOLEAN", `"maybe"`, 100037},
		{"TIMESTAMP_NTZ", `"2026-02-29T01:02:03.0+00:00"`, 100035},
		{"TIMESTAMP_NTZ", `"2026-02-28 01:02:03"`, 100035}, // not the format
		{"OBJECT", "[1]", 100071},
		{"VARCHAR", `"a\u0000b"`, 100069},
		{"VARCHAR", `"\ud800"`, 100069},
		{"VARCHAR", `"\udc00"`, 100069},
		{"VARCHAR", "\"\xff\"", 100069},
		{"VARCHAR", "{", 100069},
		{"VARCHAR", "01", 100069},
	} {
		_, sql := load(r.typ, r.value)
		_, err := c.query(t.Context(), sql)
		wantError(t, err, r.code, "", r.value+" into "+r.typ)
		c.want("SELECT COUNT(*) FROM C", "0")
	}
}

// loads: files, load metadata and options of COPY. Source: Snowflake docs, "COPY INTO <table>", "Considerations when loading data".
func loads(t *testing.T, make NewServer) {
	a := newAccount(t, make, snowflake.Options{})
	c, d := a.conn(), a.conn()
	c.exec("CREATE STAGE " + stageName)
	c.exec("CREATE TABLE T (A NUMBER NOT NULL, B VARCHAR(3))")
	copyT := func(rest string) string {
		return `COPY INTO T (A, B) FROM (SELECT s.$1[0]::NUMBER, s.$1[1]::VARCHAR FROM '@` + stageName + `/p/' s) FILE_FORMAT = (TYPE = JSON) ` + rest
	}
	none := "Copy executed with 0 files processed."
	fails := func(code int, sql string) {
		t.Helper()
		_, err := c.query(t.Context(), sql)
		wantError(t, err, code, "", sql)
	}
	c.want(copyT(""), none)
	c.put("one.json", "[1,\"a\"]\n[2,\"b\"]\n", "")
	fails(91016, copyT("FILES = ('one.json', 'two.json')"))
	c.exec("BEGIN")
	c.rows(copyT("FILES = ('one.json')"))
	c.want("SELECT COUNT(*) FROM T", "2")
	d.want("SELECT COUNT(*) FROM T", "0")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM T", "0")
	c.want(copyT(""), "p/one.json|LOADED|2|2|1|0|NULL|NULL|NULL|NULL") // the rolled back load left no trace
	c.want(copyT(""), none)
	c.rows(copyT("FORCE = TRUE"))
	c.want("SELECT COUNT(*) FROM T", "4")
	c.put("one.json", "[3,\"c\"]", "OVERWRITE = TRUE") // new content under the old name is a new file
	c.rows(copyT(""))
	c.want("SELECT MAX(A) FROM T", "3")
	c.exec("TRUNCATE TABLE T") // forgets the load metadata
	c.rows(copyT(""))
	c.want("SELECT A, B FROM T", "3|c")
	// OVERWRITE = FALSE keeps what is there.
	c.put("one.json", "[4,\"d\"]", "OVERWRITE = FALSE")
	c.rows(copyT("FORCE = TRUE"))
	c.want("SELECT DISTINCT A FROM T", "3")
	// One bad row fails the whole statement, and names its place.
	c.put("bad.json", "[5,\"x\"]\n[null,\"x\"]", "")
	fails(100072, copyT("FILES = ('bad.json')"))
	c.put("long.json", "[5,\"xxxx\"]", "")
	fails(100078, `COPY INTO T (A, B) FROM (SELECT $1[0], $1[1] FROM '@`+stageName+`/p/') FILES = ('long.json') FILE_FORMAT = (TYPE = JSON)`)
	c.put("dup.json", `[{"a":1,"a":2}]`, "")
	fails(100069, copyT("FILES = ('dup.json')"))
	fails(100069, `COPY INTO T (A, B) FROM (SELECT $1[0], $1[1] FROM '@`+stageName+`/p/') FILES = ('dup.json') FILE_FORMAT = (TYPE = JSON ALLOW_DUPLICATE = FALSE)`)
	c.put("lines.json", "[6,\n\"x\"]", "")
	fails(100069, `COPY INTO T (A, B) FROM (SELECT $1[0], $1[1] FROM '@`+stageName+`/p/') FILES = ('lines.json') FILE_FORMAT = (TYPE = JSON MULTI_LINE = FALSE)`)
	c.want("SELECT COUNT(*) FROM T WHERE A > 3", "0")
	c.rows(copyT("FILES = ('lines.json')"))
	c.want("SELECT COUNT(*) FROM T WHERE A = 6", "1")
	for _, bad := range []string{"NO_SUCH = TRUE", "FILE_FORMAT = (TYPE = JSON NO_SUCH = TRUE)", "FILE_FORMAT = (TYPE = JSON FIELD_DELIMITER = ',')", "FILE_FORMAT = (TYPE = JSON MULTI_LINE = 7)"} {
		fails(1003, `COPY INTO T (A, B) FROM (SELECT $1[0], $1[1] FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON) `+bad)
	}
	fails(1003, `COPY INTO T (A, B) FROM (SELECT $1[0], (SELECT 1) FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON)`)
	fails(904, `COPY INTO T (A, B) FROM (SELECT $1[0], NO FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON)`)
	fails(904, `COPY INTO T (A, NO) FROM (SELECT $1[0], $1[1] FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON)`)
	fails(2020, `COPY INTO T (A, B) FROM (SELECT $1[0] FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON)`)
	fails(2003, `COPY INTO T (A, B) FROM (SELECT $1[0], $1[1] FROM @NONE/p/) FILE_FORMAT = (TYPE = JSON)`)
	fails(2140, `COPY INTO T (A, B) FROM (SELECT $1[0], TRY_TO_TIMESTAMP($1[1]) FROM '@`+stageName+`/p/') FILE_FORMAT = (TYPE = JSON)`)
	// COPY is no DML to the driver: it has no RowsAffected (statement type 0x3600).
	r, err := c.conn.ExecContext(t.Context(), copyT("FILES = ('one.json') FORCE = TRUE"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.RowsAffected(); err == nil {
		t.Fatal("COPY gave a RowsAffected")
	}
}

// stages: PUT, LIST and REMOVE. Source: Snowflake docs, "PUT", "LIST", "REMOVE"; gosnowflake v2.1.0 gcs_storage_client.go.
func stages(t *testing.T, make NewServer) {
	for _, dir := range []string{"", t.TempDir()} {
		a := newAccount(t, make, snowflake.Options{StageDir: dir})
		c := a.conn()
		c.exec("CREATE STAGE IF NOT EXISTS " + stageName + " ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')")
		c.exec("CREATE STAGE IF NOT EXISTS " + stageName)
		c.fails(2002, "42710", "CREATE STAGE "+stageName)
		got := c.put("a.json", "longer than the next", "OVERWRITE = TRUE")
		if len(got) != 1 || !strings.Contains(got[0], "UPLOADED") {
			t.Fatalf("PUT answered %q", got)
		}
		c.put("a.json", "short", "OVERWRITE = TRUE")
		c.put("b.json", "b", "OVERWRITE = TRUE")
		list := c.rows("LIST '@" + stageName + "/p/'")
		if len(list) != 2 || !strings.HasPrefix(list[0], "st/p/a.json|5|") {
			t.Fatalf("LIST answered %q", list)
		}
		if got := c.rows("LIST '@" + stageName + "/p/b'"); len(got) != 1 { // a path is a prefix
			t.Fatalf("LIST of a prefix answered %q", got)
		}
		c.want("REMOVE '@"+stageName+"/p/a.json'", "st/p/a.json|removed")
		c.want("REMOVE '@" + stageName + "/p/a.json'") // what is not there is no error
		a.Deny("WRITE", "RAW.KINESIS.ST")
		_, err := c.query(t.Context(), "REMOVE '@"+stageName+"/p/b.json'")
		wantError(t, err, 3001, "42501", "REMOVE without WRITE")
		_, err = c.query(t.Context(), "LIST @NONE")
		wantError(t, err, 2003, "02000", "LIST of no stage")
	}
}
