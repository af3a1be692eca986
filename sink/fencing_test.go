package sink

import (
	"context"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
)

func TestZombieIsFencedAndItsOtherShardsGoOn(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		zombie, heir := a.worker("zombie"), a.worker("heir")
		zombie.take("a", "b")
		zombie.send(rec("a", 1), rec("b", 1))
		heir.take("a")
		heir.send(recs("a", 2, 4)...)
		zombie.send(rec("a", 2), rec("a", 3), rec("b", 2))
		zombie.send(rec("b", 3))
		a.has(recs("a", 1, 4), recs("b", 1, 3))
		a.hasOffsets("* 0", "a 2 4", "b 1 3")
		if !slices.Equal(zombie.dropping, []string{"a"}) {
			t.Fatalf("fenced %v, want a", zombie.dropping)
		}
	})
}

// The heir takes the shard and loads at each statement of the zombie's batch.
func TestHeirTakesTheShardAtEachStatementOfABatch(t *testing.T) {
	for _, at := range []string{"PUT", "UPLOAD", "BEGIN", "COPY", "UPDATE", "COMMIT"} {
		t.Run(at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				zombie, heir := a.worker("zombie"), a.worker("heir")
				zombie.take("a", "b")
				zombie.send(rec("a", 1), rec("b", 1))
				done := make(chan struct{})
				zombie.link.hook(at, 1, func() fate {
					if at == "COMMIT" { // the zombie has the lock: the heir waits for it
						go func() { defer close(done); heir.resume(4, "a") }()
						return arrives
					}
					heir.resume(4, "a")
					close(done)
					return arrives
				})
				zombie.send(rec("a", 2), rec("a", 3), rec("b", 2))
				<-done
				a.has(recs("a", 1, 4), recs("b", 1, 2))
			})
		})
	}
}

func TestLoadFileOfTheRestHasNoneOfTheFencedRows(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w, heir := a.worker("w"), a.worker("heir")
		w.take("a", "b")
		heir.take("a")
		b, parts := w.batch(rec("a", 1, `"FENCED":"fenced"`), rec("b", 1), rec("a", 2, `"FENCED":"fenced"`), rec("b", 2))
		defer b.Discard()
		out, err := w.Load(t.Context(), b, parts)
		if err != nil || out.Committed || len(out.Fenced) != 1 || out.Fenced["a"] != (row.Claim{Epoch: 2}) {
			t.Fatalf("outcome %+v, %v; want shard a fenced by epoch 2", out, err)
		}
		a.has()
		var staged *service.ResultSet
		w.link.hook("COPY", 1, func() fate {
			if staged, err = a.Exec(context.Background(), `LIST '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/ORDERS/w/`+b.id+`-2/'`); err != nil {
				t.Error(err)
			}
			return arrives
		})
		w.finish(b, parts[1:])
		a.has(recs("b", 1, 2))
		if len(staged.Rows) != 1 || !strings.Contains(staged.Rows[0][0].Text, "-1.json.zst") {
			t.Fatalf("the second attempt staged %v, want the lane of shard b alone", staged.Rows)
		}
	})
}

func TestFencedRowsOfASharedLaneAreEncodedOut(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w, heir := a.worker("w"), a.worker("heir")
		w.take("a", "b", "c") // a and c share a lane
		heir.take("c")
		w.send(rec("a", 1), rec("b", 1), rec("c", 1), rec("a", 2), rec("c", 2))
		a.has(recs("a", 1, 2), recs("b", 1, 1))
		heir.send(recs("c", 1, 2)...)
		a.has(recs("a", 1, 2), recs("b", 1, 1), recs("c", 1, 2))
	})
}

// The offset moved, though nobody took the shard: an earlier batch of ours that was believed lost.
func TestPositionThatMovedUnderOurEpochIsFenced(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b")
		a.admin(`UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "SEQUENCE" = '2' WHERE "SHARD" = 'a'`)
		b, parts := w.batch(rec("a", 3), rec("b", 1))
		defer b.Discard()
		out, err := w.Load(t.Context(), b, parts)
		if want := (row.Claim{Epoch: 1, At: row.Position{Sequence: "2"}}); err != nil || out.Committed || len(out.Fenced) != 1 || out.Fenced["a"] != want {
			t.Fatalf("outcome %+v, %v; want shard a fenced at %+v", out, err, want)
		}
		a.has()
		a.admin(`UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "SUBSEQUENCE" = 5 WHERE "SHARD" = 'b'`)
		if out, err = w.Load(t.Context(), b, parts[1:]); err != nil || out.Fenced["b"].At != (row.Position{Subsequence: 5}) {
			t.Fatalf("outcome %+v, %v; want shard b fenced at subsequence 5", out, err)
		}
		a.has()
	})
}
