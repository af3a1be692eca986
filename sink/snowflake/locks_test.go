package snowflake

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

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
