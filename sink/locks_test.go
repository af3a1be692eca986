package sink

import (
	"context"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink/snowflake"
)

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

// A worker sleeps within its acquire, after it has taken the lock, until its heir ends its transaction. When it wakes,
// its INSERT runs by itself, without the lock, while the heir's own is not committed yet.
func TestVictimOfAnAbortAddsNoSecondRow(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		victim, heir := a.worker("victim"), a.worker("heir")
		a.worker("first").take("z") // the offsets table is there
		inserted, woken, taken := make(chan struct{}), make(chan struct{}), make(chan struct{})
		victim.link.hook("INSERT", 1, func() fate {
			heir.link.hook("SELECT \"STREAM\"", 1, func() fate {
				close(inserted)
				<-woken
				return arrives
			})
			go func() {
				defer close(taken)
				heir.take("a")
			}()
			<-inserted
			victim.link.hook("UPDATE", 1, func() fate {
				close(woken)
				<-taken
				return arrives
			})
			return arrives
		})
		if err := victim.tryTake(t.Context(), false, "a"); err != nil && IsFinal(err) {
			t.Fatalf("the victim's acquire: %v; want one that may be repeated", err)
		}
		if rows := a.offsets(); len(rows) != 3 {
			t.Fatalf("offsets %v, want one row a shard", rows)
		}
		victim.take("a")
		victim.send(rec("a", 1))
		a.has(recs("a", 1, 1))
	})
}

// Somebody ends a worker's transaction by hand within a batch, which nothing of its session tells.
func TestBatchWhoseTransactionIsEndedByHandIsLoadedOnce(t *testing.T) {
	for _, before := range []string{"SELECT CURRENT_TRANSACTION", "COPY", "UPDATE", "COMMIT"} {
		for name, silent := range map[string]bool{"commit refused": false, "commit answered": true} {
			t.Run(before+", "+name, func(t *testing.T) {
				inAccountWith(t, service.Options{SilentAbortedCommit: silent}, func(t *testing.T, a *account) {
					w := a.worker("w")
					w.take("a", "b")
					w.send(rec("a", 1), rec("b", 1))
					w.link.hook(before, 1, func() fate {
						if n := a.endTransactions(); n != 1 {
							t.Errorf("%d transactions were open before %s, want one", n, before)
						}
						return arrives
					})
					b, parts := w.batch(append(recs("a", 2, 3), recs("b", 2, 3)...)...)
					defer b.Discard()
					out, err := w.Load(t.Context(), b, parts)
					if err != nil && (snowflake.ClassOf(err) != snowflake.Retry || IsFinal(err)) {
						t.Fatalf("outcome %+v, %v; want an error that passes", out, err)
					}
					if err == nil && out.Committed {
						t.Fatalf("the batch is taken for committed")
					}
					a.has(recs("a", 1, 1), recs("b", 1, 1))
					w.finish(b, parts)
					a.has(recs("a", 1, 3), recs("b", 1, 3))
				})
			})
		}
	}
}

// endTransactions ends every open transaction, and says how many there were.
func (a *account) endTransactions() (n int) {
	a.t.Helper()
	for _, r := range a.query("SHOW TRANSACTIONS") {
		a.query("SELECT SYSTEM$ABORT_TRANSACTION(" + strings.Fields(r)[0] + ")")
		n++
	}
	return n
}

// Somebody ends a worker's transaction by hand within an acquire: that is no damage to the offsets, which would be final.
func TestAcquireWhoseTransactionIsEndedByHandIsTriedAgain(t *testing.T) {
	for _, before := range []string{"UPDATE", "SELECT CURRENT_TRANSACTION", "INSERT", `SELECT "STREAM"`, "COMMIT"} {
		for name, silent := range map[string]bool{"commit refused": false, "commit answered": true} {
			t.Run(before+", "+name, func(t *testing.T) {
				inAccountWith(t, service.Options{SilentAbortedCommit: silent}, func(t *testing.T, a *account) {
					w := a.worker("w")
					ended := 0
					w.link.hook(before, 1, func() fate {
						ended = a.endTransactions()
						return arrives
					})
					wanted := []row.Wanted{{Shard: "a"}, {Shard: "b"}}
					if _, err := w.Acquire(t.Context(), wanted); err != nil && IsFinal(err) {
						t.Fatalf("acquire: %v; want none, or one that passes", err)
					}
					if ended != 1 {
						t.Fatalf("%d transactions were open before %s, want one", ended, before)
					}
					w.take("a", "b")
					w.send(rec("a", 1), rec("b", 1))
					a.has(recs("a", 1, 1), recs("b", 1, 1))
				})
			})
		}
	}
}
