package sink

import (
	"slices"
	"strings"
	"testing"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/table"
)

const view = `"RAW"."KINESIS"."ORDERS$LATEST"`

// newest lists the rows of the view as "shard/number", sorted.
func (a *account) newest() []string {
	a.t.Helper()
	rows := a.query(`SELECT "KINESISMETADATA":shardId::VARCHAR || '/' || "KINESISMETADATA":sequenceNumber::VARCHAR FROM ` + view)
	slices.Sort(rows)
	return rows
}

func (a *account) wantNewest(want ...string) {
	a.t.Helper()
	if got := a.newest(); !slices.Equal(got, want) {
		a.t.Errorf("newest rows %v, want %v", got, want)
	}
}

func TestViewOfTheNewestRows(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{}, "event_id", "part")
		w.take("a", "b")
		w.send(rec("a", 1, `"Event_ID":"e1"`))
		if got := a.query(`SHOW VIEWS LIKE 'ORDERS%' IN SCHEMA "RAW"."KINESIS"`); len(got) != 0 {
			t.Fatalf("a view before its keys have columns: %q", got)
		}
		w.send(rec("a", 2, `"EVENT_ID":"e1","PART":1`), rec("a", 9, `"EVENT_ID":"e1","PART":1`), rec("a", 10, `"EVENT_ID":"e1","PART":1`),
			rec("b", 3, `"EVENT_ID":"e1","PART":2`), rec("b", 4, `"PART":2`), rec("b", 5, `"PART":2`))
		// 10 is newer than 9, though not as text. Rows that lack a part of the key are all there.
		a.wantNewest("a/1", "a/10", "b/3", "b/4", "b/5")
		shows, ddl := w.link.statements("SHOW VIEWS"), w.link.statements("CREATE OR REPLACE VIEW")
		w.send(rec("a", 11, `"EVENT_ID":"e1","PART":1`))
		a.wantNewest("a/1", "a/11", "b/3", "b/4", "b/5")
		if w.link.statements("SHOW VIEWS") != shows || w.link.statements("CREATE OR REPLACE VIEW") != ddl {
			t.Error("asked for the view again, though no column has changed")
		}
		w.send(rec("a", 12, `"EVENT_ID":"e1","PART":1,"ADDED":"x"`))
		if got, want := a.query(`SELECT "ADDED", "N" FROM `+view+` WHERE "ADDED" IS NOT NULL`), []string{"x 12"}; !slices.Equal(got, want) {
			t.Errorf("the added column shows %q, want %q", got, want)
		}
		// A process that starts finds the view as it is to be; one with another key makes it anew.
		again := a.shaped("again", table.Config{}, "event_id", "part")
		again.take("a")
		again.send(rec("a", 13, `"EVENT_ID":"e2","PART":1`))
		if got := again.link.statements("CREATE OR REPLACE VIEW"); got != 0 {
			t.Errorf("the view was made again %d times", got)
		}
		other := a.shaped("other", table.Config{}, "event_id")
		other.take("a")
		other.send(rec("a", 14, `"EVENT_ID":"e2","PART":2`))
		a.wantNewest("a/12", "a/14", "b/4", "b/5")
	})
}

// The view follows columns that are widened, too.
func TestViewFollowsWidenedColumns(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(3,0), "ID" VARCHAR(2))`)
		w := a.shaped("w", table.Config{}, "id")
		w.take("a")
		w.send(rec("a", 1, `"ID":"a"`))
		w.send(rec("a", 2, `"ID":"abc"`))
		a.wantNewest("a/1", "a/2")
	})
}

func TestViewOfWholeRecords(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{Variant: true}, "it's")
		w.take("a")
		w.send(rec("a", 1, `"it's":1`), rec("a", 2, `"it's":1`), rec("a", 3, `"IT'S":1`), rec("a", 4, `"it's":null`))
		a.wantNewest("a/2", "a/3", "a/4")
	})
}

// What the role may not do, or what stands in the way, stops no loading, and is done once it can be.
func TestViewThatCannotBeMade(t *testing.T) {
	for name, c := range map[string]struct{ hinder, mend func(a *account) }{
		"grant": {func(a *account) { a.Deny("CREATE VIEW", "RAW.KINESIS") }, func(a *account) { a.Allow("CREATE VIEW", "RAW.KINESIS") }},
		"another view": {func(a *account) { a.admin(`CREATE VIEW ` + view + ` COMMENT = 'mine' AS SELECT 1 AS A`) },
			func(a *account) { a.admin(`DROP VIEW ` + view) }},
		"a table": {func(a *account) { a.admin(`CREATE TABLE ` + view + ` (A NUMBER)`) }, func(a *account) { a.admin(`DROP TABLE ` + view) }},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				c.hinder(a)
				w := a.shaped("w", table.Config{}, "n")
				w.take("a")
				for n := range 3 {
					w.send(rec("a", n+1))
				}
				a.has(recs("a", 1, 3))
				if got := w.link.statements("SHOW VIEWS"); got != 1 {
					t.Errorf("looked for the view %d times", got)
				}
				if name == "another view" {
					if got := a.query(`SELECT * FROM ` + view); !slices.Equal(got, []string{"1"}) {
						t.Errorf("a view of somebody else's shows %q", got)
					}
				}
				c.mend(a)
				advance(latestPatience)
				w.send(rec("a", 4))
				a.wantNewest("a/1", "a/2", "a/3", "a/4")
			})
		})
	}
}

// Two workers add columns at each moment of each other: in the end the view has both.
func TestWorkersRaceToKeepTheView(t *testing.T) {
	for _, at := range []string{"DESC", "ALTER", "PUT", "BEGIN", "COPY", "SHOW VIEWS", "CREATE OR REPLACE VIEW"} {
		for _, n := range []int{1, 2} {
			t.Run(at, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					one, two := a.shaped("one", table.Config{}, "n"), a.shaped("two", table.Config{}, "n")
					one.take("a")
					two.take("b")
					one.send(rec("a", 1))
					two.send(rec("b", 1))
					one.link.hook(at, n, func() fate {
						two.send(rec("b", 2, `"SECOND":1`))
						return arrives
					})
					one.send(rec("a", 2, `"FIRST":1`))
					one.link.heal()
					d, ok, err := a.Table(service.TableName{Database: "RAW", Schema: "KINESIS", Table: "ORDERS"})
					if err != nil || !ok {
						t.Fatal(err)
					}
					described := a.query("DESC VIEW " + view)
					for i, c := range d.Columns {
						if i >= len(described) || !strings.HasPrefix(described[i], c.Name+" "+c.Type.String()+" ") {
							t.Fatalf("the view has %q, and the table %+v", described, d.Columns)
						}
					}
				})
			})
		}
	}
}

// Somebody else adds a column, and drops one: the view follows with the next batch, though no record has a value for it.
func TestViewFollowsColumnsOfOthers(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.shaped("w", table.Config{}, "n")
		w.take("a")
		w.send(rec("a", 1, `"GONE":1`))
		a.admin(`ALTER TABLE ` + target + ` ADD COLUMN "THEIRS" VARCHAR`)
		w.send(rec("a", 2))
		if got := strings.Join(a.query("DESC VIEW "+view), "\n"); !strings.Contains(got, "THEIRS ") {
			t.Errorf("the view has %s", got)
		}
		a.admin(`ALTER TABLE ` + target + ` DROP COLUMN "GONE"`)
		w.send(rec("a", 3))
		a.wantNewest("a/1", "a/2", "a/3")
	})
}
