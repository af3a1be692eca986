package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

var replayFlag = flag.Int("replay-records", 20_000, "how many messages TestReplayThroughKills sends; a hundredth of them fail at first")

// replayPoints are the statements at which a replay is killed: the nth of a class, before it is run or when it was.
var replayPoints = []struct {
	class string
	n     int
	after bool
}{
	{"LOGIN", 1, false}, {"INSERT", 1, true}, {"UPDATE", 3, true}, {"COMMIT", 1, false}, {"COMMIT", 1, true}, {"PUT", 1, false}, {"UPLOAD", 1, true}, {"BEGIN", 2, true},
	{"COPY", 1, false}, {"COPY", 1, true}, {"UPDATE", 4, false}, {"UPDATE", 4, true}, {"COMMIT", 2, false}, {"COMMIT", 2, true},
}

// TestReplayThroughKills has the real program fail one message of a hundred by a wrong schema. Once that is mended, replays
// are killed at each of their steps, run again, and run beside the connector. In the end every record is in the table, once.
func TestReplayThroughKills(t *testing.T) {
	t.Parallel()
	replayRecords, replayFailed := *replayFlag, *replayFlag/100
	dir := t.TempDir()
	servers, err := stack.Start(t.Context(), stack.Options{Dir: dir, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = servers.Close() }) // the test is over
	r := &replays{t: t, servers: servers, binary: buildProgram(t), log: filepath.Join(dir, "connector.log"), schema: filepath.Join(dir, "schema.json")}
	if err := servers.Kinesis.CreateStream("orders", 4); err != nil {
		t.Fatal(err)
	}
	if r.file, err = servers.WritePipeline(stack.Pipeline{Stream: "orders", LeaseDuration: 2 * time.Second, PollInterval: time.Second}); err != nil {
		t.Fatal(err)
	}
	r.append(r.file, "transform: {json_schema: schema.json}\n")
	r.write(r.schema, `{"properties": {"n": {"type": "integer", "not": {"multipleOf": 100}}}}`)
	r.put(replayRecords)
	r.finish(r.start("run", "-c", r.file, "--until-caught-up"))
	r.table(replayRecords - replayFailed)

	r.write(r.schema, `{"properties": {"n": {"type": "integer"}}}`)
	begun := time.Now()
	for _, at := range replayPoints {
		r.killedAt(at.class, at.n, at.after)
	}
	killing := time.Since(begun)
	servers.Snowflake.SetHooks(snowflake.Hooks{})

	// Beside the connector, twice at once, and twice in a row.
	worker := r.start("run", "-c", r.file)
	r.put(1000)
	first, second := r.start("replay", "-c", r.file, "--log", r.log), r.start("replay", "-c", r.file, "--log", r.log)
	r.put(1000)
	<-first.exited // it may have been overtaken
	<-second.exited
	begun = time.Now()
	r.finish(r.start("replay", "-c", r.file, "--log", r.log))
	again := time.Since(begun)
	r.finish(r.start("replay", "-c", r.file, "--log", r.log))
	worker.signal(t, syscall.SIGTERM)
	r.finish(worker)
	r.finish(r.start("run", "-c", r.file, "--until-caught-up"))
	r.table(replayRecords + 2000)
	fmt.Printf("replay: records=%d failed=%d kills=%d time_killing=%s time_of_one=%s\n", replayRecords, replayFailed, len(replayPoints), killing.Round(100*time.Millisecond), again.Round(100*time.Millisecond))
}

// replays is one pipeline whose failed messages are replayed.
type replays struct {
	t                         *testing.T
	servers                   *stack.Stack
	binary, file, schema, log string
	sent                      int
}

func (r *replays) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replays) append(name, text string) {
	r.t.Helper()
	was, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	r.write(name, string(was)+text)
}

func (r *replays) put(n int) {
	r.t.Helper()
	for n > 0 {
		entries := make([]kinesis.Entry, min(n, 10_000))
		for i := range entries {
			entries[i] = kinesis.Entry{PartitionKey: fmt.Sprint("key-", r.sent), Data: fmt.Appendf(nil, `{"n":%d,"name":"order %d"}`, r.sent, r.sent)}
			r.sent++
		}
		if err := r.servers.Kinesis.PutMany("orders", entries); err != nil {
			r.t.Fatal(err)
		}
		n -= len(entries)
	}
}

func (r *replays) start(args ...string) *process {
	return startProgram(r.t, r.binary, args[0], args...)
}

// finish waits for a program to end well, and keeps a connector's log.
func (r *replays) finish(p *process) {
	r.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patient):
		r.t.Fatalf("%s does not end:\n%s", p.worker, p.tail())
	}
	if !p.command.ProcessState.Success() {
		r.t.Fatalf("%s: %s:\n%s", p.worker, p.command.ProcessState, p.tail())
	}
	if p.worker == "run" {
		r.append(r.log, p.said())
	}
}

// killedAt runs a replay until the nth statement of a class. Where the replay before was killed too late, there is no such
// statement any more: then rows are taken out of the table again.
func (r *replays) killedAt(class string, n int, after bool) {
	r.t.Helper()
	if _, err := r.servers.Snowflake.Exec(r.t.Context(), `DELETE FROM "SANDBOX"."KINESIS"."ORDERS" WHERE "N" % 100 = 0 AND "N" < 50000`); err != nil {
		r.t.Fatal(err)
	}
	var mu sync.Mutex
	var p *process
	seen, dead := 0, false
	hook := func(now bool) func(snowflake.Event) *snowflake.Fault {
		return func(e snowflake.Event) *snowflake.Fault {
			mu.Lock()
			defer mu.Unlock()
			if e.User == "ADMIN" {
				return nil
			}
			if !dead && now == after && e.Class == class {
				if seen++; seen == n {
					dead = true
					p.kill()
					<-p.exited
				}
			}
			if dead {
				return &snowflake.Fault{Cut: true}
			}
			return nil
		}
	}
	r.servers.Snowflake.SetHooks(snowflake.Hooks{Before: hook(false), After: hook(true)})
	mu.Lock()
	p = r.start("replay", "-c", r.file, "--log", r.log)
	mu.Unlock()
	select {
	case <-p.exited:
	case <-time.After(patient):
		r.t.Fatalf("%s %d does not come:\n%s", class, n, p.tail())
	}
	if !dead {
		r.t.Fatalf("the replay ended before its %s %d: %s\n%s", class, n, p.command.ProcessState, p.tail())
	}
}

// table checks that the table has so many rows, each once.
func (r *replays) table(want int) {
	r.t.Helper()
	res, err := r.servers.Snowflake.Exec(r.t.Context(), `SELECT COUNT(*), COUNT(DISTINCT "N"), COUNT(DISTINCT "KINESISMETADATA":sequenceNumber::VARCHAR) FROM "SANDBOX"."KINESIS"."ORDERS"`)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, cell := range res.Rows[0] {
		if cell.Text != fmt.Sprint(want) {
			r.t.Fatalf("the table has %v rows, want %d", res.Rows[0], want)
		}
	}
	lines := 0
	if text, err := os.ReadFile(r.log); err == nil {
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `msg="message failed"`) {
				lines++
			}
		}
	}
	if lines < *replayFlag/100 {
		r.t.Errorf("%d messages failed, want %d", lines, *replayFlag/100)
	}
}
