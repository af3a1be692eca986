package sink

import (
	"errors"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

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
