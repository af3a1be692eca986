package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/sink/table"
)

const target = `"RAW"."KINESIS"."ORDERS"`

// row finds the row of a record.
func (a *account) row(shard string, n int) map[string]string {
	a.t.Helper()
	for _, r := range a.rows() {
		if place(a, r) == fmt.Sprintf("%s/%d", shard, n) {
			return r
		}
	}
	a.t.Fatalf("no row %s/%d", shard, n)
	return nil
}

// holds checks that a value of a record is in its column, or in _RESCUED under its key.
func (a *account) holds(shard string, n int, key, want string) (rescued bool) {
	a.t.Helper()
	r := a.row(shard, n)
	if got, ok := r[key]; ok {
		if got != want {
			a.t.Errorf("%s/%d: %s is %s, want %s", shard, n, key, got, want)
		}
		return false
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(r["_RESCUED"]), &m); err != nil {
		a.t.Errorf("%s/%d: %s has no value, and _RESCUED is %q", shard, n, key, r["_RESCUED"])
		return false
	}
	if got := fmt.Sprint(m[key]); got != want {
		a.t.Errorf("%s/%d: %s is rescued as %s, want %s", shard, n, key, got, want)
	}
	return true
}

func (a *account) columns() string { return strings.ReplaceAll(a.definition(), `"`, "") }

// definition is the table's columns as CREATE TABLE takes them.
func (a *account) definition() string {
	d, ok, err := a.Table(orders)
	if err != nil || !ok {
		panic(fmt.Sprintf("no table: %v", err))
	}
	var names []string
	for _, c := range d.Columns {
		names = append(names, `"`+c.Name+`" `+c.Type.String())
	}
	return strings.Join(names, ", ")
}

func TestBatchWithoutRowsRunsNoStatement(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		b := w.NewBatch()
		defer b.Discard()
		out, err := w.Load(t.Context(), b, nil)
		if err != nil || !out.Committed || a.Stats().Warehouse != 0 {
			t.Fatalf("outcome %+v, %v, %d uses of the warehouse", out, err, a.Stats().Warehouse)
		}
		if len(w.link.said) > 0 {
			t.Fatalf("statements %q, want none", w.link.said)
		}
	})
}

func TestFirstBatchMakesTheTableAndLaterKeysAreAddedAtOnce(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		if a.Stats().Warehouse == 0 {
			t.Error("acquiring used no warehouse")
		}
		w.send(rec("a", 1, `"NAME":"x"`), rec("b", 1, `"PRICE":1.5`), rec("a", 2, `"NAME":null,"EMPTY":null`))
		first := "KINESISMETADATA OBJECT, _RESCUED VARIANT, N NUMBER(38,0), NAME VARCHAR(16777216), PRICE FLOAT"
		if got := a.columns(); got != first {
			t.Fatalf("columns %s, want %s", got, first)
		}
		w.send(rec("a", 3, `"O":{"x":[1]}`), rec("b", 2, `"OK":true,"EMPTY":"now"`))
		if got := w.link.statements("ALTER TABLE"); got != 1 {
			t.Errorf("%d ALTER statements for one batch, want one", got)
		}
		w.send(rec("a", 4, `"O":1`))
		w.send(rec("a", 5))
		if n, m, k := w.link.statements("CREATE TABLE"), w.link.statements("CREATE STAGE"), w.link.statements("DESC"); n != 2 || m != 1 || k != 3+4 {
			t.Errorf("%d CREATE TABLE, %d CREATE STAGE, %d DESC; want 2 (table and offsets), 1, and one a batch beside 3 about changes", n, m, k)
		}
		a.has(recs("a", 1, 5), recs("b", 1, 2))
		a.holds("a", 3, "O", `{"x":[1]}`)
		a.holds("b", 2, "OK", "true")
		a.holds("b", 1, "PRICE", "1.5")
		a.holds("b", 2, "EMPTY", "now")
	})
}

// Somebody changes the table at each moment between two batches and in the middle of the second.
func TestTableChangesUnderTheConnector(t *testing.T) {
	changes := map[string][]string{
		"dropped":          {`DROP TABLE ` + target},
		"column dropped":   {`ALTER TABLE ` + target + ` DROP COLUMN "NAME"`},
		"column retyped":   {`ALTER TABLE ` + target + ` DROP COLUMN "NAME"`, `ALTER TABLE ` + target + ` ADD COLUMN "NAME" NUMBER(38,0)`},
		"column narrowed":  {`ALTER TABLE ` + target + ` DROP COLUMN "N"`, `ALTER TABLE ` + target + ` ADD COLUMN "N" NUMBER(1,0)`},
		"column renamed":   {`ALTER TABLE ` + target + ` RENAME COLUMN "NAME" TO "TITLE"`},
		"rescue dropped":   {`ALTER TABLE ` + target + ` DROP COLUMN "_RESCUED"`},
		"metadata dropped": {`ALTER TABLE ` + target + ` DROP COLUMN "KINESISMETADATA"`},
		"made anew":        {`DROP TABLE ` + target, `CREATE TABLE ` + target + ` ("NAME" DATE, "OTHER" VARCHAR)`},
		"new column that wants a value": {`DROP TABLE ` + target,
			`CREATE TABLE ` + target + ` ("NAME" VARCHAR, "MUST" NUMBER(38,0) NOT NULL)`},
	}
	for name, statements := range changes {
		for _, at := range []string{"", "PUT", "UPLOAD", "BEGIN", "COPY"} {
			t.Run(name+" at "+at, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					w := a.worker("w")
					w.take("a", "b")
					w.send(rec("a", 1, `"NAME":"x"`), rec("b", 1, `"NAME":"y"`))
					b, parts := w.batch(rec("a", 22, `"NAME":"z","NEW":1`), rec("b", 2, `"NAME":"7"`))
					defer b.Discard()
					change := func() {
						for _, s := range statements {
							a.admin(s)
						}
					}
					if at == "" {
						change()
					} else {
						w.link.hook(at, 1, func() fate { change(); return arrives })
					}
					w.finish(b, parts)
					for _, r := range []record{rec("a", 22), rec("b", 2)} {
						a.holds(r.shard, r.n, "N", fmt.Sprint(r.n))
					}
					a.holds("a", 22, "NAME", "z")
					a.holds("b", 2, "NAME", "7")
					a.holds("a", 22, "NEW", "1")
					w.send(rec("a", 23, `"NAME":"later"`))
					a.holds("a", 23, "NAME", "later")
					if len(w.refused) > 0 {
						t.Errorf("rows %v were refused: %v", w.refused, w.reasons)
					}
					if got, want := len(a.rows()), 5; name != "dropped" && name != "made anew" && name != "new column that wants a value" && name != "metadata dropped" && got != want {
						t.Errorf("%d rows, want %d", got, want)
					}
				})
			})
		}
	}
}

// Two workers meet the same new key with values of different types, and add the column at each moment of each other.
func TestWorkersRaceToAddAColumn(t *testing.T) {
	for _, at := range []string{"DESC", "ALTER", "PUT", "BEGIN", "COPY"} {
		t.Run(at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				one, two := a.worker("one"), a.worker("two")
				one.take("a")
				two.take("b")
				one.send(rec("a", 1))
				two.send(rec("b", 1))
				one.link.hook(at, 1, func() fate {
					two.send(rec("b", 2, `"K":"text"`), rec("b", 3, `"K":"7"`))
					return arrives
				})
				one.send(rec("a", 2, `"K":7`), rec("a", 3, `"K":{"deep":1}`))
				a.has(recs("a", 1, 3), recs("b", 1, 3))
				a.holds("a", 2, "K", "7")
				a.holds("b", 2, "K", "text")
				a.holds("b", 3, "K", "7")
				if !strings.Contains(a.columns(), "K ") {
					t.Errorf("columns %s", a.columns())
				}
			})
		})
	}
}

func TestWorkersRaceToCreateTheTable(t *testing.T) {
	for _, at := range []string{"DESC", "CREATE TABLE", "PUT", "COPY"} {
		t.Run(at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				one, two := a.worker("one"), a.worker("two")
				one.take("a")
				two.take("b")
				one.link.hook(at, 1, func() fate {
					two.send(rec("b", 1, `"K":true,"ONLY":1`))
					return arrives
				})
				one.send(rec("a", 1, `"K":"text","MINE":"m"`))
				a.has(recs("a", 1, 1), recs("b", 1, 1))
				a.holds("a", 1, "K", "text")
				a.holds("a", 1, "MINE", "m")
				a.holds("b", 1, "K", "true")
				a.holds("b", 1, "ONLY", "1")
			})
		})
	}
}

func TestTableOfTheUserIsMadeFit(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(38,0) NOT NULL, "MUST" VARCHAR NOT NULL, "SOME" NUMBER(38,0) NOT NULL, "HAD" VARCHAR NOT NULL DEFAULT 'd')`)
		w := a.worker("w")
		w.take("a")
		w.send(rec("a", 1, `"SOME":1`), rec("a", 2))
		a.has(recs("a", 1, 2))
		d, _, err := a.Table(orders)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, c := range d.Columns {
			got[c.Name] = c.NotNull
		}
		want := map[string]bool{"N": true, "MUST": false, "SOME": false, "HAD": true, "_RESCUED": false, "KINESISMETADATA": false}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("NOT NULL (-want +got):\n%s", diff)
		}
		if got := a.row("a", 1)["HAD"]; got != "d" {
			t.Errorf("default is %q, want d", got)
		}
	})
}

func TestMetadataColumnOfAWrongTypeIsNamed(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("KINESISMETADATA" NUMBER(38,0), "X" DATE)`)
		w := a.worker("w")
		w.take("a")
		b, parts := w.batch(rec("a", 1))
		defer b.Discard()
		_, err := w.Load(t.Context(), b, parts)
		var wrong *table.ColumnTypeError
		if !errors.As(err, &wrong) || !NeedsOperator(err) || IsFinal(err) {
			t.Fatalf("load: %v, want an operator to mend the column", err)
		}
		for _, word := range []string{"KINESISMETADATA", "NUMBER(38,0)", "OBJECT"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error %q does not name %s", err, word)
			}
		}
		a.admin(`ALTER TABLE ` + target + ` DROP COLUMN "KINESISMETADATA"`)
		w.finish(b, parts) // mended while the connector tries again
		a.has(recs("a", 1, 1))
	})
}
