package main

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/ask"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

// timed is a bench with the default lease of 10 s, records that come all the time, and eyes on the leases.
type timed struct {
	*bench
	client *ask.Client
	next   time.Time // when records are due
}

func newTimed(b *testing.B, stream string, shards int) *timed {
	b.Helper()
	m := &timed{bench: newBench(b, stream, shards)}
	m.lease, m.interval = 10*time.Second, time.Second
	var err error
	if m.client, err = ask.Dial(b.Context(), m.servers.SnowflakeURL); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.client.Close() }) // the server ends next
	return m
}

// owners are the workers of the unfinished leases; "" of one that is free or just being handed over.
func (m *timed) owners() map[string]string {
	owners := map[string]string{}
	for _, item := range m.servers.DynamoDB.Items(m.stream + "-to-snowflake") {
		if key := item["leaseKey"].Text; strings.HasPrefix(key, "shardId-") && item["checkpoint"].Text != "SHARD_END" {
			owners[key] = item["leaseOwner"].Text
			if item["checkpointOwner"].Text != "" {
				owners[key] = ""
			}
		}
	}
	return owners
}

// shares are the numbers of leases by owner.
func (m *timed) shares() map[string]int {
	shares := map[string]int{}
	for _, owner := range m.owners() {
		shares[owner]++
	}
	return shares
}

// until lets records come until something holds, and tells how long that took.
func (m *timed) until(what string, holds func() bool) time.Duration {
	m.t.Helper()
	begun := time.Now()
	for !holds() {
		if now := time.Now(); now.Sub(begun) > 2*patient {
			m.t.Fatalf("%s: not within %s; shares %v", what, 2*patient, m.shares())
		} else if now.After(m.next) {
			m.next = now.Add(100 * time.Millisecond)
			m.put(50)
		}
		<-time.After(5 * time.Millisecond)
	}
	return time.Since(begun)
}

// shared reports whether n workers have equal shares.
func (m *timed) shared(n int) func() bool {
	return func() bool {
		shares := m.shares()
		least, most, all := 1<<30, 0, 0
		for owner, k := range shares {
			if owner == "" {
				return false
			}
			least, most, all = min(least, k), max(most, k), all+k
		}
		return len(shares) == n && most-least <= 1 && all == len(m.owners())
	}
}

// opened notes when each shard of a set is next begun to be read.
type opened struct {
	mu      sync.Mutex
	waiting map[string]bool
	last    time.Time
}

func (m *timed) watch(shards map[string]bool) *opened {
	o := &opened{waiting: shards}
	m.servers.Kinesis.SetHooks(kinesis.Hooks{After: func(c kinesis.Call) *kinesis.Fault {
		o.mu.Lock()
		defer o.mu.Unlock()
		if c.Op == "GetShardIterator" && o.waiting[c.Shard] {
			delete(o.waiting, c.Shard)
			o.last = time.Now()
		}
		return nil
	}})
	return o
}

func (o *opened) all() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting) == 0
}

func (m *timed) rows() int64 {
	m.t.Helper()
	rows, _, err := count(m.t.Context(), m.client, strings.ToUpper(m.stream))
	if err != nil {
		m.t.Fatal(err)
	}
	return rows
}

// BenchmarkTakeover measures how long it takes until the last shard of a worker that goes is begun to be read by another:
// killed, killed while it loads a batch (between UPDATE and COMMIT: its transaction stays open and holds the offsets'
// lock), or ended in good order. Until everything sent before that is in the table is the second figure. Leases last 10 s.
func BenchmarkTakeover(b *testing.B) {
	for name, end := range map[string]func(m *timed, victim *process) time.Time{
		"killed": func(_ *timed, victim *process) time.Time {
			victim.kill()
			return time.Now()
		},
		"terminated": func(m *timed, victim *process) time.Time {
			victim.signal(m.t, syscall.SIGTERM)
			return time.Now()
		},
		"killed-while-it-commits": (*timed).killInCommit,
	} {
		b.Run(name, func(b *testing.B) {
			m := newTimed(b, "takeover", 24)
			m.put(100)
			members := map[string]*process{}
			for i := range 3 {
				worker := fmt.Sprint("member-", i)
				members[worker] = m.start(stack.Pipeline{WorkerID: worker})
			}
			for i := range b.N {
				m.until("equal shares", m.shared(len(members)))
				m.until("rows", func() bool { return m.rows() > 0 })
				worker := fmt.Sprint("member-", i)
				theirs := map[string]bool{}
				for shard, owner := range m.owners() {
					if owner == worker {
						theirs[shard] = true
					}
				}
				o := m.watch(theirs)
				at := end(m, members[worker])
				sent := m.sent
				m.until("the shards are read again", o.all)
				b.ReportMetric(o.last.Sub(at).Seconds(), "s-until-read")
				m.until("what was sent is loaded", func() bool { return m.rows() >= int64(sent) })
				b.ReportMetric(time.Since(at).Seconds(), "s-until-loaded")
				delete(members, worker)
				worker = fmt.Sprint("member-", i+len(members)+1)
				members[worker] = m.start(stack.Pipeline{WorkerID: worker})
			}
		})
	}
}

// killInCommit kills a worker when Snowflake has done the UPDATE of its next batch.
func (m *timed) killInCommit(victim *process) time.Time {
	var mu sync.Mutex
	var loading int64 // the session
	done := make(chan time.Time, 1)
	m.servers.Snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Class == "COPY" && strings.Contains(e.SQL, "/"+victim.worker+"/"):
			loading = e.Session
		case e.Class == "UPDATE" && e.Session == loading && loading != 0:
			victim.kill()
			<-victim.exited
			loading = 0
			done <- time.Now()
			return &snowflake.Fault{Cut: true}
		}
		return nil
	}})
	var at time.Time
	m.until("a commit", func() bool {
		select {
		case at = <-done:
			return true
		default:
			return false
		}
	})
	m.servers.Snowflake.SetHooks(snowflake.Hooks{})
	return at
}

// BenchmarkJoin measures how long it takes until a worker that joins one with 100 shards has half of them.
func BenchmarkJoin(b *testing.B) {
	m := newTimed(b, "joined", 100)
	m.put(100)
	m.start(stack.Pipeline{WorkerID: "first"})
	m.until("the first has all", m.shared(1))
	for b.Loop() {
		p := m.start(stack.Pipeline{WorkerID: "second"})
		b.ReportMetric(m.until("equal shares", m.shared(2)).Seconds(), "s-until-shared")
		p.signal(b, syscall.SIGTERM)
		<-p.exited
		m.until("the first has all again", m.shared(1))
	}
}

// BenchmarkFirstRecord measures how long the first start takes until the first row is in the table, which it creates.
func BenchmarkFirstRecord(b *testing.B) {
	for b.Loop() {
		m := newTimed(b, "first", 4)
		m.put(10)
		m.next = time.Now().Add(time.Hour)
		m.start(stack.Pipeline{WorkerID: "first"})
		b.ReportMetric(m.until("a row", func() bool { return m.rows() > 0 }).Seconds(), "s-until-loaded")
	}
}

// BenchmarkIdleRequests counts the requests to DynamoDB a minute for 100 idle shards.
func BenchmarkIdleRequests(b *testing.B) {
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			m := newTimed(b, "idle", 100)
			for i := range workers {
				m.start(stack.Pipeline{WorkerID: fmt.Sprint("member-", i)})
			}
			m.until("equal shares", m.shared(workers))
			for b.Loop() {
				before := m.servers.DynamoDB.Counters()
				<-time.After(time.Minute)
				all := 0
				for op, c := range m.servers.DynamoDB.Counters() {
					n := c.Calls - before[op].Calls
					if all += n; n > 0 {
						b.ReportMetric(float64(n), op+"/min")
					}
				}
				b.ReportMetric(float64(all), "requests/min")
			}
		})
	}
}
