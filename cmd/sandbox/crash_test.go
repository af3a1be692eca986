package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

// TestEveryRecordOnceThroughCrashes kills the real program once at every step that writes somewhere, while the stream
// reshards, and starts it again. In the end every record must be in the table, once.
func TestEveryRecordOnceThroughCrashes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "crashes", 8)
	k := newKiller()
	b.servers.Snowflake.SetHooks(k.snowflakeHooks())
	b.servers.DynamoDB.SetHooks(k.dynamoHooks())
	begun := time.Now()
	kills := len(k.left())
	chunk := crashRecords / (kills + 1) / 2
	for run := 0; len(k.left()) > 0; run++ {
		if run == 2*kills {
			t.Fatalf("after %d runs these steps have not come: %v", run, k.left())
		}
		b.put(chunk)
		worker := fmt.Sprintf("worker-%d.", run)
		committed := k.follow(worker)
		p := b.start(stack.Pipeline{WorkerID: worker})
		k.hunt(p)
		if run%4 == 1 {
			b.reshard()
		}
		b.put(chunk)
		timeout := time.After(patient)
		for alive := true; alive; {
			select {
			case <-committed:
				committed = nil
				if k.onlyRelease() {
					p.signal(t, syscall.SIGTERM)
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
	b.put(crashRecords - b.sent)
	b.finish(fmt.Sprintf("kills=%d time=%s", kills, time.Since(begun).Round(100*time.Millisecond)))
}
