package sink

import (
	"slices"
	"testing"
	"time"

	service "kinesis-snowflake/internal/standin/snowflake"
)

// A session ends, in each way that it can, before each statement of a batch and of an acquire.
func TestSessionEndsInTheMiddle(t *testing.T) {
	ends := map[string]struct {
		end    func(a *account)
		logins int // of the worker, at most
	}{
		"token expired":        {func(a *account) { a.ExpireTokens(false) }, 1},
		"master token expired": {func(a *account) { a.ExpireTokens(true) }, 3},
		"dropped":              {func(a *account) { a.DropSessions() }, 3},
	}
	for name, e := range ends {
		for _, at := range []string{"CREATE TABLE", "SHOW LOCKS", "BEGIN", "UPDATE", "INSERT", "SELECT", "DESC", "PUT", "COPY", "COMMIT", "REMOVE"} {
			t.Run(name+" before "+at, func(t *testing.T) {
				inAccount(t, func(t *testing.T, a *account) {
					w := a.worker("w")
					end := func() fate { e.end(a); return arrives }
					for _, do := range []func() error{
						func() error { return w.tryTake(t.Context(), false, "a", "b") },
						func() error { return w.attempt(rec("a", 1), rec("b", 1)) },
						func() error { return w.attempt(rec("a", 2), rec("b", 2)) },
					} {
						before := w.link.statements("LOGIN")
						w.link.hook(at, 1, end)
						for try := 0; ; try++ {
							err := do()
							if err == nil {
								break
							}
							if try == 2 || IsFinal(err) || NeedsOperator(err) {
								t.Fatal(err)
							}
						}
						if n := w.link.statements("LOGIN") - before; n > e.logins {
							t.Errorf("%d logins for one session that ended", n)
						}
					}
					w.link.heal()
					a.has(recs("a", 1, 2), recs("b", 1, 2))
					w.send(rec("a", 3))
					a.has(recs("a", 1, 3), recs("b", 1, 2))
				})
			})
		}
	}
}

// Snowflake cannot be reached at all for a while after COMMIT was sent: the batch stays in doubt until it can.
func TestBatchStaysInDoubtUntilSnowflakeAnswers(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w := a.worker("w")
		w.take("a")
		w.link.hook("COMMIT", 1, func() fate {
			a.SetHooks(service.Hooks{Before: func(e service.Event) *service.Fault {
				if e.Class == "LOGIN" {
					return &service.Fault{Status: 503}
				}
				return nil
			}})
			go func() {
				<-time.After(10 * time.Minute)
				a.SetHooks(service.Hooks{})
			}()
			return unanswered
		})
		began := time.Now()
		w.send(recs("a", 1, 2)...)
		if took := time.Since(began); took < 10*time.Minute {
			t.Fatalf("the outcome was known after %v, when nobody could be asked", took)
		}
		a.has(recs("a", 1, 2))
		if n := w.link.statements("COPY"); n != 1 {
			t.Fatalf("COPY was sent %d times, want once: it was committed", n)
		}
	})
}

func TestRefusedRowOfAFencedShardIsItsNewOwnersToReport(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		w, heir := a.worker("w"), a.worker("heir")
		w.take("a", "b")
		a.refuse("bad")
		w.link.hook("UPDATE", 1, func() fate { heir.take("a"); return arrives })
		w.send(rec("a", 1, `"MARK":"bad"`), rec("b", 1, `"MARK":"bad"`), rec("a", 2, `"MARK":"good"`), rec("b", 2, `"MARK":"good"`))
		if !slices.Equal(w.refused, []string{"b/1"}) {
			t.Errorf("the fenced worker reported %v, want b/1", w.refused)
		}
		heir.send(rec("a", 1, `"MARK":"bad"`), rec("a", 2, `"MARK":"good"`))
		if !slices.Equal(heir.refused, []string{"a/1"}) {
			t.Errorf("the heir reported %v, want a/1", heir.refused)
		}
		a.has(recs("a", 2, 2), recs("b", 2, 2))
	})
}
