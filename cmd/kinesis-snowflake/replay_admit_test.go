package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/replay"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/source/kpl/kpltest"
)

// append adds lines to a log.
func (b *bubble) append(log string, lines ...string) {
	b.t.Helper()
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintln(f, strings.Join(lines, "\n")); err != nil {
		b.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// failed is the line of a failed message.
func failed(shard, sequence string, subsequence int) string {
	return fmt.Sprintf(`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"message failed","stream":"orders","shard":%q,"sequence":%q,"subsequence":%d,"row":0}`, shard, sequence, subsequence)
}

// reasons are the messages that are left, as "state: reason".
func reasons(r replay.Report) (all []string) {
	for _, l := range r.Left {
		all = append(all, string(l.State)+": "+l.Reason)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Messages that the connector has not come to are left to it.
func TestReplayLeavesToTheWorkerWhatItComesTo(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		none, _ := b.failedLog(func(int) bool { return false })
		b.put(10)
		log, _ := b.failedLog(func(n int) bool { return n < 3 })
		code, report, stderr := b.replay(log) // nothing was loaded ever
		wants(t, 1, code, stderr)
		if report.Counts[replay.Pending] != 3 {
			t.Errorf("%+v", report)
		}
		if got := b.snowflake.Tables(); len(got) != 0 {
			t.Errorf("tables %v were made for nothing", got)
		}
		b.load()
		b.unload(`"N" = 5`)
		b.put(10)
		log, _ = b.failedLog(func(n int) bool { return n == 5 || n == 15 })
		code, report, stderr = b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Loaded] != 1 || report.Counts[replay.Pending] != 1 {
			t.Errorf("%+v", report)
		}
		has(t, strings.Join(reasons(report), "\n"), "not_committed: its shard was not loaded that far yet")
		b.load()
		b.rows(20, 20)
		code, _, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		b.rows(20, 20)
		if code, _, stderr = b.replay(none); code != 0 {
			t.Error(stderr)
		}
	})
}

// Where the last messages of a shard failed, no row moved its offset with them. Only the lease says that they are done, and a
// replay holds off whoever might still load them.
func TestReplayOfTheLastMessagesOfAShard(t *testing.T) {
	for name, first := range map[string]int{"after some rows": 50, "where no row ever was": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, b *bubble) {
				b.put(first)
				if first > 0 {
					b.load()
				}
				log, _ := b.failedLog(func(int) bool { return false })
				var last string
				for range 3 {
					shard, sequence, err := b.kinesis.Put(ordersStream, "k", []byte("no JSON"))
					if err != nil {
						t.Fatal(err)
					}
					b.append(log, failed(shard, sequence, 0))
					last = sequence
				}
				end := b.start("host-a", false)
				<-time.After(time.Minute)
				code, report, stderr := b.replay(log)
				wants(t, 1, code, stderr)
				if report.Counts[replay.Failed] != 3 {
					t.Errorf("%+v", report)
				}
				has(t, strings.Join(reasons(report), "\n"), "failed: decode: not JSON")
				if got := b.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS$OFFSETS" WHERE "SHARD" = '` + shard0 + `' AND "SEQUENCE" = '` + last + `'`); got != "1" {
					t.Errorf("%s offsets stand at the last message", got)
				}
				b.put(50) // the worker acquires what it was fenced from, and goes on
				<-time.After(time.Minute)
				end()
				b.rows(first+50, first+50)
				b.put(10)
				b.load()
				b.rows(first+60, first+60)
				code, _, stderr = b.leases("list", "-c", b.file, "--offsets")
				wants(t, 0, code, stderr)
			})
		})
	}
}

// A replay that another one overtakes before it moved the offsets says what to do, as one that is overtaken later.
func TestReplayThatIsOvertakenEarly(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log, _ := b.failedLog(func(int) bool { return false })
		shard, sequence, err := b.kinesis.Put(ordersStream, "k", []byte("no JSON"))
		if err != nil {
			t.Fatal(err)
		}
		b.append(log, failed(shard, sequence, 0))
		b.load()
		begun := 0
		b.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			if e.SQL != "BEGIN" {
				return nil
			}
			if begun++; begun != 2 { // the first acquires, the second moves the offset
				return nil
			}
			return &snowflake.Fault{Call: func() { b.answering("", "replay", "-c", b.file, "--log", log) }}
		}})
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log)
		wants(t, 1, code, stderr)
		has(t, stderr, "settle the offsets of 1 shards: another replay of this shard, or a reset of its offsets, came between", "run the same command again")
		has(t, out, "not looked at               1\n")
	})
}

// The last messages of a shard that was split, and whose children were split too, failed. Workers deleted its lease, so only the
// shards' lineage says that it is done with.
func TestReplayAfterReshards(t *testing.T) {
	for name, first := range map[string]int{"after some rows": 20, "where no row ever was": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, b *bubble) {
				b.put(first)
				log, _ := b.failedLog(func(int) bool { return false })
				fail := func() {
					shard, sequence, err := b.kinesis.Put(ordersStream, "k", []byte(`{"n": 9999}garbage`))
					if err != nil {
						t.Fatal(err)
					}
					b.append(log, failed(shard, sequence, 0))
				}
				split := func(shard string) (left, right string) {
					left, right, err := b.kinesis.Split(ordersStream, shard)
					if err != nil {
						t.Fatal(err)
					}
					return left, right
				}
				fail()
				left, right := split(shard0)
				b.put(20)
				b.load()
				code, report, stderr := b.replay(log) // its lease says that it is finished
				wants(t, 1, code, stderr)
				if report.Counts[replay.Failed] != 1 {
					t.Errorf("%+v", report)
				}
				split(left)
				split(right)
				b.put(20)
				end := b.start("host-a", false)
				<-time.After(10 * time.Minute) // the leases of what is finished are cleaned up
				for _, it := range b.dynamodb.Items(ordersApp) {
					if it["leaseKey"].Text == shard0 {
						t.Errorf("the lease of %s is there still", shard0)
					}
				}
				code, report, stderr = b.replay(log)
				wants(t, 1, code, stderr)
				if report.Counts[replay.Failed] != 1 {
					t.Errorf("%+v", report)
				}
				if _, err := b.snowflake.Exec(t.Context(), `DELETE FROM "RAW"."KINESIS"."ORDERS$OFFSETS" WHERE "SHARD" = '`+shard0+`'`); err != nil {
					t.Fatal(err)
				}
				code, report, stderr = b.replay(log)
				wants(t, 1, code, stderr)
				if report.Counts[replay.Failed] != 1 {
					t.Errorf("%+v", report)
				}
				b.put(20)
				<-time.After(time.Minute)
				end()
				b.rows(first+60, first+60)
				code, _, stderr = b.leases("list", "-c", b.file, "--offsets")
				wants(t, 0, code, stderr)
			})
		})
	}
}

func TestReplayOfWhatTheStreamHasNoLonger(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(40)
		<-time.After(13 * time.Hour)
		b.put(40)
		b.load()
		b.unload("TRUE")
		log, _ := b.failedLog(func(int) bool { return true })
		b.append(log, failed("shardId-000000000099", "4959", 0), failed(shard0, "4959", 0))
		<-time.After(12 * time.Hour)
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Loaded] != 40 || report.Counts[replay.Gone] != 42 {
			t.Errorf("%+v", report.Counts)
		}
		has(t, strings.Join(reasons(report), "\n"), "gone: the stream has it no longer: records are kept for 24 hours", "gone: the stream has this shard no longer: what it held is older than the 24 hours that records are kept")
		b.rows(40, 40)
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log)
		wants(t, 1, code, stderr)
		has(t, out, "in the table already", "gone from the stream", "and 36 more; --json names all")
		has(t, stderr, "not all failed messages are in the table")
	})
}

func TestReplayOfAnotherStreamOfThatName(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		log, _ := b.failedLog(func(int) bool { return false })
		old := strings.Replace(failed(shard0, "4959", 0), `"stream"`, `"stream_id":"arn:aws:kinesis:us-east-1:1:stream/orders@1","stream"`, 1)
		b.append(log, old, strings.Replace(failed(shard0, "4959", 0), `"orders"`, `"others"`, 1), strings.Replace(failed(shard0, "4959", 0), `"stream"`, `"application":"x","stream"`, 1))
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Elsewhere] != 1 || report.Others != 2 {
			t.Errorf("%+v", report)
		}
	})
}

// Of an aggregate only the user records that failed are loaded, also where the table lacks others.
func TestReplayOfUserRecords(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		var users []kpltest.Record
		for n := range 20 {
			users = append(users, kpltest.Record{PartitionKey: fmt.Sprint("k", n), Data: fmt.Appendf(nil, `{"n": %d}`, n)})
		}
		shard, sequence, err := b.kinesis.Put(ordersStream, "a", kpltest.Aggregate(users...))
		if err != nil {
			t.Fatal(err)
		}
		b.load()
		b.rows(20, 20)
		b.unload(`"N" IN (3, 4, 5, 19)`)
		log := b.file + ".log"
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.append(log, failed(shard, sequence, 3), failed(shard, sequence, 19), failed(shard, sequence, 7), failed(shard, sequence, 20))
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Loaded] != 2 || report.Counts[replay.Present] != 1 {
			t.Errorf("%+v", report)
		}
		if want := []string{"not_committed: its shard was not loaded that far yet: the connector comes to it, with today's transform once it runs with that"}; !slices.Equal(reasons(report), want) {
			t.Errorf("%q", reasons(report))
		}
		b.rows(18, 18)
	})
}

// A replay writes nothing to the lease table, and a dry run nothing at all.
func TestReplayWritesNoLease(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(100)
		b.load()
		b.unload(`"N" < 10`)
		log, _ := b.failedLog(func(n int) bool { return n < 10 })
		before, offsets := calls(b.dynamodb), b.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS$OFFSETS"`)
		code, _, stderr := b.replay(log, "--dry-run")
		wants(t, 0, code, stderr)
		b.rows(90, 90)
		if got := b.count(`SELECT COUNT(*) FROM "RAW"."KINESIS"."ORDERS$OFFSETS"`); got != offsets {
			t.Errorf("%s offsets, were %s", got, offsets)
		}
		code, _, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		b.rows(100, 100)
		for op, n := range calls(b.dynamodb) {
			if n != before[op] && op != "Scan" && op != "DescribeTable" {
				t.Errorf("%s was called", op)
			}
		}
	})
}

func calls(s *dynamodb.Server) map[string]int64 {
	all := map[string]int64{}
	for op, c := range s.Counters() {
		all[op] = int64(c.Calls)
	}
	return all
}
