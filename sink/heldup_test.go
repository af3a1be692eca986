package sink

import (
	"testing"
	"time"

	service "kinesis-snowflake/internal/standin/snowflake"
)

// A worker is held up in its acquire for longer than others wait for its lock, and one of them takes it for dead. That
// must not end the worker: nothing is wrong with the offsets.
func TestAcquireThatIsTakenForDeadIsNotTheEnd(t *testing.T) {
	for name, o := range map[string]service.Options{"abort is told": {}, "abort is silent": {SilentAbortedCommit: true}} {
		for _, at := range []string{"INSERT", `UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "EPOCH"`, `SELECT "STREAM"`, "COMMIT"} {
			t.Run(name+" "+at, func(t *testing.T) {
				inAccountWith(t, o, func(t *testing.T, a *account) {
					w, other := a.worker("w"), a.worker("other")
					w.take("z")
					other.take("y")
					taken := make(chan error, 1)
					w.link.hook(at, 1, func() fate {
						go func() {
							<-time.After(12 * time.Second)
							taken <- other.tryTake(t.Context(), false, "b")
						}()
						<-time.After(40 * time.Second)
						return arrives
					})
					known := false
					for range 3 {
						if err := w.tryTake(t.Context(), known, "a"); IsFinal(err) {
							t.Fatalf("the worker is to stop: %v", err)
						} else if err != nil {
							continue
						}
						known = true // the lease remembers now
						b, parts := w.batch(rec("a", 1))
						out, err := w.Load(t.Context(), b, parts)
						b.Discard()
						if err != nil {
							t.Fatal(err)
						}
						if out.Committed {
							break
						}
					}
					if err := <-taken; err != nil {
						t.Fatalf("the other worker: %v", err)
					}
					a.has(recs("a", 1, 1))
				})
			})
		}
	}
}
