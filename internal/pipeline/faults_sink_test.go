package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/telemetry"
)

// The connection breaks before, during and after each kind of statement that a pipeline sends, from its log-in on.
func TestConnectionCutAroundEachStatement(t *testing.T) {
	for _, at := range []string{
		"LOGIN", "CREATE TABLE IF NOT EXISTS \"RAW\".\"KINESIS\".\"ORDERS$OFFSETS\"", "SHOW LOCKS", "BEGIN", "UPDATE", "INSERT", "SELECT", "DESC",
		"CREATE TABLE IF NOT EXISTS \"RAW\".\"KINESIS\".\"ORDERS\"", "CREATE STAGE", "PUT", "UPLOAD", "COPY", "UPDATE \"RAW\".\"KINESIS\".\"ORDERS$OFFSETS\" t", "COMMIT", "REMOVE",
	} {
		for _, when := range []moment{beforeIt, duringIt, afterIt} {
			t.Run(string(when)+" "+strings.ReplaceAll(at, `"`, ""), func(t *testing.T) {
				inStack(t, 2, func(t *testing.T, s *stack) {
					c := newCable(s)
					cutter := &severer{next: s.snowflake.RoundTripper(), dead: map[string]bool{}}
					c.snowflake.next = cutter
					cut := cutter.arm(at, when)
					r := s.startOver(c, s.config("worker"), false)
					s.put(400)
					select {
					case <-cut:
					case <-time.After(10 * time.Minute):
						t.Fatal("no such statement")
					}
					r.until(t, func(p Progress) bool { return p.Tally.Loaded == int64(s.sent-s.bad) })
					s.put(400)
					r.until(t, func(p Progress) bool { return p.Tally.Loaded == int64(s.sent-s.bad) })
					r.stop()
					r.end(t)
					s.complete()
				})
			})
		}
	}
}

// The tokens of a session end (390112), and those of its log-in with them (390114), before each kind of statement.
func TestTokensExpireBeforeEachStatement(t *testing.T) {
	for _, master := range []bool{false, true} {
		for _, class := range []string{"BEGIN", "COPY", "UPDATE", "COMMIT", "PUT", "REMOVE"} {
			t.Run(fmt.Sprintf("%s, master %t", class, master), func(t *testing.T) {
				inFault(t, func(t *testing.T, p *faulty) {
					expired := p.onFirst(class, func() { p.snowflake.ExpireTokens(master) })
					p.put(500)
					<-expired
					p.loadsAll(t)
					if state, last := p.state(); state != string(telemetry.Running) {
						t.Errorf("afterwards %s: %s", state, last)
					}
				})
			})
		}
	}
}

// A grant is revoked, or the warehouse suspended, while the pipeline runs: it says so, keeps trying, and goes on by
// itself once that is mended.
func TestOperatorsFaultsAreWaitedFor(t *testing.T) {
	for name, f := range operatorFaults() {
		t.Run(name, func(t *testing.T) {
			inFault(t, func(t *testing.T, p *faulty) {
				f.begin(p.stack)
				p.put(500)
				p.complains(t, f.words...)
				before := p.snowflake.Stats().Statements
				<-time.After(20 * time.Minute)
				after := p.snowflake.Stats().Statements
				if state, _ := p.state(); state != string(telemetry.Failing) {
					t.Errorf("twenty minutes later %s", state)
				}
				if n := p.said("cannot load; trying again"); n < 1 || n > 22 {
					t.Errorf("%d lines in twenty minutes, want at most one a minute", n)
				}
				if n := max(after["COPY"]-before["COPY"], after["BEGIN"]-before["BEGIN"]); n > 50 {
					t.Errorf("%d attempts in twenty minutes, want one in 30 s", n)
				}
				f.end(p.stack)
				p.loadsAll(t)
				p.becomes(t, telemetry.Running)
				if n := p.said("loading again"); n != 1 {
					t.Errorf("%d lines say that it is over", n)
				}
				if files := p.list(`LIST '@"RAW"."KINESIS"."KINESIS_SNOWFLAKE"/'`); files > 0 {
					t.Errorf("the attempts left %d files in the stage", files)
				}
			})
		})
	}
}

// With --until-caught-up nobody is waited for.
func TestOperatorsFaultsEndARunUntilCaughtUp(t *testing.T) {
	for name, f := range operatorFaults() {
		t.Run(name, func(t *testing.T) {
			inStack(t, 2, func(t *testing.T, s *stack) {
				s.put(300)
				s.catchUp()
				f.begin(s)
				s.put(300)
				s.faulty(s.config("worker"), true).fails(t, f.words...)
				f.end(s)
				s.catchUp()
				s.complete()
			})
		})
	}
}

type operatorFault struct {
	begin, end func(*stack)
	words      []string // of the error
}

func operatorFaults() map[string]operatorFault {
	deny := func(privilege, object string, words ...string) operatorFault {
		return operatorFault{
			begin: func(s *stack) { s.snowflake.Deny(privilege, object) },
			end:   func(s *stack) { s.snowflake.Allow(privilege, object) },
			words: words,
		}
	}
	return map[string]operatorFault{
		"INSERT on the table":    deny("INSERT", ordersTable, "GRANT INSERT ON TABLE", "COPY INTO"),
		"UPDATE on the offsets":  deny("UPDATE", offsetsTable, "GRANT SELECT, INSERT, UPDATE, DELETE", "$OFFSETS"),
		"WRITE on the stage":     deny("WRITE", "RAW.KINESIS.KINESIS_SNOWFLAKE", "GRANT READ, WRITE ON STAGE"),
		"USAGE on the warehouse": deny("USAGE", "WH", "warehouse"),
		"user's password changed": {
			begin: func(s *stack) {
				s.snowflake.AddUser("LOADER", "another", nil)
				s.snowflake.DropSessions()
			},
			end:   func(s *stack) { s.snowflake.AddUser("LOADER", "secret", nil) },
			words: []string{"log in to snowflake", "check sink.user and the password"},
		},
		"suspended by its resource monitor": {
			begin: func(s *stack) { s.snowflake.SuspendByMonitor(true) },
			end:   func(s *stack) { s.snowflake.SuspendByMonitor(false) },
			words: []string{"resource monitor", "raise its quota"},
		},
	}
}

// Somebody drops the table, drops a column, or makes it of another type, while batches are loaded.
func TestTableChangedUnderAPipeline(t *testing.T) {
	for _, class := range []string{"PUT", "BEGIN", "COPY"} {
		for name, change := range map[string][]string{
			"column dropped": {`ALTER TABLE "RAW"."KINESIS"."ORDERS" DROP COLUMN "NAME"`},
			"column retyped": {`ALTER TABLE "RAW"."KINESIS"."ORDERS" DROP COLUMN "NAME"`, `ALTER TABLE "RAW"."KINESIS"."ORDERS" ADD COLUMN "NAME" NUMBER(38,0)`},
		} {
			t.Run(name+" before "+class, func(t *testing.T) {
				inFault(t, func(t *testing.T, p *faulty) {
					changed := p.onFirst(class, func() {
						for _, statement := range change {
							p.admin(statement)
						}
					})
					before := p.sent - p.bad
					p.put(500)
					<-changed
					p.loadsAll(t)
					where := `"NAME" LIKE 'order %'`
					if name == "column retyped" {
						where = `GET("_RESCUED", 'NAME')::VARCHAR LIKE 'order %'`
					}
					if n, want := p.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS" WHERE `+where), fmt.Sprint(p.sent-p.bad-before); n != want {
						t.Errorf("%s rows have their name, want %s: those loaded since", n, want)
					}
				})
			})
		}
		t.Run("table dropped before "+class, func(t *testing.T) {
			inStack(t, 2, func(t *testing.T, s *stack) {
				p := s.faulty(s.config("worker"), false)
				s.put(500)
				p.loadsAll(t)
				gone := s.sent - s.bad
				dropped := s.onFirst(class, func() { s.admin(`DROP TABLE "RAW"."KINESIS"."ORDERS"`) })
				s.put(500)
				<-dropped
				p.loadsAll(t)
				p.stop()
				p.end(t)
				count := `SELECT COUNT(*) || ' ' || COUNT(DISTINCT "ID") FROM "RAW"."KINESIS"."ORDERS"`
				if got, want := s.count(count), fmt.Sprint(s.sent-s.bad-gone, " ", s.sent-s.bad-gone); got != want {
					t.Errorf("rows and distinct %s, want %s: those that were not in the table that was dropped", got, want)
				}
			})
		})
	}
}

// Without its offsets nobody knows how far the table has come, so nothing is loaded. The worker that lost them tries on;
// one that starts meanwhile ends.
func TestOffsetsDroppedUnderAPipeline(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		p := s.faulty(s.config("worker"), false)
		s.put(500)
		p.loadsAll(t)
		loaded := fmt.Sprint(s.sent - s.bad)
		s.admin(`DROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		s.put(500)
		p.complains(t, "UNDROP TABLE")
		p.stop()
		if err := <-p.done; err == nil {
			t.Error("the stop says nothing of the rows that are not committed")
		}
		s.faulty(s.config("next"), false).fails(t, `UNDROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		if n := s.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS"`); n != loaded {
			t.Errorf("%s rows, want the %s that were there", n, loaded)
		}
		s.admin(`UNDROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		s.catchUp()
		s.complete()
	})
}

func TestWrongSnowflakePasswordEndsTheRunAtItsStart(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		s.put(10)
		cfg := s.config("worker")
		cfg.Sink.Password = config.NewSecret("other")
		s.faulty(cfg, false).fails(t, "log in to snowflake", "check sink.user and the password")
		s.catchUp()
		s.complete()
	})
}
