package duck

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/snowflake"
)

// events is an engine with a table of two rows and one of none.
func events(t *testing.T) *Engine {
	t.Helper()
	e := open(t)
	must(t, e.CreateTable(t.Context(), testTable, []snowflake.Column{
		{Name: "ID", Type: number38}, {Name: "O", Type: variant}, {Name: "mixed", Type: text},
		{Name: "AT", Type: snowflake.Type{Kind: snowflake.KindTimestampNTZ, Scale: 9}},
	}))
	must(t, e.CreateTable(t.Context(), snowflake.TableName{Database: "DB", Schema: "OTHER", Table: "U"}, []snowflake.Column{{Name: "ID", Type: number38}}))
	row := func(id int64, number, object, text string) snowflake.Row {
		at := snowflake.Value{Kind: snowflake.KindTimestampNTZ, Int: 86400 * id, Nanos: 500_000_000}
		return snowflake.Row{ID: id, Values: []snowflake.Value{snowflake.NumberValue(number), snowflake.JSONValue(snowflake.KindVariant, object), snowflake.TextValue(text), at}}
	}
	must(t, e.Apply(t.Context(), []snowflake.Change{{Table: testTable, Insert: []snowflake.Row{
		row(1, "12345678901234567890123456789012345678", `{"n":0.12345678901234567890,"big":98765432109876543210987654321098765432,"e":1E2,"s":"x \"y\"","mixed Key":{"a":[10,{"b":true}]},"nil":null}`, "one"),
		row(2, "2", `{"n":-1,"s":"other","e":5}`, "two"),
	}}}))
	return e
}

func TestQueries(t *testing.T) {
	e := events(t)
	session := snowflake.SessionInfo{Database: "DB", Schema: "S", User: "ME", Role: "R", Binds: []snowflake.Value{snowflake.IntValue(2), snowflake.TextValue("it's")}}
	for query, want := range map[string]string{
		`select id, "mixed" from t order by id`:                                                                "ID,mixed: 2,two; 12345678901234567890123456789012345678,one",
		`SELECT o:n::NUMBER(38,20) AS n FROM S.T ORDER BY "mixed"`:                                             "N: 0.12345678901234567890; -1.00000000000000000000",
		`SELECT o:big::NUMBER big FROM DB.S.T WHERE id <> 2`:                                                   "BIG: 98765432109876543210987654321098765432",
		`SELECT o:n, o:e, O:"s", o:s::string FROM T LIMIT 1`:                                                   `O:N,O:E,O:"S",O:S::STRING: 0.12345678901234567890,1E2,"x \"y\"",x "y"`,
		`SELECT o:"mixed Key".a[1].b::boolean b, o:N FROM T LIMIT 1`:                                           "B,O:N: true,NULL",
		`SELECT GET(GET_PATH(o, '"mixed Key".a'), 0) x, GET(o, 'e') FROM T LIMIT 1`:                            "X,GET(O, 'E'): 10,1E2",
		`SELECT COUNT(*) FROM T WHERE o:s = 'other' AND o:n < 0 AND o:s LIKE 'o%'`:                             "COUNT(*): 1",
		`SELECT count(*) c, sum(o:e) s, sum(id) FROM T`:                                                        "C,S,SUM(ID): 2,105,12345678901234567890123456789012345680",
		`SELECT COUNT(DISTINCT id, o:s::VARCHAR), COUNT_IF(o:e > 10) FROM T`:                                   "COUNT(DISTINCT ID, O:S::VARCHAR),COUNT_IF(O:E > 10): 2,1",
		`SELECT IFF(id = 2, 'two', TO_VARCHAR(id)) AS a, nvl(o:nope::int, 7) FROM t ORDER BY 1`:                "A,NVL(O:NOPE::INT, 7): 12345678901234567890123456789012345678,7; two,7",
		`WITH big AS (SELECT id FROM t WHERE id > ?) SELECT COUNT(*) AS n, ? AS q FROM big -- all`:             "N,Q: 1,it's",
		`SELECT CASE WHEN o:nil IS NULL THEN 'none' ELSE TYPEOF(o:nil) END::varchar k FROM t ORDER BY id DESC`: "K: NULL_VALUE; none",
		`SELECT t.id, DB.S.T."mixed" FROM T QUALIFY ROW_NUMBER() OVER (ORDER BY id) = 1;`:                      "ID,mixed: 2,two",
		`SELECT a.id FROM t a, OTHER.U b WHERE a.id = b.id`:                                                    "ID: ",
		`SELECT CAST(o:e AS INT) + 1 AS e, TRY_CAST(o:s AS NUMBER(5,1)) f FROM t ORDER BY "mixed"`:             "E,F: 101,NULL; 6,NULL",
		`SELECT o FROM t WHERE "mixed" = 'two'`:                                                                `O: {"n":-1,"s":"other","e":5}`,
		`SELECT ARRAY_SIZE(o:"mixed Key".a), OBJECT_KEYS(o) AS k, CURRENT_USER() FROM t LIMIT 1`:               `ARRAY_SIZE(O:"MIXED KEY".A),K,CURRENT_USER(): 2,["n","big","e","s","mixed Key","nil"],ME`,
		`SELECT 'a\'b\\n' AS x, $$raw ' text$$ AS y, 1.10 AS z /* c */`:                                        `X,Y,Z: a'b\n,raw ' text,1.10`,
		`SELECT DATE_TRUNC('day', at)::DATE::VARCHAR d, TO_VARCHAR(AT) FROM t ORDER BY at LIMIT 1`:             "D,TO_VARCHAR(AT): 1970-01-02,1970-01-02 00:00:00.5",
		`SELECT [id] AS list FROM t WHERE id = 2`:                                                              "LIST: [2]",
	} {
		set, err := e.Query(t.Context(), query, session)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := show(set); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
}

func TestQueryRefusals(t *testing.T) {
	e := events(t)
	for _, query := range []string{
		"SELECT", "SELECT FROM WHERE", "SELECT 'a", `SELECT "a`, "SELECT /* a", "SELECT (1", "SELECT 1)", "SELECT $$a", "SELECT ?", "SELECT o: FROM t", "SELECT o[ FROM t",
		"SELECT o[x] FROM t", "SELECT x::WHAT FROM t", "SELECT 1::", "SELECT CAST(1)", "SELECT CAST(1 AS", "SELECT GET_PATH(o, '') FROM DB.S.T", "SELECT 1; SELECT 2", "SELECT * FROM missing",
		"SELECT v.value FROM DB.S.T, LATERAL FLATTEN(input => o) v",
	} {
		if _, err := e.Query(t.Context(), query, snowflake.SessionInfo{}); !errors.Is(err, snowflake.ErrUnsupported) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func FuzzTranslate(f *testing.F) {
	for _, s := range []string{`SELECT o:a.b[0]::INT, "x" FROM t WHERE CAST(a AS NUMBER(1,2)) IN (1, 2)`, "WITH a AS (SELECT 1) SELECT * FROM a", "CASE END::INT", "GET(a,", "o:$$", "::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tr := &translator{src: text, lookup: func([]string) (string, string, bool) { return "D.S", "T", true }, column: func(n string) bool { return n == "X" }}
		_, _, _ = tr.translate() // it must end, and not panic
	})
}

func FuzzMember(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"\""}],"a" : 2}`, `{"a"`, `[`, `{"a":}`, `"x`, "", `{"\u0061":1}`} {
		f.Add(s, "a")
		f.Add(s, "[0]")
	}
	f.Fuzz(func(t *testing.T, text, step string) {
		value, ok := member(text, step)
		if ok && !strings.Contains(text, value) {
			t.Errorf("%q is no part of %q", value, text)
		}
		keys(text)
		size(text)
	})
}

func TestMember(t *testing.T) {
	for _, c := range []struct{ text, step, want string }{
		{` { "a" : [ 1 , 2.50 ] } `, ".a", "[ 1 , 2.50 ]"},
		{`[ 1 , {"x":[]} , "]" ]`, "[1]", `{"x":[]}`},
		{`[ 1 , {"x":[]} , "]" ]`, "[2]", `"]"`},
		{`{"a":1,"a":2}`, ".a", "2"},
		{`{"\u0061":1}`, ".a", "1"},
		{`{"":{"b":null}}`, ".", `{"b":null}`},
		{`{"a":1}`, ".b", ""},
		{`[1]`, ".a", ""},
		{`{"a":1}`, "[0]", ""},
		{`[1]`, "[1]", ""},
		{`"a"`, ".a", ""},
	} {
		if got, ok := member(c.text, c.step); got != c.want || ok != (c.want != "") {
			t.Errorf("%s of %s is %q, %v; want %q", c.step, c.text, got, ok, c.want)
		}
	}
}

func show(set *snowflake.ResultSet) string {
	var names []string
	for _, c := range set.Columns {
		names = append(names, c.Name)
	}
	var rows []string
	for _, r := range set.Rows {
		var cells []string
		for _, v := range r {
			cells = append(cells, shown(v))
		}
		rows = append(rows, strings.Join(cells, ","))
	}
	return strings.Join(names, ",") + ": " + strings.Join(rows, "; ")
}

func shown(v snowflake.Value) string {
	switch v.Kind {
	case snowflake.KindNull:
		return "NULL"
	case snowflake.KindBoolean:
		if v.Bool() {
			return "true"
		}
		return "false"
	case snowflake.KindFloat:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	default:
		return v.Text
	}
}

// TestQueriesOfViews has the engine run what the server's own evaluator does not know, over views.
func TestQueriesOfViews(t *testing.T) {
	e := events(t)
	views := map[string]snowflake.View{
		"T$LATEST": {Columns: []string{"ID", "Mixed"}, Database: "DB", Schema: "S", Query: `SELECT "ID", "mixed" FROM "DB"."S"."T" QUALIFY "ID" IS NULL OR ROW_NUMBER() OVER (PARTITION BY "ID" ` +
			`ORDER BY LPAD(GET("O", 's')::VARCHAR, 60, '0') DESC NULLS LAST, GET("O", 'n')::NUMBER(38,0) DESC NULLS LAST) = 1`},
		"OUTER": {Columns: []string{"X"}, Database: "DB", Schema: "S", Query: `SELECT "Mixed" FROM T$LATEST`},
		"LOOP":  {Columns: []string{"X"}, Database: "DB", Schema: "S", Query: `SELECT X FROM LOOP`},
	}
	session := snowflake.SessionInfo{Database: "DB", Schema: "OTHER", View: func(n snowflake.TableName) (snowflake.View, bool) {
		v, ok := views[n.Table]
		return v, ok && n.Database == "DB" && n.Schema == "S"
	}}
	for query, want := range map[string]string{
		`WITH a AS (SELECT * FROM DB.S."T$LATEST") SELECT COUNT(*) AS n FROM a`:                                                          "N: 2",
		`WITH a AS (SELECT 1) SELECT v.id, "T$LATEST"."Mixed" FROM DB.S.T$LATEST, S.T$LATEST v WHERE v.id = "T$LATEST".id ORDER BY v.id`: "ID,Mixed: 2,two; 12345678901234567890123456789012345678,one",
		`WITH a AS (SELECT x FROM S."OUTER" AS o WHERE o.x = 'two') SELECT * FROM a`:                                                     "X: two",
	} {
		set, err := e.Query(t.Context(), query, session)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := show(set); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got, want)
		}
	}
	if _, err := e.Query(t.Context(), `SELECT * FROM S.LOOP`, session); !errors.Is(err, snowflake.ErrUnsupported) {
		t.Errorf("a view of itself: %v", err)
	}
}
