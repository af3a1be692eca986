package syntax

import (
	"errors"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`SELECT a."b", $1:k[0]::NUMBER(38,0), 'x''y\n' FROM t x LEFT JOIN (SELECT 1) y ON x.a = y.b WHERE a IN (1, ?) AND NOT EXISTS (SELECT 1) GROUP BY 1 HAVING COUNT(*) > 1 ORDER BY 1 DESC NULLS LAST LIMIT 1 OFFSET 2`,
		`COPY INTO t (a) FROM (SELECT GET($1, 0) FROM '@"a"."b"/p/' s) FILES = ('x') FILE_FORMAT = (TYPE = JSON NULL_IF = ()) FORCE = TRUE`,
		`CREATE OR REPLACE TABLE a.b.c (d NUMBER(3,1) NOT NULL DEFAULT 1 COMMENT 'x', e VARCHAR) COMMENT = 'c' AS SELECT 1, 2`,
		`ALTER TABLE t ADD COLUMN IF NOT EXISTS a NUMBER, b VARCHAR`, `ALTER TABLE t MODIFY (a TYPE NUMBER, b DROP NOT NULL)`,
		`UPDATE t SET a = CASE b WHEN 1 THEN 2 ELSE 3 END FROM (VALUES (1, 2)) v WHERE a BETWEEN 1 AND 2`, `DELETE FROM t USING u WHERE t.a = u.a`,
		`PUT file:///a/b.json @st/x OVERWRITE = TRUE`, `PUT 'file:///a' '@st'`, `SHOW TABLES LIKE 'x' IN SCHEMA a.b`, `-- c` + "\n/* x */ BEGIN; ", "$$ $$", "((((", "SELECT -", `"`, `@"`, "'\\u12",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, _, err := Parse(s)
		var e *Error
		if err != nil && !errors.As(err, &e) && !errors.Is(err, ErrEmpty) {
			t.Fatalf("%q: an error of another kind: %v", s, err)
		}
		FirstWord(s)
		SecondWord(s)
		_, _ = ParseName(s)
	})
}

func TestHostileDepthIsRefused(t *testing.T) {
	for _, s := range []string{
		"UPDATE t SET a = " + strings.Repeat("(", 100_000), "UPDATE t SET a = " + strings.Repeat("-", 100_001) + "1", "UPDATE t SET a = " + strings.Repeat("NOT ", 100_000) + "1",
		"COPY INTO t FROM @s " + strings.Repeat("A = (B = 1 ", 50_000), "UPDATE t SET a = 1" + strings.Repeat("+1", 400_000), "UPDATE t SET a = 1 -- " + strings.Repeat("x", MaxStatement),
		"INSERT INTO t VALUES (1)" + strings.Repeat(",(1)", MaxValues),
	} {
		if _, _, err := Parse(s); err == nil {
			t.Errorf("%.40q was accepted", s)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	_, _, err := Parse("CREATE TABLE t (\n  a NUMBER,\n  select VARCHAR)")
	var e *Error
	if !errors.As(err, &e) || e.Line != 3 || e.Pos != 2 {
		t.Fatalf("got %v, want line 3 at position 2", err)
	}
}
