package sink

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/sink/table"
)

// shaped is a worker whose table is to be as c says.
func (a *account) shaped(name string, c table.Config, latest ...string) *worker {
	return a.workerWith(name, "orders-app", func(o *Options) { o.Columns, o.LatestKey = c, latest })
}

func pin(key, typ string) table.Spec { return table.Spec{Key: key, Type: table.ParseType(typ)} }

func TestPinsMakeTheTable(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		must := pin("N", "NUMBER(10,0)")
		must.NotNull, must.Comment = true, "it's the number"
		renamed := pin("name", "VARCHAR(3)")
		renamed.Name = "Title"
		c := table.Config{Pins: []table.Spec{must, renamed, {Key: "x", Name: "LATER"}}, Hints: []table.Spec{pin("NAME", "DATE"), pin("hinted", "DATE")}}
		w := a.shaped("w", c)
		w.take("a")
		w.send(rec("a", 1, `"other":true,"NAME":"abc","hinted":"2026-01-31"`), rec("a", 2, `"Name":"abcd"`))
		want := `"KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "N" NUMBER(10,0), "Title" VARCHAR(3), "HINTED" DATE, "OTHER" BOOLEAN`
		if got := a.definition(); got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		w.send(rec("a", 3, `"X":1`))
		if got := a.definition(); got != want+`, "LATER" NUMBER(38,0)` {
			t.Fatalf("columns %s", got)
		}
		if !slices.ContainsFunc(w.link.said, func(s string) bool {
			return strings.Contains(s, `"N" NUMBER(10,0) NOT NULL COMMENT 'it''s the number', "Title" VARCHAR(3), `)
		}) {
			t.Errorf("statements %q", w.link.said)
		}
		a.has(recs("a", 1, 3))
		a.holds("a", 1, "Title", "abc")
		if !a.holds("a", 2, "Title", "abcd") {
			t.Error("a pinned column was widened")
		}
		a.holds("a", 3, "LATER", "1")
	})
}

// A row without a value for a column that is pinned NOT NULL is failed, and the rest of its batch loads.
func TestRowThatLacksAPinnedValueIsFailed(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		must := pin("must", "NUMBER(3,0)")
		must.NotNull = true
		c := table.Config{Pins: []table.Spec{must}}
		w := a.shaped("w", c)
		w.take("a", "b")
		w.send(rec("a", 1, `"must":1`), rec("a", 2), rec("a", 3, `"must":null`), rec("a", 4, `"must":1000`), rec("b", 1))
		a.has(recs("a", 1, 1))
		want := []string{"a/2", "a/3", "a/4", "b/1"}
		if slices.Sort(w.refused); !slices.Equal(w.refused, want) {
			t.Fatalf("failed %v, want %v", w.refused, want)
		}
		for _, r := range w.reasons {
			if r != `validate: no value that fits column "MUST" NUMBER(3,0), which must have one` {
				t.Errorf("reason %q", r)
			}
		}
		w.refused = nil
		w.send(rec("a", 5), rec("a", 6)) // encoded as they come, and all of a batch
		w.send(rec("a", 7, `"must":7`))
		a.has(recs("a", 1, 1), []record{rec("a", 7)})
		if !slices.Equal(w.refused, []string{"a/5", "a/6"}) {
			t.Errorf("failed %v", w.refused)
		}
		// The pin holds where the table does not mind, too.
		a.admin(`ALTER TABLE ` + target + ` ALTER COLUMN "MUST" DROP NOT NULL`)
		w.refused = nil
		w.send(rec("a", 8), rec("a", 9, `"must":9`))
		if !slices.Equal(w.refused, []string{"a/8"}) {
			t.Errorf("failed %v", w.refused)
		}
	})
}

func TestFrozenTable(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{Freeze: true})
		w.take("a")
		b, parts := w.batch(rec("a", 1, `"NAME":"abcd","new":1`), rec("a", 2))
		defer b.Discard()
		if _, err := w.Load(t.Context(), b, parts); !errors.Is(err, errNoColumns) || !NeedsOperator(err) {
			t.Fatalf("load: %v, want an operator to make the table", err)
		}
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(1,0) NOT NULL, "NAME" VARCHAR(3), "HAD" VARCHAR NOT NULL DEFAULT 'd')`)
		w.finish(b, parts)
		w.send(rec("a", 22, `"later":{"x":1}`), rec("a", 3, `"NAME":"abc"`))
		if got, want := a.columns(), "N NUMBER(1,0), NAME VARCHAR(3), HAD VARCHAR(16777216), KINESISMETADATA OBJECT, _RESCUED VARIANT"; got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		if !a.holds("a", 1, "NAME", "abcd") || !a.holds("a", 1, "new", "1") {
			t.Error("a frozen table took a value that it has no place for")
		}
		if !slices.Equal(w.refused, []string{"a/22"}) { // 22 does not fit N, which is NOT NULL
			t.Errorf("failed %v", w.refused)
		}
		a.has(recs("a", 1, 3))
	})
}

func TestFrozenTableIsMadeOfItsPins(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{Freeze: true, Pins: []table.Spec{pin("name", "VARCHAR(3)")}})
		w.take("a")
		w.send(rec("a", 1, `"NAME":"abc"`))
		w.send(rec("a", 2, `"NAME":"abcd"`))
		if got, want := a.columns(), "KINESISMETADATA OBJECT, _RESCUED VARIANT, NAME VARCHAR(3)"; got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		if !a.holds("a", 2, "NAME", "abcd") || !a.holds("a", 1, "N", "1") {
			t.Error("not rescued")
		}
	})
}

func TestColumnsAreWidenedForValues(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(2,0), "NAME" VARCHAR(3), "AMOUNT" NUMBER(5,2), "FIXED" VARCHAR(3))`)
		w := a.shaped("w", table.Config{Pins: []table.Spec{pin("fixed", "VARCHAR(4)")}})
		w.take("a")
		w.send(rec("a", 1, `"NAME":"abc","AMOUNT":1.25,"FIXED":"abcd"`))
		if got, want := a.columns(), "N NUMBER(2,0), NAME VARCHAR(3), AMOUNT NUMBER(5,2), FIXED VARCHAR(4), KINESISMETADATA OBJECT, _RESCUED VARIANT"; got != want {
			t.Fatalf("columns %s, want %s", got, want) // only the pin asks for more
		}
		w.send(rec("a", 2, `"NAME":"äöüß🙂","AMOUNT":1234.5,"FIXED":"abcde"`), rec("a", 333, `"AMOUNT":0.125`))
		if got, want := a.columns(), "N NUMBER(38,0), NAME VARCHAR(8), AMOUNT NUMBER(38,2), FIXED VARCHAR(4), KINESISMETADATA OBJECT, _RESCUED VARIANT"; got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		for key, want := range map[string]string{"NAME": "äöüß🙂", "AMOUNT": "1234.50"} {
			if a.holds("a", 2, key, want) {
				t.Errorf("%s is rescued", key)
			}
		}
		if !a.holds("a", 2, "FIXED", "abcde") || !a.holds("a", 333, "AMOUNT", "0.125") || a.holds("a", 333, "N", "333") {
			t.Error("a value is not where it belongs")
		}
		before := w.link.statements("ALTER")
		w.send(rec("a", 334, `"NAME":"12345678"`))
		if w.link.statements("ALTER") != before {
			t.Error("widened for a value that fits")
		}
	})
}

// Where the role may not alter the table, values go to _RESCUED as before, and Snowflake is asked once.
func TestColumnThatCannotBeWidened(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "N" NUMBER(38,0), "NAME" VARCHAR(3))`)
		a.Deny("OWNERSHIP", orders.String())
		w := a.shaped("w", table.Config{})
		w.take("a")
		for n := range 3 {
			w.send(rec("a", n+1, `"NAME":"abcd"`))
			if !a.holds("a", n+1, "NAME", "abcd") {
				t.Errorf("row %d is not rescued", n+1)
			}
		}
		if got := w.link.statements("ALTER"); got != 1 {
			t.Errorf("%d ALTER statements, want 1", got)
		}
		a.has(recs("a", 1, 3))
	})
}

// Two workers widen the same columns at each moment of each other: the wider wins, and no value is cut or lost.
func TestWorkersRaceToWiden(t *testing.T) {
	for _, at := range []string{"DESC", "ALTER", "PUT", "BEGIN", "COPY"} {
		for _, widths := range [][2]string{{`"abcde"`, `"123456789012345678901234567890"`}, {`"123456789012345678901234567890"`, `"abcde"`}} {
			t.Run(at, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(3,0), "NAME" VARCHAR(3), "OLD" NUMBER(3,1))`)
					one, two := a.shaped("one", table.Config{}), a.shaped("two", table.Config{})
					one.take("a")
					two.take("b")
					one.send(rec("a", 1, `"NAME":"x","OLD":1`))
					two.send(rec("b", 1, `"NAME":"x","OLD":1`))
					one.link.hook(at, 1, func() fate {
						two.send(rec("b", 2, `"NAME":`+widths[1]+`,"OLD":99999.5,"ADDED":1`))
						return arrives
					})
					one.send(rec("a", 2, `"NAME":`+widths[0]+`,"OLD":123.4,"ADDED":"text"`))
					a.has(recs("a", 1, 2), recs("b", 1, 2))
					if !strings.Contains(a.columns(), "NAME VARCHAR(32)") || !strings.Contains(a.columns(), "OLD NUMBER(38,1)") {
						t.Errorf("columns %s", a.columns())
					}
					for _, shard := range []string{"a", "b"} {
						v := widths[0]
						if shard == "b" {
							v = widths[1]
						}
						if a.holds(shard, 2, "NAME", strings.Trim(v, `"`)) {
							t.Errorf("%s: the name is rescued", shard)
						}
					}
				})
			})
		}
	}
}

func TestWholeRecordsInOneColumn(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{Variant: true})
		w.take("a")
		w.send(rec("a", 1, `"name":"x","o":{"deep":[1,null]},"null":null,"big":1e400`), rec("a", 2, `"name":"a\u0000b","N":3`))
		w.send(rec("a", 4, `"later":true,"Later":false`))
		if got, want := a.columns(), "KINESISMETADATA OBJECT, _RESCUED VARIANT, RECORD VARIANT"; got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		for n, want := range map[int]string{
			1: `{"N":1,"big":"1e400","name":"x","null":null,"o":{"deep":[1,null]}}`,
			2: `{"N":3}`,
			4: `{"Later":false,"N":4,"later":true}`,
		} {
			if got := a.row("a", n)["RECORD"]; got != want {
				t.Errorf("record %d is %s, want %s", n, got, want)
			}
		}
		if got, want := a.row("a", 2)["_RESCUED"], `{"N":2,"name":"\"a\\u0000b\""}`; got != want {
			t.Errorf("rescued %s, want %s", got, want)
		}
		if got := w.link.statements("ALTER"); got != 0 {
			t.Errorf("%d ALTER statements, want none", got)
		}
	})
}

func TestTimestampsAreDetected(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{Timestamps: true})
		w.take("a")
		w.send(rec("a", 1, `"AT":"2026-04-13T10:00:00Z","DAY":"2026-04-13","MIXED":"2026-04-13T10:00:00Z"`),
			rec("a", 2, `"AT":"2026-04-13T10:00:00.5+05:30","MIXED":"x"`))
		w.send(rec("a", 3, `"AT":"yesterday"`))
		want := "KINESISMETADATA OBJECT, _RESCUED VARIANT, N NUMBER(38,0), AT TIMESTAMP_TZ(9), DAY VARCHAR(16777216), MIXED VARCHAR(16777216)"
		if got := a.columns(); got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		if !a.holds("a", 3, "AT", "yesterday") {
			t.Error("not rescued")
		}
		if a.row("a", 2)["AT"] == "" {
			t.Error("the second instant is missing")
		}
	})
}

// A table that Openflow's first generation made and filled is taken over where it stands: its types rule, its rows and
// its queries stay good, and new rows answer them too.
func TestTableOfOpenflowIsTakenOver(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` (kinesisMetadata OBJECT, "N" NUMBER(38,0), "NAME" VARCHAR, "PRICE" FLOAT, "O" VARIANT, "AT" TIMESTAMP_NTZ)`)
		a.admin(`INSERT INTO ` + target + ` SELECT OBJECT_CONSTRUCT('stream', 'orders', 'shardId', 'a', 'approximateArrival', '2025-11-05T09:12:15.300', 'partitionKey', 'p',
			'sequenceNumber', '1', 'subSequenceNumber', 0, 'shardedSequenceNumber', '100000000000000000000'), 1, 'theirs', 1.5, NULL, NULL`)
		w := a.worker("w")
		w.take("a")
		w.send(rec("a", 2, `"NAME":"ours","PRICE":2,"O":[1],"AT":"2026-04-13T10:00:00","NEW":true`))
		want := "KINESISMETADATA OBJECT, N NUMBER(38,0), NAME VARCHAR(16777216), PRICE FLOAT, O VARIANT, AT TIMESTAMP_NTZ(9), _RESCUED VARIANT, NEW BOOLEAN"
		if got := a.columns(); got != want {
			t.Fatalf("columns %s, want %s", got, want)
		}
		got := a.query(`SELECT NAME, kinesisMetadata:sequenceNumber::VARCHAR, kinesisMetadata:shardedSequenceNumber::VARCHAR FROM ` + target +
			` WHERE kinesisMetadata:shardId = 'a' AND kinesisMetadata:approximateArrival::TIMESTAMP_NTZ > '1960-01-01' ORDER BY kinesisMetadata:shardedSequenceNumber::VARCHAR`)
		if want := []string{"theirs 1 100000000000000000000", "ours 2 200000000000000000000"}; !slices.Equal(got, want) {
			t.Errorf("rows %q, want %q", got, want)
		}
	})
}

// A user's table has no metadata column, and is given one.
func TestTableWithoutMetadataIsGivenIt(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(38,0), "_RESCUED" VARIANT NOT NULL)`)
		for _, frozen := range []bool{true, false} {
			w := a.shaped(map[bool]string{true: "one", false: "two"}[frozen], table.Config{Freeze: frozen})
			w.take("a")
			b, parts := w.batch(rec("a", 1))
			_, err := w.Load(t.Context(), b, parts)
			b.Discard()
			if frozen != errors.Is(err, errNotNull) || !frozen && err != nil {
				t.Fatalf("load: %v", err)
			}
		}
		a.has(recs("a", 1, 1))
		if got, want := a.columns(), "N NUMBER(38,0), _RESCUED VARIANT, KINESISMETADATA OBJECT"; got != want {
			t.Errorf("columns %s, want %s", got, want)
		}
	})
}
