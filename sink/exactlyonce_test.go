package sink

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/snowflake"
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

// Every statement of a batch and of an acquire is lost in each way that a connection can break.
func TestConnectionBreaksAtEachStatement(t *testing.T) {
	fates := map[string]fate{"before": lost, "after": unanswered, "run late": delayed, "repeated before": hiccup, "repeated after": echo}
	for name, f := range fates {
		for _, at := range []string{"CREATE STAGE", "PUT", "UPLOAD", "DESC", "ALTER", "CREATE TABLE", "BEGIN", "COPY", "UPDATE", "COMMIT", "INSERT", "SELECT", "SHOW LOCKS", "REMOVE"} {
			if at == "UPLOAD" && f == delayed {
				continue // an object store keeps no upload whose client is gone
			}
			t.Run(at+" "+name, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					w := a.worker("w")
					for step, do := range []func() error{
						func() error { return w.tryTake(t.Context(), false, "a", "b") },
						func() error { return w.attempt(rec("a", 1), rec("b", 1), rec("a", 2)) },
						func() error { return w.attempt(rec("a", 3, `"LATER":true`), rec("b", 2)) },
					} {
						w.link.on(at, 1, f)
						for try := 0; ; try++ {
							err := do()
							if err == nil {
								break
							}
							if try == 3 || IsFinal(err) {
								t.Fatalf("step %d: %v", step, err)
							}
						}
					}
					advance(2 * time.Minute) // what runs late has run
					a.has(recs("a", 1, 3), recs("b", 1, 2))
					w.send(rec("a", 4))
					a.has(recs("a", 1, 4), recs("b", 1, 2))
					if len(w.dropping) > 0 {
						t.Fatalf("shards %v were fenced, but nobody else works", w.dropping)
					}
				})
			})
		}
	}
}

// attempt loads records once, as one batch.
func (w *worker) attempt(records ...record) error {
	b, parts := w.batch(records...)
	defer b.Discard()
	out, err := w.Load(w.account.t.Context(), b, parts)
	if err != nil {
		return err
	}
	if !out.Committed {
		if len(out.Fenced) > 0 {
			w.account.t.Fatalf("fenced: %+v", out)
		}
		return errors.New("known not to be committed")
	}
	for _, p := range parts {
		w.claims[p.Shard] = row.Claim{Epoch: p.Claim.Epoch, At: p.To}
	}
	return nil
}

func TestLostCommitIsKnownByTheBatchID(t *testing.T) {
	for name, f := range map[string]fate{"before": lost, "after": unanswered, "late": delayed} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				w := a.worker("w")
				w.take("a")
				w.link.on("COMMIT", 1, f)
				b, parts := w.batch(recs("a", 1, 3)...)
				defer b.Discard()
				out, err := w.Load(t.Context(), b, parts)
				if err != nil || out.Committed != (f == unanswered) && f != delayed || len(out.Fenced) > 0 {
					t.Fatalf("outcome %+v, %v", out, err)
				}
				for range 2 { // what was found out stays true, however late the COMMIT arrives
					if out.Committed {
						a.has(recs("a", 1, 3))
					} else {
						a.has()
					}
					advance(2 * time.Minute)
				}
				if !out.Committed {
					w.finish(b, parts)
				}
				a.has(recs("a", 1, 3))
			})
		})
	}
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

// A worker vanishes after a statement; its transaction lives on in Snowflake, detached.
func TestHeirOfAVanishedWorkerGoesOn(t *testing.T) {
	for _, at := range []string{"BEGIN", "COPY", "UPDATE", "COMMIT", "REMOVE"} {
		t.Run("batch "+at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				gone, heir := a.worker("gone"), a.worker("heir")
				gone.take("a", "b")
				gone.send(rec("a", 1), rec("b", 1))
				gone.vanish(at, func(ctx context.Context) error {
					b, parts := gone.batch(rec("a", 2), rec("b", 2))
					defer b.Discard()
					_, err := gone.Load(ctx, b, parts)
					return err
				})
				heir.mustBeQuick(func() { heir.resume(5, "a", "b") })
				a.has(recs("a", 1, 5), recs("b", 1, 5))
				a.hasOffsets("* 0", "a 2 5", "b 2 5")
			})
		})
	}
	for _, at := range []string{"CREATE TABLE", "BEGIN", "UPDATE", "INSERT", "SELECT", "COMMIT"} {
		t.Run("acquire "+at, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				gone, heir := a.worker("gone"), a.worker("heir")
				gone.vanish(at, func(ctx context.Context) error { return gone.tryTake(ctx, false, "a", "b") })
				heir.mustBeQuick(func() { heir.resume(5, "a", "b") })
				a.has(recs("a", 1, 5), recs("b", 1, 5))
				if got := len(a.offsets()); got != 3 {
					t.Fatalf("offsets %v, want three rows", a.offsets())
				}
			})
		})
	}
}

// vanish runs do, and ends the worker after the first statement that begins with at, run but not answered.
func (w *worker) vanish(at string, do func(context.Context) error) {
	w.account.t.Helper()
	ctx, cancel := context.WithCancel(w.account.t.Context())
	defer cancel()
	w.link.hook(at, 1, func() fate {
		w.link.next = thenKill{w.link.next, w.link, cancel}
		return arrives
	})
	err := do(ctx)
	if at != "REMOVE" && err == nil {
		w.account.t.Fatalf("the worker ended without an error after %s", at)
	}
	w.link.kill()
}

// mustBeQuick fails if the heir waited for Snowflake's own five minutes.
func (w *worker) mustBeQuick(do func()) {
	w.account.t.Helper()
	began := time.Now()
	do()
	if waited := time.Since(began); waited > testPatience+2*testLockTimeout {
		w.account.t.Fatalf("the heir waited %v for a vanished worker's lock", waited)
	}
}

func TestLockOfALivingWorkerIsLeftAlone(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		slow, other := a.worker("slow"), a.worker("other")
		slow.take("a")
		slow.send(rec("a", 1))
		other.take("b")
		other.send(rec("b", 1))
		done := make(chan struct{})
		slow.link.hook("COMMIT", 1, func() fate {
			go func() { defer close(done); other.send(rec("b", 2)) }()
			<-time.After(testLockTimeout + time.Second) // the other's LOCK_TIMEOUT passes, the patience does not
			return arrives
		})
		slow.send(rec("a", 2))
		<-done
		a.has(recs("a", 1, 2), recs("b", 1, 2))
		if n := other.link.statements("SELECT SYSTEM$ABORT"); n > 0 || other.link.statements("SHOW LOCKS") < 2 {
			t.Fatalf("the other ended %d transactions after looking %d times", n, other.link.statements("SHOW LOCKS"))
		}
		if n := other.link.statements("COPY"); n != 2 {
			t.Fatalf("the other's COPY ran %d times, want twice: a lock time-out leaves the transaction open", n)
		}
	})
}

// A worker sleeps between UPDATE and COMMIT for so long that another ends its transaction.
func TestVictimOfAnAbortLoadsItsRowsOnce(t *testing.T) {
	for name, silent := range map[string]bool{"commit refused": false, "commit answered": true} {
		t.Run(name, func(t *testing.T) {
			inAccountWith(t, service.Options{SilentAbortedCommit: silent}, func(t *testing.T, a *account) {
				victim, other := a.worker("victim"), a.worker("other")
				victim.take("a")
				other.take("b")
				slept := make(chan struct{})
				victim.link.hook("COMMIT", 1, func() fate {
					go func() {
						defer close(slept)
						other.send(rec("b", 1))
					}()
					<-slept
					return arrives
				})
				b, parts := victim.batch(recs("a", 1, 2)...)
				defer b.Discard()
				out, err := victim.Load(t.Context(), b, parts)
				if err != nil || out.Committed || len(out.Fenced) > 0 {
					t.Fatalf("outcome %+v, %v; want it known that nothing is committed", out, err)
				}
				a.has(recs("b", 1, 1))
				victim.finish(b, parts)
				a.has(recs("a", 1, 2), recs("b", 1, 1))
				if n := other.link.statements("SELECT SYSTEM$ABORT"); n != 1 {
					t.Fatalf("%d transactions were ended, want one", n)
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
	for _, word := range []string{`UNDROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`, "delete the lease table"} {
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

// What is to be left out is known only when the batch is sealed, and its lines are written already.
func TestRowsWithoutAPartAndRowsThatTheTableHasAreLeftOut(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a", "b", "c") // a and c share a lane
		w.send(rec("a", 1), rec("b", 1), rec("c", 1))
		b, parts := w.batch(rec("a", 2), rec("b", 2), rec("c", 2), rec("a", 3), rec("c", 3))
		defer b.Discard()
		w.finish(b, parts[:2]) // the lease of c was lost meanwhile
		a.has(recs("a", 1, 3), recs("b", 1, 2), recs("c", 1, 1))

		again, parts := w.batch(rec("a", 2), rec("b", 2), rec("c", 2), rec("a", 3), rec("a", 4))
		defer again.Discard()
		w.finish(again, parts) // read again from before the offsets
		a.has(recs("a", 1, 4), recs("b", 1, 2), recs("c", 1, 2))
		a.hasOffsets("* 0", "a 1 4", "b 1 2", "c 1 2")
	})
}
