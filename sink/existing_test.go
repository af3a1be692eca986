package sink

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

// Somebody drops a column and makes it again with a type that a COPY would round or cut values into without an error.
func TestColumnMadeAgainWithAnotherTypeRoundsNothing(t *testing.T) {
	for _, c := range []struct{ name, pin, first, then, second, want string }{
		{"fraction into an integer", "FLOAT", `1.5`, "NUMBER(38,0)", `2.5`, "2.5"},
		{"fraction into fewer digits", "NUMBER(10,2)", `1.25`, "NUMBER(10,1)", `2.25`, "2.25"},
		{"integer into a double", "NUMBER(38,0)", `1`, "FLOAT", `9007199254740993`, "9007199254740993"},
		{"text into a number", "VARCHAR", `"x"`, "NUMBER(38,0)", `"007"`, "007"},
		{"instant into a wall clock", "TIMESTAMP_TZ", `"2026-04-13T10:00:00Z"`, "TIMESTAMP_NTZ", `"2026-04-13T10:00:00+05:30"`, "2026-04-13T10:00:00+05:30"},
		{"time into a date", "TIMESTAMP_NTZ", `"2026-04-13T10:00:00Z"`, "DATE", `"2026-04-13T10:00:00Z"`, "2026-04-13T10:00:00Z"},
	} {
		for _, at := range []string{"", "PUT", "UPLOAD"} {
			t.Run(c.name+" at "+at, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(38,0), "X" ` + c.pin + `)`)
					w := a.worker("w")
					w.take("a")
					w.send(rec("a", 1, `"X":`+c.first))
					change := func() {
						a.admin(`ALTER TABLE ` + target + ` DROP COLUMN "X"`)
						a.admin(`ALTER TABLE ` + target + ` ADD COLUMN "X" ` + c.then)
					}
					if at == "" {
						change()
					} else {
						w.link.hook(at, 1, func() fate { change(); return arrives })
					}
					w.send(rec("a", 2, `"X":`+c.second))
					if !a.holds("a", 2, "X", c.want) {
						t.Errorf("the value is in the column: %v", a.row("a", 2))
					}
					a.has(recs("a", 1, 2))
				})
			})
		}
	}
}

// A record has no value for a column that must have one and that cannot be made to accept NULL.
func TestColumnThatCannotAcceptNull(t *testing.T) {
	for name, forbid := range map[string]func(*account){
		"no ownership": func(a *account) { a.Deny("OWNERSHIP", orders.String()) },
		"a primary key": func(a *account) {
			a.SetHooks(service.Hooks{Before: func(e service.Event) *service.Fault {
				if !strings.Contains(e.SQL, "DROP NOT NULL") {
					return nil
				}
				return &service.Fault{Err: &service.Error{Code: "002267", State: "42601", Message: "cannot drop NOT NULL of a primary key's column"}}
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				a.admin(`CREATE TABLE ` + target + ` ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "N" NUMBER(38,0), "ID" VARCHAR(4) NOT NULL)`)
				forbid(a)
				w := a.shaped("w", table.Config{})
				w.take("a", "b")
				w.send(rec("a", 1)) // the first record is one without
				w.send(rec("a", 2, `"ID":"x"`), rec("a", 3), rec("b", 1, `"ID":{}`), rec("b", 2, `"ID":"y"`))
				w.send(rec("a", 4, `"ID":"z"`), rec("a", 5, `"ID":null`))
				a.has(recs("a", 2, 2), recs("a", 4, 4), recs("b", 2, 2))
				if diff := cmp.Diff([]string{"a/1", "a/3", "b/1", "a/5"}, w.refused); diff != "" {
					t.Fatalf("refused (-want +got):\n%s", diff)
				}
				if n := w.link.statements("ALTER"); n != 1 {
					t.Errorf("%d ALTER statements, want one", n)
				}
				a.SetHooks(service.Hooks{})
				a.Allow("OWNERSHIP", orders.String())
				a.admin(`ALTER TABLE ` + target + ` ALTER COLUMN "ID" DROP NOT NULL`)
				w.send(rec("a", 6, `"ID":"w"`))
				w.send(rec("a", 7))
				a.has(recs("a", 2, 2), recs("a", 4, 4), recs("b", 2, 2), recs("a", 6, 7))
			})
		})
	}
}

// While the plan that a changed table needs cannot be made, the batch is not loaded by the one before.
func TestColumnsMadeAgainThatNoPlanCanBeMadeFor(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "N" NUMBER(38,0), "X" FLOAT)`)
		w := a.worker("w")
		w.take("a")
		w.send(rec("a", 1, `"X":1.5`))
		a.admin(`ALTER TABLE ` + target + ` DROP COLUMN "X", "_RESCUED"`)
		a.admin(`ALTER TABLE ` + target + ` ADD COLUMN "X" NUMBER(38,0), "_RESCUED" VARCHAR`)
		b, parts := w.batch(rec("a", 2, `"X":2.5`))
		defer b.Discard()
		for try := range 3 {
			if out, err := w.Load(t.Context(), b, parts); err == nil {
				t.Fatalf("try %d: %+v with %v; want an error", try, out, a.row("a", 2))
			}
		}
		a.admin(`ALTER TABLE ` + target + ` DROP COLUMN "_RESCUED"`)
		a.admin(`ALTER TABLE ` + target + ` ADD COLUMN "_RESCUED" VARIANT`)
		w.finish(b, parts)
		if !a.holds("a", 2, "X", "2.5") {
			t.Errorf("the value is in the column: %v", a.row("a", 2))
		}
	})
}

// A login that is refused for a while says nothing of whether a column may accept NULL.
func TestRefusedLoginFailsNoRowForItsColumn(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "N" NUMBER(38,0), "ID" VARCHAR(4) NOT NULL)`)
		w := a.shaped("w", table.Config{})
		w.take("a")
		w.send(rec("a", 1, `"ID":"x"`))
		w.client.Discard()
		a.AddUser("LOADER", "another", nil)
		b, parts := w.batch(rec("a", 2))
		defer b.Discard()
		if out, err := w.Load(t.Context(), b, parts); !NeedsOperator(err) {
			t.Fatalf("outcome %+v, %v; want the login's error", out, err)
		}
		if must := w.shape.config.Required; len(must) > 0 {
			t.Errorf("rows without a value for %v are failed from now on", must)
		}
		a.AddUser("LOADER", "secret", nil)
		w.finish(b, parts)
		a.has(recs("a", 1, 2))
		if len(w.refused) > 0 {
			t.Errorf("refused %v", w.refused)
		}
	})
}
