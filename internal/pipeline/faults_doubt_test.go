package pipeline

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
	sinksnowflake "kinesis-snowflake/sink/snowflake"
)

// Somebody else holds the lock on the offsets for minutes.
func TestLockOnTheOffsetsIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		user   string
		broken bool // the lock is taken for a dead worker's
	}{{"DBA", false}, {"LOADER", true}} {
		t.Run(c.user, func(t *testing.T) {
			inFault(t, func(t *testing.T, p *faulty) {
				p.snowflake.AddUser(c.user, "secret", nil)
				other, err := sinksnowflake.NewDialer(sinksnowflake.Login{
					Account: "testaccount", User: c.user, Password: "secret", Warehouse: "WH", Database: "RAW", Schema: "KINESIS",
					URL: "http://snowflake.test", LockTimeout: time.Second, Transport: p.snowflake.RoundTripper(),
				}).Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				for _, statement := range []string{"BEGIN", `UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "OWNER" = 'me' WHERE "SHARD" = '*'`} {
					if _, err := other.Exec(t.Context(), sinksnowflake.Text(statement)); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				p.put(500)
				<-time.After(2 * time.Minute)
				if n := p.seenLoaded(); c.broken != (n == int64(p.sent-p.bad)) {
					t.Errorf("%d rows after %v; lock broken: want %t", n, time.Since(began), c.broken)
				}
				if state, last := p.state(); !c.broken && (state != string(telemetry.Failing) || !strings.Contains(last, "SHOW LOCKS IN ACCOUNT")) {
					t.Errorf("/readyz says %s, %q while the lock is waited for", state, last)
				}
				_, err = other.Exec(t.Context(), sinksnowflake.Commit)
				if (err != nil) != c.broken {
					t.Errorf("COMMIT of the other: %v", err)
				}
				p.loadsAll(t)
				if n := p.said("waited in vain for the lock on the offsets"); n < 1 || n > 3 {
					t.Errorf("%d lines about a lock that was waited for for two minutes", n)
				}
				if n := p.said("got the lock on the offsets"); n != 1 {
					t.Errorf("%d lines that say that the wait is over", n)
				}
			})
		})
	}
}

func (p *faulty) seenLoaded() int64 {
	p.running.mu.Lock()
	defer p.running.mu.Unlock()
	return p.running.seen.Tally.Loaded
}

// Snowflake answers nothing but 503 for five minutes, from the moment on that a COMMIT arrives; it may have run.
func TestBatchStaysInDoubtWhileSnowflakeIsAway(t *testing.T) {
	for _, runs := range []bool{false, true} {
		t.Run(fmt.Sprintf("commit runs %t", runs), func(t *testing.T) {
			inFault(t, func(t *testing.T, p *faulty) {
				var away atomic.Bool
				storm := func(e snowflake.Event) *snowflake.Fault {
					if away.Load() {
						return &snowflake.Fault{Status: http.StatusServiceUnavailable}
					}
					return nil
				}
				begin := func(e snowflake.Event) *snowflake.Fault {
					if e.Class == "COMMIT" {
						away.Store(true)
					}
					return storm(e)
				}
				hooks := snowflake.Hooks{Before: begin}
				if runs {
					hooks = snowflake.Hooks{Before: storm, After: begin}
				}
				p.snowflake.SetHooks(hooks)
				p.put(500)
				p.complains(t, "ask what became of batch")
				<-time.After(5 * time.Minute)
				if state, _ := p.state(); state != string(telemetry.Failing) {
					t.Errorf("five minutes later %s", state)
				}
				p.snowflake.SetHooks(snowflake.Hooks{})
				p.loadsAll(t)
				p.becomes(t, telemetry.Running)
			})
		})
	}
}
