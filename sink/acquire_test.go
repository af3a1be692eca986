package sink

import (
	"errors"
	"strings"
	"testing"

	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/snowflake"
)

// Workers race to the table that is not there yet.
func TestFirstAcquireIsRacedByThreeWorkers(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := []*worker{a.worker("w0"), a.worker("w1"), a.worker("w2")}
		errs := make(chan error)
		for _, k := range w {
			go func() { errs <- k.tryTake(t.Context(), false, "a", "b") }()
		}
		for range w {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		a.hasOffsets("* 0", "a 3", "b 3")
		latest := 0
		for i, k := range w {
			if k.claims["a"].Epoch != k.claims["b"].Epoch {
				t.Fatalf("epochs of w%d differ: %v", i, k.claims)
			}
			if k.claims["a"].Epoch == 3 {
				latest = i
			}
		}
		for _, k := range w {
			go func() { k.send(rec("a", 1), rec("b", 1)); errs <- nil }()
		}
		for range w {
			<-errs
		}
		a.has(recs("a", 1, 1), recs("b", 1, 1))
		for i, k := range w {
			if fenced := len(k.dropping) > 0; fenced != (i != latest) {
				t.Errorf("w%d fenced: %v; the latest acquirer is w%d", i, fenced, latest)
			}
		}
	})
}

// The first worker sees no table, and creates it when the second has already: at each statement of the first.
func TestFirstAcquireIsOvertakenAtEachStatement(t *testing.T) {
	for _, at := range []string{"CREATE TABLE", "SHOW LOCKS", "BEGIN", "UPDATE", "INSERT", "SELECT", "COMMIT"} {
		t.Run(at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				first, second := a.worker("first"), a.worker("second")
				done := make(chan struct{})
				first.link.hook(at, 1, func() fate {
					go func() { defer close(done); second.take("a") }()
					if at == "CREATE TABLE" || at == "SHOW LOCKS" || at == "BEGIN" {
						<-done
					}
					return arrives
				})
				first.take("a")
				<-done
				a.hasOffsets("* 0", "a 2")
				if first.claims["a"].Epoch+second.claims["a"].Epoch != 3 {
					t.Fatalf("claims %v and %v, want epochs 1 and 2", first.claims, second.claims)
				}
			})
		})
	}
}

func TestDroppedOffsetsStopTheWorker(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		w.send(rec("a", 1))
		a.admin(`DROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		heir := a.worker("heir")
		wantMissing(t, heir.tryTake(t.Context(), true, "a"))
		if _, ok, _ := a.Table(service.TableName{Database: "RAW", Schema: "KINESIS", Table: "ORDERS$OFFSETS"}); ok {
			t.Fatal("an empty offsets table stands in the dropped one's place")
		}
		b, parts := w.batch(rec("a", 2))
		defer b.Discard()
		if out, err := w.Load(t.Context(), b, parts); err == nil || out.Committed {
			t.Fatalf("the running worker's batch: %+v, %v; want an error", out, err)
		}
		a.admin(`UNDROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		if err := heir.tryTake(t.Context(), true, "a"); err != nil {
			t.Fatal(err)
		}
		heir.send(rec("a", 2))
		a.has(recs("a", 1, 2))
	})
}

func TestOffsetsRowThatIsGoneStopsTheWorker(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		w.send(rec("a", 1), rec("b", 1))
		a.admin(`DELETE FROM "RAW"."KINESIS"."ORDERS$OFFSETS" WHERE SHARD = 'a'`)
		wantMissing(t, a.worker("heir").tryTake(t.Context(), true, "a", "b"))
		a.hasOffsets("* 0", "b 1 1")
	})
}

func wantMissing(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, snowflake.ErrOffsetsMissing) || !IsFinal(err) {
		t.Fatalf("acquire: %v, want %v", err, snowflake.ErrOffsetsMissing)
	}
	for _, word := range []string{`UNDROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`, "leases reset --to TRIM_HORIZON"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not name %s", err, word)
		}
	}
}

func TestRowOfAnotherApplicationIsRefused(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		w.send(rec("a", 1))
		err := a.workerOf("stranger", "another-app").tryTake(t.Context(), false, "b")
		if !errors.Is(err, snowflake.ErrApplication) || !IsFinal(err) {
			t.Fatalf("acquire: %v, want %v", err, snowflake.ErrApplication)
		}
		for _, word := range []string{`"orders-app"`, `"another-app"`, "sink.table", `"ORDERS$OFFSETS"`} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error %q does not name %s", err, word)
			}
		}
		a.hasOffsets("* 0", "a 1 1")
		w.send(rec("a", 2))
		a.has(recs("a", 1, 2))
	})
}
