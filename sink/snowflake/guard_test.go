package snowflake

import (
	"errors"
	"testing"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// endedBefore has somebody end the transaction of the worker before its n-th statement of a kind.
func endedBefore(t *testing.T, w *world, times int, is func(Statement) bool) {
	t.Helper()
	w.fault = func(_ string, s Statement) fault {
		if is(s) && times > 0 {
			times--
			if n, err := w.abortEvery(); err != nil || n == 0 {
				t.Errorf("ended %d transactions, %v", n, err)
			}
		}
		return noFault
	}
}

func (w *world) abortEvery() (n int, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tx := range w.all {
		tx.aborted = true
		w.end(tx)
		n++
	}
	return n, nil
}

// Somebody ends the transaction of a batch by hand between two of its statements.
func TestTransactionEndedByHandWithinABatch(t *testing.T) {
	for name, is := range map[string]func(Statement) bool{
		"before COPY":   func(s Statement) bool { _, ok := s.(fakeCopy); return ok },
		"before UPDATE": func(s Statement) bool { _, ok := s.(MoveOffsets); return ok },
		"before COMMIT": func(s Statement) bool { return s == Commit },
		"before its id": func(s Statement) bool { _, ok := s.(CurrentTransaction); return ok },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.forgetful, w.silent = true, true
				l := testLedger(w, "w")
				claims := acquire(t, l, "a", "b")
				endedBefore(t, w, 1, is)
				out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
				if err == nil && out.Committed {
					t.Fatalf("with %d of 2 rows, the batch is taken for committed", len(w.rows))
				}
				if len(w.rows) != 0 || len(out.Fenced) > 0 || err != nil && (ClassOf(err) != Retry || !errors.Is(err, errEnded)) {
					t.Fatalf("outcome %+v, %v with rows %v; want nothing loaded, and an error that says why or none", out, err, w.rows)
				}
				if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed || len(w.rows) != 2 {
					t.Fatalf("again: %+v, %v with rows %v; want it committed", out, err, w.rows)
				}
			})
		})
	}
}

// The rows are lost if the UPDATE does not ask: the test above can fail.
func TestUnguardedBatchLosesItsRows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.forgetful = true
		l := testLedger(w, "w")
		l.opts.Broken = mutant.UnguardedMove
		claims := acquire(t, l, "a")
		endedBefore(t, w, 1, func(s Statement) bool { _, ok := s.(MoveOffsets); return ok })
		if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed || len(w.rows) != 0 {
			t.Fatalf("outcome %+v, %v with rows %v; want them lost", out, err, w.rows)
		}
	})
}

// A service that does not tell a statement its transaction stops nothing.
func TestServiceWithoutTheGuardIsLoadedAllTheSame(t *testing.T) {
	t.Run("from the start", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.dumb = true
			l := testLedger(w, "w")
			claims := acquire(t, l, "a")
			if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed || l.guard.state != off {
				t.Fatalf("outcome %+v, %v", out, err)
			}
		})
	})
	t.Run("later", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			l := testLedger(w, "w")
			claims := acquire(t, l, "a")
			if l.guard.state != proven {
				t.Fatal("the guard was not proven by the acquire")
			}
			w.dumb = true
			for try := 1; ; try++ {
				out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
				if err == nil && out.Committed {
					break
				}
				if ClassOf(err) != Retry || try > maxDoubts {
					t.Fatalf("try %d: %+v, %v", try, out, err)
				}
			}
		})
	})
	t.Run("its answer is not known", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.fault = func(_ string, s Statement) fault {
				if asked(s) != "" {
					return unknown
				}
				return noFault
			}
			l := testLedger(w, "w")
			for try := 1; ; try++ {
				claims, err := tryAcquire(t, l, "a")
				if err != nil && try <= maxDoubts {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed {
					t.Fatalf("outcome %+v, %v", out, err)
				}
				return
			}
		})
	})
}

// A statement of the trial that Snowflake cancels says nothing of the guard.
func TestGuardOutlivesACancelledTrial(t *testing.T) {
	for name, is := range map[string]func(Statement) bool{
		"its id":    func(s Statement) bool { _, ok := s.(CurrentTransaction); return ok },
		"its trial": func(s Statement) bool { return asked(s) != "" },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				once := true
				w.fault = func(_ string, s Statement) fault {
					if is(s) && once {
						once = false
						return cancelled
					}
					return noFault
				}
				l := testLedger(w, "w")
				claims, err := tryAcquire(t, l, "a")
				if err != nil {
					claims = acquire(t, l, "a")
				}
				if l.guard.state != proven {
					t.Fatal("the guard was given up")
				}
				once = true
				w.forgetful = true
				out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
				if err == nil && !out.Committed || err != nil && ClassOf(err) != Retry || l.guard.state != proven {
					t.Fatalf("outcome %+v, %v", out, err)
				}
			})
		})
	}
}

// A warehouse that is suspended for hours, or a grant that is missing, says nothing of the guard either.
func TestGuardOutlivesASuspendedWarehouse(t *testing.T) {
	for name, is := range map[string]func(Statement) bool{
		"its id":    func(s Statement) bool { _, ok := s.(CurrentTransaction); return ok },
		"its trial": func(s Statement) bool { return asked(s) != "" },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				left := 0
				w.fault = func(_ string, s Statement) fault {
					if is(s) && left > 0 {
						left--
						return suspended
					}
					return noFault
				}
				l := testLedger(w, "w")
				until := func(do func() error) {
					t.Helper()
					left = 3 * maxDoubts
					for try := 0; ; try++ {
						err := do()
						if err == nil {
							break
						}
						if ClassOf(err) != Permanent || try > 3*maxDoubts {
							t.Fatalf("try %d: %v", try, err)
						}
					}
					if l.guard.state != proven {
						t.Fatal("the guard was given up")
					}
				}
				var claims map[string]row.Claim
				until(func() (err error) {
					claims, err = tryAcquire(t, l, "a")
					return err
				})
				until(func() error {
					_, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
					return err
				})
			})
		})
	}
}
