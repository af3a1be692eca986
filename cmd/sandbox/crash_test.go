package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

// TestEveryRecordOnceThroughCrashes kills the real program once at every step that writes somewhere, while the stream
// reshards, and starts it again. In the end every record must be in the table, once.
func TestEveryRecordOnceThroughCrashes(t *testing.T) {
	const (
		records = 200_000
		shards  = 8
		stream  = "crashes"
		patient = time.Minute // for one step to come
	)
	servers, err := stack.Start(t.Context(), stack.Options{Dir: t.TempDir(), Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := servers.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := servers.Kinesis.CreateStream(stream, shards); err != nil {
		t.Fatal(err)
	}
	binary := buildProgram(t)
	start := func(worker string, more ...string) *process {
		file, err := servers.WritePipeline(stack.Pipeline{
			Stream: stream, Interval: 100 * time.Millisecond, LeaseDuration: time.Second, LogLevel: "info", WorkerID: worker,
		})
		if err != nil {
			t.Fatal(err)
		}
		return startProgram(t, binary, worker, append([]string{"run", "-c", file}, more...)...)
	}

	k := newKiller()
	servers.Snowflake.SetHooks(k.snowflakeHooks())
	servers.DynamoDB.SetHooks(k.dynamoHooks())
	put := putter(t, servers, stream)
	begun := time.Now()
	kills := len(k.left())
	chunk := records / (kills + 1) / 2
	for run := 0; len(k.left()) > 0; run++ {
		if run == 2*kills {
			t.Fatalf("after %d runs these steps have not come: %v", run, k.left())
		}
		put(chunk)
		worker := fmt.Sprintf("worker-%d.", run)
		committed := k.follow(worker)
		p := start(worker)
		k.hunt(p)
		if run%4 == 1 {
			if err := reshardOnce(servers.Kinesis, stream, run/4); err != nil {
				t.Fatal(err)
			}
		}
		put(chunk)
		timeout := time.After(patient)
		for alive := true; alive; {
			select {
			case <-committed:
				committed = nil
				if k.onlyRelease() {
					p.terminate(t)
				}
			case <-p.exited:
				alive = false
			case <-timeout:
				t.Fatalf("nothing happened at any of %v; the program says:\n%s", k.left(), p.tail())
			}
		}
		if !k.killed(p) {
			t.Fatalf("the program ended by itself:\n%s", p.tail())
		}
	}
	k.follow("")
	for _, m := range k.mistaken() {
		t.Error(m)
	}
	sent := put(0)
	for sent < records {
		sent = put(min(chunk, records-sent))
	}
	last := start("last", "--until-caught-up")
	select {
	case <-last.exited:
	case <-time.After(patient):
		t.Fatalf("the last run does not end:\n%s", last.tail())
	}
	if code := last.command.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("the last run ends with %d:\n%s", code, last.tail())
	}
	client, err := ask.Dial(t.Context(), servers.SnowflakeURL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	rows, distinct, err := count(t.Context(), client, strings.ToUpper(stream))
	if err != nil {
		t.Fatal(err)
	}
	summary := fmt.Sprintf("rows=%d distinct=%d sent=%d kills=%d", rows, distinct, sent, kills)
	fmt.Println(summary, "time="+time.Since(begun).Round(100*time.Millisecond).String())
	if rows != int64(sent) || distinct != int64(sent) {
		t.Error(summary)
	}
	// The records bear the numbers 0 to sent-1: not just as many as were sent are there, but those.
	answer, err := client.Query(t.Context(), "SELECT COUNT(DISTINCT n), MIN(n), MAX(n) FROM "+stream)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(answer.Rows[0]), fmt.Sprintf("[{%d true} {0 true} {%d true}]", sent, sent-1); got != want {
		t.Errorf("distinct numbers, first and last are %s, want %s", got, want)
	}
}

// putter returns a function that sends n more records, each with a number of its own, and returns how many were sent in all.
func putter(t *testing.T, servers *stack.Stack, stream string) func(n int) int {
	sent := 0
	return func(n int) int {
		batch := make([]produce.Record, n)
		for i := range batch {
			data := fmt.Sprintf(`{"n":%d,"name":"record number %d","ratio":%d.25,"tags":["a",{"b":%d}]}`, sent, sent, sent%100, sent)
			batch[i] = produce.Record{PartitionKey: fmt.Sprint("key-", sent), Data: []byte(data)}
			sent++
		}
		if err := (produce.Local{Server: servers.Kinesis}).Put(t.Context(), stream, batch); err != nil {
			t.Fatal(err)
		}
		return sent
	}
}
