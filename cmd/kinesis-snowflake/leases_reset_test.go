package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/snowflake"
)

func TestResetToTrimHorizonLoadsAgain(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(200)
		b.load()
		b.rows(200, 200)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "TRIM_HORIZON", "snowflake: the offsets of 2 shards are reset", shard1+": reset", "done: the next worker begins there")
		_, statement, _ := strings.Cut(out, "\n\nDELETE ")
		statement, _, _ = strings.Cut(statement, ";")
		statement = "DELETE " + statement
		for _, shard := range []string{shard0, shard1} {
			it := b.item(shard)
			if it["checkpoint"].Text != "TRIM_HORIZON" || it["checkpointSubSequenceNumber"].Text != "0" {
				t.Errorf("checkpoint %v", it)
			}
			for _, attr := range []string{"leaseOwner", "checkpointOwner", "childShardIds", "ksfOffsets", "ksfStartMillis", "pendingCheckpoint"} {
				if _, there := it[attr]; there {
					t.Errorf("%s still has %s: %v", shard, attr, it[attr])
				}
			}
		}
		if got := b.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS$OFFSETS" WHERE "SHARD" <> '*' AND "SEQUENCE" = '' AND "EPOCH" = 2 AND "BATCH_ID" IS NULL`); got != "2" {
			t.Errorf("%s offsets are reset, want 2", got)
		}
		b.load()
		b.rows(400, 200)

		// With the printed statement run in between, each record is there once.
		code, _, stderr = b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		if _, err := b.snowflake.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
		b.rows(0, 0)
		b.load()
		b.rows(200, 200)
	})
}

func TestResetToLatestLeavesOut(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(50)
		b.load()
		b.put(50) // passed over
		<-time.After(5 * time.Second)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "LATEST", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "What lies between the checkpoints and now is not loaded.")
		<-time.After(5 * time.Second)
		b.put(50) // after the reset, and before a worker starts
		<-time.After(5 * time.Second)
		b.load()
		b.rows(100, 100)
		if got := b.count(`SELECT COUNT(*) FROM ` + ordersTable + ` WHERE "N" >= 50 AND "N" < 100`); got != "0" {
			t.Errorf("%s rows of what was passed over", got)
		}
	})
}

func TestResetToATime(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(60)
		<-time.After(time.Minute)
		at := time.Now()
		<-time.After(time.Minute)
		b.put(40)
		b.load()
		b.rows(100, 100)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", at.Format(time.RFC3339), "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "AT_TIMESTAMP "+at.UTC().Format(time.RFC3339), "DELETE FROM")
		if got := b.item(shard0)["ksfStartMillis"].Text; got != fmt.Sprint(at.Truncate(time.Second).UnixMilli()) {
			t.Errorf("start is %s", got)
		}
		b.load()
		b.rows(140, 100)
	})
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", time.Now().Add(time.Hour).Format(time.RFC3339), "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "lies in the future")
	})
}

// A worker that is alive keeps its leases, and a reset that meets it has changed nothing.
func TestResetRefusesWhileAWorkerLives(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(100)
		end := b.start("host-a", false)
		<-time.After(20 * time.Second)
		epochs := b.count(`SELECT SUM("EPOCH") FROM "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, `refused: worker "host-a" is alive`, "stop every worker")
		if got := b.count(`SELECT SUM("EPOCH") FROM "RAW"."KINESIS"."ORDERS$OFFSETS"`); got != epochs {
			t.Errorf("the epochs went from %s to %s", epochs, got)
		}
		end()
		b.load()
		b.rows(100, 100)
	})
}

// A dead worker's leases stand with its name in them. That is no reason to refuse, once the counters stood still.
func TestResetAfterAWorkerDied(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(100)
		b.load()
		b.own(shard0, "dead", "")
		began := time.Now()
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		if d := time.Since(began); d < 10*time.Second {
			t.Errorf("watched for %s only", d)
		}
		has(t, out, shard0+": reset")
		b.load()
		b.rows(200, 100)
	})
}

func TestResetAsksFirst(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		before := b.item(shard0)["leaseCounter"].Text
		for answer, want := range map[string]int{"": 2, "no\n": 1, "y": 1} {
			code, out, stderr := b.answering(answer, "leases", "reset", "-c", b.file, "--to", "TRIM_HORIZON")
			wants(t, want, code, stderr)
			has(t, out, shard0, "DELETE FROM")
			if answer == "" {
				has(t, stderr, "standard input is no terminal", "add --yes")
			} else {
				has(t, stderr, "the answer was not yes")
			}
		}
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, "DELETE FROM")
		if got := b.item(shard0)["leaseCounter"].Text; got != before {
			t.Errorf("counter went from %s to %s", before, got)
		}
		b.load()
		b.rows(10, 10)
		code, _, stderr = b.answering("yes\n", "leases", "reset", "-c", b.file, "--to", "TRIM_HORIZON")
		wants(t, 0, code, stderr)
		b.load()
		b.rows(20, 10)
	})
}

// An answer that is lost does not make a write happen twice, or count as somebody else's.
func TestResetRepeatsWhatIsInDoubt(t *testing.T) {
	for name, hooks := range map[string]func(*bubble){
		"an answer of DynamoDB is lost": func(b *bubble) {
			n := 0
			b.dynamodb.SetHooks(dynamodb.Hooks{After: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
				if c.Op == "UpdateItem" || c.Op == "PutItem" {
					if n++; n%2 == 1 {
						return dynamodb.Cut()
					}
				}
				return nil
			}})
		},
		"DynamoDB is throttled": func(b *bubble) {
			n := 0
			b.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
				if n++; c.Op == "UpdateItem" && n%3 > 0 {
					return dynamodb.Throttle()
				}
				return nil
			}})
		},
		"the answer to COMMIT is lost": func(b *bubble) {
			n := 0
			b.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
				if e.Class == "COMMIT" && n == 0 {
					n++
					return &snowflake.Fault{Cut: true}
				}
				return nil
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, b *bubble) {
				b.put(40)
				b.load()
				var before, after int
				_, _ = fmt.Sscan(b.item(shard0)["leaseCounter"].Text, &before)
				hooks(b)
				code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
				wants(t, 0, code, stderr)
				b.dynamodb.SetHooks(dynamodb.Hooks{})
				b.snowflake.SetHooks(snowflake.Hooks{})
				_, _ = fmt.Sscan(b.item(shard0)["leaseCounter"].Text, &after)
				if after != before+1 {
					t.Errorf("the counter went from %d to %d", before, after)
				}
				b.load()
				b.rows(80, 40)
			})
		})
	}
}

// A signal ends the command where nothing is half done.
func TestResetEndsAtASignal(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		p, out := setup(notRun)
		p.transports = transports{kinesis: b.kinesis.RoundTripper(), dynamodb: b.dynamodb.RoundTripper(), snowflake: b.snowflake.RoundTripper()}
		out.signals <- syscall.SIGINT
		wants(t, 1, p.execute([]string{"leases", "reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes"}), "")
		has(t, out.stderr.String(), "stopped by interrupt")
		b.load()
		b.rows(10, 10)
	})
}

// While the question stands a worker may start: then what was planned is no longer true.
func TestResetLooksAgainAfterTheAnswer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		scans := 0
		b.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
			if c.Op == "Scan" {
				scans++
			}
			return nil
		}})
		wants(t, 0, first(b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--dry-run")), "")
		planned := scans
		scans = 0
		b.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
			if c.Op == "Scan" {
				if scans++; scans == planned+1 {
					b.own(shard0, "late", "")
				}
			}
			return nil
		}})
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "look again before writing", `worker "late" is alive`)
		if got := b.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS$OFFSETS" WHERE "SEQUENCE" = ''`); got != "1" { // of the row '*'
			t.Errorf("%s offsets were reset", got)
		}
	})
}

func first(code int, _, _ string) int { return code }

// Cut short between any two of its writes, a reset is made good by running it again.
func TestResetCutShortAtEachWriteIsMadeGoodByAnother(t *testing.T) {
	for _, at := range []string{"snowflake UPDATE 1 before", "snowflake UPDATE 2 before", "snowflake UPDATE 2 after", "snowflake COMMIT 1 before", "snowflake COMMIT 1 after",
		"dynamodb UpdateItem 1 before", "dynamodb UpdateItem 1 after", "dynamodb UpdateItem 2 before", "dynamodb UpdateItem 3 after"} {
		for _, between := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, worker between %t", at, between), func(t *testing.T) {
				inBubble(t, 3, func(t *testing.T, b *bubble) {
					b.put(150)
					b.load()
					b.cable = &cable{at: at}
					code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
					wants(t, 1, code, stderr)
					has(t, stderr, "run the same command again")
					if !b.cable.dead.Load() {
						t.Fatalf("nothing was cut: %s", stderr)
					}
					b.cable = nil
					want := 300
					if between {
						// Someone starts a worker on what is half reset: nothing may be lost by it.
						b.put(30)
						b.load()
						if got := b.count(`SELECT COUNT(DISTINCT "N") FROM ` + ordersTable); got != "180" {
							t.Errorf("%s different rows, want 180", got)
						}
						n := 0
						if _, err := fmt.Sscan(b.count(`SELECT COUNT(*) FROM `+ordersTable), &n); err != nil {
							t.Fatal(err)
						}
						want = n + 180
					}
					code, _, stderr = b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
					wants(t, 0, code, stderr)
					b.load()
					b.rows(want, b.sent)
				})
			})
		}
	}
}
