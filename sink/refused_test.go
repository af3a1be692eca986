package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
)

// refuse has Snowflake refuse every COPY whose staged rows hold the marker, though each value fits its column.
func (a *account) refuse(marker string) {
	a.refuseBy(marker, &service.Error{Code: "100071", State: "22000", Message: "Failed to cast variant value to " + marker})
}

func (a *account) refuseBy(marker string, failure *service.Error) {
	a.SetHooks(service.Hooks{Before: func(e service.Event) *service.Fault {
		if e.Class != "COPY" {
			return nil
		}
		// What a COPY would read is asked of a copy of the table, by the same statement.
		probe := strings.Replace(e.SQL, target, `"RAW"."KINESIS"."PROBE"`, 1)
		ctx := context.Background()
		for _, s := range []string{`DROP TABLE IF EXISTS "RAW"."KINESIS"."PROBE"`, `CREATE TABLE "RAW"."KINESIS"."PROBE" (` + a.definition() + `)`, probe} {
			if _, err := a.Exec(ctx, s); err != nil {
				panic(fmt.Sprint(s, err))
			}
		}
		res, err := a.Exec(ctx, `SELECT "N" FROM "RAW"."KINESIS"."PROBE" WHERE "MARK" = '`+marker+`'`)
		if err != nil {
			panic(err)
		}
		if len(res.Rows) == 0 {
			return nil
		}
		return &service.Fault{Err: failure}
	}})
}

func TestRowsThatSnowflakeRefusesAreFoundAndTheRestIsLoadedOnce(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		a.refuse("bad")
		var all []record
		var want [2][]record
		for n := 1; n <= 40; n++ {
			for i, shard := range []string{"a", "b"} {
				r := rec(shard, n, `"MARK":"good"`)
				if shard == "a" && (n == 7 || n == 8 || n == 40) || shard == "b" && n == 1 {
					r = rec(shard, n, `"MARK":"bad"`)
				} else {
					want[i] = append(want[i], r)
				}
				all = append(all, r)
			}
		}
		w.send(all...)
		a.has(want[0], want[1])
		if diff := cmp.Diff([]string{"a/7", "a/8", "a/40", "b/1"}, w.refused); diff != "" {
			t.Fatalf("refused (-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(w.reasons[0], string(row.StageLoad)+": ") || !strings.Contains(w.reasons[0], "100071") {
			t.Errorf("reason %q", w.reasons[0])
		}
		a.hasOffsets("* 0", "a 1 40", "b 1 40")
		w.send(rec("a", 41, `"MARK":"good"`))
		if len(w.refused) != 4 {
			t.Errorf("refused twice: %v", w.refused)
		}
	})
}

func TestBatchWhoseEveryRowIsRefusedMovesOn(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		a.refuse("bad")
		w.send(rec("a", 1, `"MARK":"bad"`), rec("a", 2, `"MARK":"bad"`))
		a.has()
		if len(w.refused) != 2 {
			t.Fatalf("refused %v, want both", w.refused)
		}
		w.send(rec("a", 3, `"MARK":"good"`))
		a.has(recs("a", 3, 3))
	})
}

func TestTooManyRefusedRowsAreAnError(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		a.refuse("bad")
		var all []record
		for n := 1; n <= maxRefused+20; n++ {
			all = append(all, rec("a", n, `"MARK":"bad"`))
		}
		b, parts := w.batch(append(all, rec("a", 500, `"MARK":"good"`))...)
		defer b.Discard()
		_, err := w.Load(t.Context(), b, parts)
		if !errors.Is(err, errTooManyRefused) || !NeedsOperator(err) {
			t.Fatalf("load: %v, want %v", err, errTooManyRefused)
		}
		trials := w.link.statements("COPY")
		for range 9 {
			if _, err := w.Load(t.Context(), b, parts); !errors.Is(err, errTooManyRefused) {
				t.Fatalf("loaded again: %v, want %v", err, errTooManyRefused)
			}
		}
		if n := w.link.statements("COPY") - trials; n != 9 {
			t.Errorf("%d COPYs for 9 attempts: the rows were looked for again", n)
		}
		if _, err := w.Load(t.Context(), b, parts); !errors.Is(err, errTooManyRefused) || w.link.statements("COPY") == trials+10 {
			t.Errorf("the rows were not looked for again at last: %v", err)
		}
		a.has()
		if len(w.refused) > 0 {
			t.Errorf("%d rows were given up though nothing was loaded", len(w.refused))
		}
	})
}

func TestTooManyRefusedRowsThatAreMendedAreAllLoaded(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		a.refuse("bad")
		var all []record
		for n := 1; n <= maxRefused+20; n++ {
			all = append(all, rec("a", n, `"MARK":"bad"`))
		}
		b, parts := w.batch(all...)
		defer b.Discard()
		if _, err := w.Load(t.Context(), b, parts); err == nil {
			t.Fatal("loaded")
		}
		a.SetHooks(service.Hooks{})
		w.finish(b, parts)
		a.has(all)
		if len(w.refused) > 0 {
			t.Errorf("%d rows were given up though nothing stands against them any more", len(w.refused))
		}
	})
}

// A row meets an error that is listed nowhere, or one of Snowflake's insides.
func TestRowThatMeetsAnErrorNobodyKnowsStopsNothing(t *testing.T) {
	for name, failure := range map[string]*service.Error{
		"of data":            {Code: "100999", State: "22000", Message: "something about a value"},
		"internal":           {Code: "000603", State: "XX000", Message: "SQL execution internal error: Processing aborted by error 300010:391167117"},
		"of no known number": {Code: "300777", State: "XX000", Message: "something"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				w := a.worker("w")
				w.take("a")
				a.refuseBy("bad", failure)
				b, parts := w.batch(rec("a", 1, `"MARK":"good"`), rec("a", 2, `"MARK":"bad"`), rec("a", 3, `"MARK":"good"`), rec("a", 4, `"MARK":"good"`))
				defer b.Discard()
				w.loadWithin(t, 4, b, parts)
				a.has(recs("a", 1, 1), recs("a", 3, 4))
				if diff := cmp.Diff([]string{"a/2"}, w.refused); diff != "" {
					t.Fatalf("refused (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The only row of a batch, in a table that takes no row of nothing, meets an error that nobody knows.
func TestOnlyRowThatMeetsAnErrorNobodyKnowsStopsNothing(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		a.admin(`CREATE TABLE ` + target + ` ("N" NUMBER(38,0), "MARK" VARCHAR NOT NULL)`)
		w := a.worker("w")
		w.take("a")
		a.refuseBy("bad", &service.Error{Code: "000603", State: "XX000", Message: "SQL execution internal error"})
		b, parts := w.batch(rec("a", 1, `"MARK":"bad"`))
		defer b.Discard()
		w.loadWithin(t, 4, b, parts)
		a.has()
		if diff := cmp.Diff([]string{"a/1"}, w.refused); diff != "" {
			t.Fatalf("refused (-want +got):\n%s", diff)
		}
	})
}

// Snowflake fails every COPY for a while, with an error that may be a row's: no row is given up for it, whenever it ends, and
// be it the only one of its batch.
func TestErrorThatPassesCostsNoRow(t *testing.T) {
	for name, failure := range map[string]*service.Error{
		"internal": {Code: "000603", State: "XX000", Message: "SQL execution internal error"},
		"of data":  {Code: "100999", State: "22000", Message: "something about a value"},
	} {
		for first, rows := range []int{1, 5, 12} {
			t.Run(fmt.Sprintf("%s, %d rows", name, rows), func(t *testing.T) {
				for last := 3 + first; last < 30; last += 3 {
					errorPasses(t, failure, rows, last)
				}
			})
		}
	}
}

func errorPasses(t *testing.T, failure *service.Error, rows, last int) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		n := 0
		a.SetHooks(service.Hooks{Before: func(e service.Event) *service.Fault {
			if e.Class != "COPY" {
				return nil
			}
			if n++; n > last {
				return nil
			}
			return &service.Fault{Err: failure}
		}})
		b, parts := w.batch(recs("a", 1, rows)...)
		defer b.Discard()
		w.loadWithin(t, 60, b, parts)
		a.has(recs("a", 1, rows))
		if len(w.refused) > 0 {
			t.Fatalf("refused %v when %d COPYs failed", w.refused, last)
		}
	})
}

// loadWithin loads a batch in at most that many attempts, and fails the test if that does not do.
func (w *worker) loadWithin(t *testing.T, tries int, b *Batch, parts []row.Part) {
	t.Helper()
	for try := 1; ; try++ {
		out, err := w.Load(t.Context(), b, parts)
		if err == nil && out.Committed {
			return
		}
		if try == tries {
			t.Fatalf("try %d: %+v, %v", try, out, err)
		}
	}
}
