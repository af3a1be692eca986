package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/internal/replay"
	"kinesis-snowflake/internal/standin/snowflake"
)

// failedLog writes a log in which those of the stream's records failed for which that holds, each line twice.
func (b *bubble) failedLog(failed func(n int) bool) (name string, lines int) {
	b.t.Helper()
	var log strings.Builder
	fmt.Fprintln(&log, `{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"serving probes"}`)
	for rec := range b.kinesis.Records(ordersStream) {
		var doc struct{ N int }
		if err := json.Unmarshal(rec.Data, &doc); err != nil {
			b.t.Fatal(err)
		}
		if failed(doc.N) {
			for range 2 {
				fmt.Fprintf(&log, `{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"message failed","stream":"orders","shard":"%s","sequence":"%s","subsequence":0,"row":0,"arrival":"%s","stage":"validate","reason":"wrong"}`+"\n",
					rec.Shard, rec.Sequence, time.UnixMilli(rec.Arrival).UTC().Format(time.RFC3339Nano))
				lines++
			}
		}
	}
	name = filepath.Join(filepath.Dir(b.file), "failures.jsonl")
	if err := os.WriteFile(name, []byte(log.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return name, lines
}

// replay runs the command and returns its report.
func (b *bubble) replay(log string, args ...string) (code int, report replay.Report, stderr string) {
	b.t.Helper()
	code, out, stderr := b.answering("", append([]string{"replay", "-c", b.file, "--log", log, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		b.t.Fatalf("%v: %s\n%s", err, out, stderr)
	}
	return code, report, stderr
}

// unload takes rows out of the table, as if their messages had failed.
func (b *bubble) unload(where string) {
	b.t.Helper()
	if _, err := b.snowflake.Exec(b.t.Context(), `DELETE FROM `+ordersTable+` WHERE `+where); err != nil {
		b.t.Fatal(err)
	}
}

func TestReplayLoadsOnce(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(500)
		b.load()
		b.unload(`"N" >= 200 AND "N" < 240`)
		log, _ := b.failedLog(func(n int) bool { return n >= 200 && n < 240 || n == 7 })
		b.rows(460, 460)
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log, "--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, "would be loaded", "40 rows")
		b.rows(460, 460)
		code, report, stderr := b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Loaded] != 40 || report.Counts[replay.Present] != 1 || report.Rows != 40 || report.Lines != 82 || report.PassedOver != 1 {
			t.Errorf("%+v", report)
		}
		b.rows(500, 500)
		code, report, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Present] != 41 || report.Rows != 0 {
			t.Errorf("%+v", report)
		}
		b.rows(500, 500)
		b.put(100) // the connector goes on as if nothing had been
		b.load()
		b.rows(600, 600)
	})
}

// Messages far apart take long to read again, and it is said how far that is.
func TestReplayTellsHowFarItIs(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		for range 40 {
			b.put(1)
			<-time.After(time.Minute)
		}
		b.load()
		b.unload("TRUE")
		log, _ := b.failedLog(func(int) bool { return true })
		code, _, stderr := b.answering("", "replay", "-c", b.file, "--log", log, "--json")
		wants(t, 0, code, stderr)
		if n := strings.Count(stderr, " of 40 messages from the stream again\n"); n < 2 || n > 6 {
			t.Errorf("%d lines: %s", n, stderr)
		}
		b.rows(40, 40)
	})
}

// guillotine ends a process at its nth request to a service: what it sends from then on does not arrive.
type guillotine struct {
	n     int
	after bool // that request arrives, and its answer does not
	fell  func()

	mu   sync.Mutex
	seen int
}

func (g *guillotine) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		g.mu.Lock()
		g.seen++
		seen := g.seen
		g.mu.Unlock()
		if seen < g.n {
			return next.RoundTrip(r)
		}
		if seen == g.n {
			if g.after {
				if resp, err := next.RoundTrip(r); err == nil {
					_ = resp.Body.Close()
				}
			}
			g.fell()
		}
		return nil, errCut
	})
}

// replayKilled runs the command until its nth request to Snowflake, and reports whether it came that far.
func (b *bubble) replayKilled(log string, n int, after bool) bool {
	b.t.Helper()
	p, out := setup(notRun)
	fell := false
	g := &guillotine{n: n, after: after, fell: func() { fell = true; out.signals <- syscall.SIGKILL }}
	p.transports = transports{kinesis: b.kinesis.RoundTripper(), dynamodb: b.dynamodb.RoundTripper(), snowflake: g.over(b.snowflake.RoundTripper())}
	if code := p.execute([]string{"replay", "-c", b.file, "--log", log}); !fell && code != 0 {
		b.t.Errorf("exit code %d: %s", code, out.stderr.String())
	}
	return fell
}

// Killed at any of its requests to Snowflake, a replay that is run again loads what is missing.
func TestReplayKilledAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		inBubble(t, 2, func(t *testing.T, b *bubble) {
			b.put(120)
			b.load()
			log, _ := b.failedLog(func(n int) bool { return n%10 == 3 && n < 100 })
			n := 1
			for ; ; n++ {
				b.unload(`"N" % 10 = 3 AND "N" < 100`)
				if !b.replayKilled(log, n, after) {
					break
				}
				code, report, stderr := b.replay(log)
				if code != 0 || report.Counts[replay.Loaded]+report.Counts[replay.Present] != 10 {
					t.Fatalf("killed at request %d: exit code %d, %+v: %s", n, code, report, stderr)
				}
				b.rows(120, 120)
			}
			if n < 15 {
				t.Errorf("a replay makes %d requests", n)
			}
			b.rows(120, 120)
		})
	}
}

// Replays of the same log at once, beside a worker that loads, load each row once between them.
func TestReplaysAtOnceBesideAWorker(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(400)
		b.load()
		b.unload(`"N" % 4 = 1 AND "N" < 380`)
		log, _ := b.failedLog(func(n int) bool { return n%4 == 1 && n < 380 })
		end := b.start("host-a", false)
		var all sync.WaitGroup
		codes := make([]int, 4)
		for i := range codes {
			all.Go(func() {
				<-time.After(time.Duration(i) * 700 * time.Millisecond)
				codes[i], _, _ = b.answering("", "replay", "-c", b.file, "--log", log)
			})
		}
		for range 20 {
			b.put(10)
			<-time.After(time.Second)
		}
		all.Wait()
		if code, _, stderr := b.replay(log); code != 0 {
			t.Errorf("the last of all has exit code %d: %s", code, stderr)
		}
		end()
		b.rows(600, 600)
		b.load()
		b.rows(600, 600)
	})
}

// A replay that looked which rows are there, and was overtaken before it loaded its own, loads nothing.
func TestReplayThatIsOvertaken(t *testing.T) {
	for name, overtake := range map[string]func(b *bubble, log string){
		"by another": func(b *bubble, log string) {
			wants(b.t, 0, first(b.answering("", "replay", "-c", b.file, "--log", log)), "another replay")
		},
		"by a reset and a worker": func(b *bubble, _ string) {
			b.unload("TRUE")
			wants(b.t, 0, first(b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")), "reset")
			b.load()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, b *bubble) {
				b.put(100)
				b.load()
				b.unload(`"N" < 20`)
				log, _ := b.failedLog(func(n int) bool { return n < 20 })
				done := false
				b.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
					if done || !strings.HasPrefix(e.SQL, "PUT ") {
						return nil
					}
					done = true
					return &snowflake.Fault{Call: func() { overtake(b, log) }}
				}})
				code, report, stderr := b.replay(log)
				wants(t, 1, code, stderr)
				has(t, stderr, "another replay of this shard, or a reset of its offsets, came between")
				if report.Rows != 0 || report.Unknown != 20 {
					t.Errorf("%+v", report)
				}
				b.rows(100, 100)
				code, report, stderr = b.replay(log)
				wants(t, 0, code, stderr)
				if report.Counts[replay.Present] != 20 {
					t.Errorf("%+v", report)
				}
				b.rows(100, 100)
			})
		})
	}
}
