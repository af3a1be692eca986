package snowflake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

const (
	testShards  = 3
	testRecords = 12 // in each shard
	patience    = 10 * time.Second
)

func testLedger(w *world, who string) *Ledger {
	n := 0
	return NewLedger(NewClient(worldDialer{w, who}, slog.New(slog.DiscardHandler)), LedgerOptions{
		Table: Name{"D", "S", "T"}, Stream: "arn@1", Application: "app", LockPatience: patience, Now: time.Now,
		NewID: func() string { n++; return fmt.Sprintf("%s-%d", who, n) }, Log: slog.New(slog.DiscardHandler),
	})
}

// loadAll is what a worker does: acquire, then load what comes after each shard's offset, giving up shards that are
// fenced, until each of its shards is at its end or ctx ends. It ends at the first error that must end it.
func loadAll(ctx context.Context, l *Ledger, shards []string, step int) error {
	var wanted []row.Wanted
	for _, s := range shards {
		wanted = append(wanted, row.Wanted{Shard: s})
	}
	claims, err := l.Acquire(ctx, wanted)
	for err != nil && ctx.Err() == nil {
		if errors.Is(err, ErrOffsetsBroken) || errors.Is(err, ErrApplication) || errors.Is(err, ErrOffsetsMissing) {
			return err
		}
		claims, err = l.Acquire(ctx, wanted)
	}
	for batch := 0; ctx.Err() == nil; batch++ {
		b := Batch{ID: l.opts.NewID(), Files: 1}
		var rows []loadedRow
		for _, s := range shards {
			c, ok := claims[s]
			from, _ := strconv.Atoi(c.At.Sequence)
			to := min(from+step, testRecords)
			if !ok || from == to {
				continue
			}
			for n := from + 1; n <= to; n++ {
				rows = append(rows, loadedRow{s, n})
			}
			b.Moves = append(b.Moves, Move{Shard: s, Epoch: c.Epoch, From: c.At, To: at(to), Rows: int64(to - from)})
		}
		if len(b.Moves) == 0 {
			return nil
		}
		b.Copy, b.Rows = fakeCopy{rows}, int64(len(rows))
		out, err := l.Commit(ctx, b)
		switch {
		case errors.Is(err, ErrOffsetsBroken):
			return err
		case err != nil:
			continue
		case out.Committed:
			for _, m := range b.Moves {
				claims[m.Shard] = row.Claim{Epoch: m.Epoch, At: m.To}
			}
		default:
			for s := range out.Fenced {
				delete(claims, s)
			}
		}
	}
	return nil
}

func shardNames() (names []string) {
	for i := range testShards {
		names = append(names, fmt.Sprintf("shard-%d", i))
	}
	return names
}

func checkExactlyOnce(t interface{ Fatalf(string, ...any) }, w *world) {
	seen := map[loadedRow]int{}
	for _, r := range w.rows {
		seen[r]++
	}
	for _, s := range shardNames() {
		for n := 1; n <= testRecords; n++ {
			if got := seen[loadedRow{s, n}]; got != 1 {
				t.Fatalf("row %d of %s is in the table %d times, want once", n, s, got)
			}
		}
	}
	if len(seen) != testShards*testRecords {
		t.Fatalf("%d distinct rows, want %d", len(seen), testShards*testRecords)
	}
}

// Three workers load the same shards, each believing that they are its own; connections are cut before and after any
// statement, and workers die with their transactions open. Then one more worker loads what is left.
func TestEveryRowIsLoadedOnceWhateverIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]fault{noFault, noFault, noFault, noFault, noFault, cutBefore, cutAfter, late}), 0, 60).Draw(rt, "faults")
		order := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 200).Draw(rt, "order")
		steps := rapid.SliceOfN(rapid.IntRange(1, 5), 3, 3).Draw(rt, "steps")
		lives := rapid.SliceOfN(rapid.IntRange(1, 120), 3, 3).Draw(rt, "lives") // seconds until each worker is killed
		silent := rapid.Bool().Draw(rt, "silent")
		var w *world
		var failed error
		synctest.Test(t, func(*testing.T) { w, failed = runWorkers(faults, order, steps, lives, silent) })
		if failed != nil {
			rt.Fatalf("a worker stopped: %v", failed)
		}
		checkExactlyOnce(rt, w)
	})
}

func runWorkers(faults []fault, order, steps, lives []int, silent bool) (*world, error) {
	w := newWorld()
	w.silent = silent
	stop := make(chan struct{})
	i, picks := 0, 0
	w.fault = func(who string, _ Statement) fault {
		if who == "last" || i >= len(faults) {
			return noFault
		}
		i++
		return faults[i-1]
	}
	scheduled := make(chan struct{})
	go func() {
		defer close(scheduled)
		w.schedule(stop, func(waiting []string) int {
			picks++
			return order[picks%len(order)] % len(waiting)
		})
	}()
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for n := range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(lives[n])*time.Second)
		wg.Go(func() {
			defer cancel()
			errs[n] = loadAll(ctx, testLedger(w, fmt.Sprintf("w%d", n)), shardNames(), steps[n])
		})
	}
	wg.Wait()
	errs[3] = loadAll(context.Background(), testLedger(w, "last"), shardNames(), 4)
	close(stop)
	<-scheduled
	w.late.Wait()
	return w, errors.Join(errs...)
}

// inWorld runs f in a bubble with a scheduler that serves whoever asks.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stop, scheduled := make(chan struct{}), make(chan struct{})
		go func() { defer close(scheduled); w.schedule(stop, func([]string) int { return 0 }) }()
		f(t, w)
		close(stop)
		<-scheduled
		w.late.Wait()
	})
}

func acquire(t *testing.T, l *Ledger, shards ...string) map[string]row.Claim {
	t.Helper()
	var wanted []row.Wanted
	for _, s := range shards {
		wanted = append(wanted, row.Wanted{Shard: s})
	}
	claims, err := l.Acquire(t.Context(), wanted)
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return claims
}

func oneBatch(id string, claims map[string]row.Claim, to int) Batch {
	b := Batch{ID: id, Files: 1}
	var rows []loadedRow
	for s, c := range claims {
		rows = append(rows, loadedRow{s, to})
		b.Moves = append(b.Moves, Move{Shard: s, Epoch: c.Epoch, From: c.At, To: at(to), Rows: 1})
	}
	b.Copy, b.Rows = fakeCopy{rows}, int64(len(rows))
	return b
}

func TestZombieIsFencedAfterATake(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		zombie, heir := testLedger(w, "zombie"), testLedger(w, "heir")
		old := acquire(t, zombie, "a", "b")
		now := acquire(t, heir, "a")
		if now["a"].Epoch != old["a"].Epoch+1 {
			t.Fatalf("epoch %d after %d", now["a"].Epoch, old["a"].Epoch)
		}
		out, err := zombie.Commit(t.Context(), oneBatch("z1", old, 5))
		if err != nil || out.Committed || len(out.Fenced) != 1 || out.Fenced["a"].Epoch != now["a"].Epoch {
			t.Fatalf("zombie's batch: %+v, %v; want only shard a fenced", out, err)
		}
		delete(old, "a")
		if out, err := zombie.Commit(t.Context(), oneBatch("z2", old, 5)); err != nil || !out.Committed {
			t.Fatalf("the rest of the batch: %+v, %v; want it committed", out, err)
		}
		if len(w.rows) != 1 {
			t.Fatalf("rows %v, want one", w.rows)
		}
	})
}

func TestLostCommitReplyIsResolvedBothWays(t *testing.T) {
	for name, f := range map[string]fault{"committed": cutAfter, "not committed": cutBefore} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := testLedger(w, "w")
				claims := acquire(t, l, "a")
				hit := false
				w.fault = func(_ string, s Statement) fault {
					if s == Commit && !hit {
						hit = true
						return f
					}
					return noFault
				}
				out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
				if err != nil || out.Committed != (f == cutAfter) || len(out.Fenced) != 0 {
					t.Fatalf("outcome %+v, %v", out, err)
				}
				if got := len(w.rows); (got == 1) != (f == cutAfter) {
					t.Fatalf("%d rows in the table", got)
				}
			})
		})
	}
}

func TestCommitThatRunsLateIsWaitedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		claims := acquire(t, l, "a")
		w.fault = func(_ string, s Statement) fault {
			if s == Commit {
				w.fault = func(string, Statement) fault { return noFault }
				return late
			}
			return noFault
		}
		if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed {
			t.Fatalf("outcome %+v, %v; want committed: the lock says that the batch is still open", out, err)
		}
	})
}

func TestLockOfALivingWorkerIsWaitedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		slow, other := testLedger(w, "slow"), testLedger(w, "other")
		claims := acquire(t, slow, "a")
		acquire(t, other, "b")
		entered := make(chan struct{})
		w.fault = func(who string, s Statement) fault {
			if who == "slow" && s == Commit {
				close(entered)
				<-time.After(patience / 4)
			}
			return noFault
		}
		done := make(chan row.Outcome)
		go func() {
			out, _ := slow.Commit(t.Context(), oneBatch("b", claims, 3))
			done <- out
		}()
		<-entered
		acquire(t, other, "c")
		if out := <-done; !out.Committed || len(w.rows) != 1 {
			t.Fatalf("outcome %+v with %d rows: a living worker's transaction was ended", out, len(w.rows))
		}
	})
}

func TestPositionThatMovedUnderOurEpochIsFenced(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		claims := acquire(t, l, "a")
		o := w.offsets["a"]
		o.at = at(2)
		w.offsets["a"] = o
		out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
		if err != nil || out.Committed || out.Fenced["a"].At != at(2) {
			t.Fatalf("outcome %+v, %v; want shard a fenced at 2", out, err)
		}
	})
}

func TestAbortedCommitThatReportsSuccessIsNotBelieved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.silent = true
		slow, other := testLedger(w, "slow"), testLedger(w, "other")
		claims := acquire(t, slow, "a")
		acquire(t, other, "b")
		w.fault = func(who string, s Statement) fault {
			if who == "slow" && s == Commit {
				w.fault = func(string, Statement) fault { return noFault }
				<-time.After(2 * patience) // the client sleeps between UPDATE and COMMIT
				if _, err := w.abortAll(); err != nil {
					t.Error(err)
				}
			}
			return noFault
		}
		out, err := slow.Commit(t.Context(), oneBatch("b", claims, 3))
		if err != nil || out.Committed || len(w.rows) != 0 {
			t.Fatalf("outcome %+v, %v with %d rows; want it known that nothing was committed", out, err, len(w.rows))
		}
	})
}

func (w *world) abortAll() (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tx := range w.all {
		tx.aborted = true
		w.end(tx)
		n++
	}
	return n, nil
}

func TestLockOfADeadWorkerIsBroken(t *testing.T) {
	for _, at := range []Statement{LockOffsets{}, InsertOffsets{}, BumpEpochs{}, ReadOffsets{}, Commit} {
		t.Run(verb(at.SQL()), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				dead, heir := testLedger(w, "dead"), testLedger(w, "heir")
				ctx, kill := context.WithCancel(t.Context())
				w.fault = func(who string, s Statement) fault {
					if who == "dead" && kind(s) == kind(at) {
						kill()
						if s == Commit {
							return cutBefore
						}
						return cutAfter
					}
					return noFault
				}
				_, _ = dead.Acquire(ctx, []row.Wanted{{Shard: "a"}})
				w.fault = func(string, Statement) fault { return noFault }
				began := time.Now()
				acquire(t, heir, "a")
				if waited := time.Since(began); waited > patience+2*w.lock {
					t.Fatalf("waited %v for a dead worker's lock", waited)
				}
			})
		})
	}
}

func kind(s Statement) string {
	if text, ok := s.(Text); ok {
		return string(text)
	}
	return fmt.Sprintf("%T", s)
}

func TestOffsetsThatTheLeaseRemembersMustBeThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		known := []row.Wanted{{Shard: "a", HasOffsets: true}}
		if _, err := l.Acquire(t.Context(), known); !errors.Is(err, ErrOffsetsMissing) || w.exists {
			t.Fatalf("dropped table: %v (table made anew: %v), want %v", err, w.exists, ErrOffsetsMissing)
		}
		acquire(t, testLedger(w, "other"), "b")
		if _, err := l.Acquire(t.Context(), known); !errors.Is(err, ErrOffsetsMissing) {
			t.Fatalf("missing row: %v, want %v", err, ErrOffsetsMissing)
		}
		if _, ok := w.offsets["a"]; ok {
			t.Fatal("the missing row was made")
		}
	})
}

func TestAnotherApplicationsRowIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		acquire(t, testLedger(w, "w"), "a")
		l := testLedger(w, "stranger")
		l.opts.Application = "another"
		if _, err := l.Acquire(t.Context(), []row.Wanted{{Shard: "b"}}); !errors.Is(err, ErrApplication) {
			t.Fatalf("acquire: %v, want %v", err, ErrApplication)
		}
		if _, ok := w.offsets["b"]; ok {
			t.Fatal("a row was added all the same")
		}
	})
}

func TestShortCopyCommitsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		b := oneBatch("b", acquire(t, l, "a"), 3)
		b.Rows++
		if _, err := l.Commit(t.Context(), b); !errors.Is(err, ErrShort) || ClassOf(err) != File || len(w.rows) != 0 {
			t.Fatalf("commit: %v with %d rows, want %v and none", err, len(w.rows), ErrShort)
		}
	})
}

func TestQuoting(t *testing.T) {
	n := Name{`D"b`, "S", `T'$x\`}
	if got, want := n.String(), `"D""b"."S"."T'$x\"`; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	if got := (PutFile{Local: `/a b/c'd`, Stage: n, Path: "p/"}).SQL(); !slices.Contains([]string{
		`PUT 'file:///a b/c''d' '@"D""b"."S"."T''$x\\"/p/' SOURCE_COMPRESSION = ZSTD AUTO_COMPRESS = FALSE OVERWRITE = TRUE`}, got) {
		t.Errorf("put: %s", got)
	}
}
