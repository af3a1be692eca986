package snowflake

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/row"
)

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

// unknownTo answers COPY with an error whose number no table of codes has.
type unknownTo struct{ Session }

func (s unknownTo) Query(ctx context.Context, stmt Statement) (*Result, error) {
	if _, ok := stmt.(fakeCopy); ok {
		return nil, classify(stmt.SQL(), &sf.SnowflakeError{Number: 999999, Message: "the reason"})
	}
	return s.Session.Query(ctx, stmt)
}

type unknownDialer struct{ Dialer }

func (d unknownDialer) Dial(ctx context.Context) (Session, error) {
	s, err := d.Dialer.Dial(ctx)
	return unknownTo{s}, err
}

func TestAnErrorThatIsNotKnownIsSaidOnceTheBatchIsKnownNotToBeThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		claims := acquire(t, l, "a")
		l.client.Discard()
		l.client.dialer = unknownDialer{l.client.dialer}
		out, err := l.Commit(t.Context(), oneBatch("b", claims, 3))
		if out.Committed || err == nil || ClassOf(err) != Retry || !strings.Contains(err.Error(), "the reason") {
			t.Errorf("outcome %+v, %v (%s)", out, err, ClassOf(err))
		}
	})
}
