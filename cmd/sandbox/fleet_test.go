package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

var (
	minutesFlag   = flag.Int("minutes", 0, "how long TestFleet lasts, with 8 workers, 64 shards and a million records; 0 is a short one with fewer of all")
	fleetSeedFlag = flag.Uint64("fleet-seed", 0, "what decides whom TestFleet hits, how and when; 0 picks one and prints it")
)

// fleetSize is what TestFleet works with.
type fleetSize struct {
	workers, shards, records int
	lease, interval          time.Duration
	pause                    time.Duration // of a stopped worker: longer than its leases last
	lasts                    time.Duration
	act                      time.Duration // between two acts, on average
}

func sizeOf(minutes int) fleetSize {
	if minutes == 0 {
		return fleetSize{workers: 3, shards: 9, records: 30_000, lease: crashLease, interval: 100 * time.Millisecond,
			pause: 3 * crashLease, lasts: 12 * time.Second, act: time.Second}
	}
	return fleetSize{workers: 8, shards: 64, records: 1_000_000, lease: 10 * time.Second, interval: time.Second,
		pause: 30 * time.Second, lasts: time.Duration(minutes) * time.Minute, act: 6 * time.Second}
}

// TestFleet has many of the real program share one stream, a tenth of whose records come in aggregates, while at random
// they are killed, stopped and woken, ended in good order, joined by new ones, and the stream reshards. What is done to
// one goes on while others are hit. In the end every record must be in the table, once.
//
// The seed fixes what is done and after which pauses, not what the processes do in between.
func TestFleet(t *testing.T) {
	t.Parallel()
	seed := *fleetSeedFlag
	for seed == 0 {
		seed = rand.Uint64N(1_000_000)
	}
	size := sizeOf(*minutesFlag)
	fmt.Printf("fleet: workers=%d shards=%d records=%d minutes=%d seed=%d\n", size.workers, size.shards, size.records, *minutesFlag, seed)
	b := newBench(t, "fleet", size.shards)
	b.lease, b.interval, b.aggregated = size.lease, size.interval, 10
	c := &crew{bench: b, size: size, rng: rand.New(rand.NewPCG(seed, 0)), done: map[string]int{}}
	begun := time.Now()
	for range size.workers {
		c.join()
	}
	c.run(begun)
	for _, m := range c.members {
		m.p.signal(t, syscall.SIGCONT) // the kernel keeps a kill of a stopped process, too, but a wait for it would be longer
		c.kill(m)
	}
	c.put(size.records - c.sent)
	c.finish(fmt.Sprintf("kills=%d stopped=%d terminations=%d joins=%d reshards=%d starts=%d time=%s seed=%d", c.done["kill"], c.done["stop"],
		c.done["terminate"], c.done["join"], c.done["reshard"], len(c.started), time.Since(begun).Round(100*time.Millisecond), seed))
}

// member is one of the crew's running processes.
type member struct {
	p      *process
	wake   time.Time // it is stopped until then
	ending bool      // it was told to end
}

// crew is a fleet of processes that come and go. Its one goroutine is the test's.
type crew struct {
	*bench
	size    fleetSize
	rng     *rand.Rand
	members []*member
	named   int
	due     []errand
	done    map[string]int // acts by name
}

// errand is something to do at a time.
type errand struct {
	at time.Time
	do func()
}

// run lets records come and acts happen until the time is over.
func (c *crew) run(begun time.Time) {
	c.t.Helper()
	end := begun.Add(c.size.lasts)
	next := begun.Add(c.pause())
	for now := time.Now(); now.Before(end); now = time.Now() {
		// Records come evenly, but for some that are left for the last moments.
		due := int(float64(c.size.records) * 0.97 * float64(now.Sub(begun)) / float64(c.size.lasts))
		c.put(max(0, due-c.sent))
		c.look()
		if !now.Before(next) {
			c.act()
			next = now.Add(c.pause())
		}
		for i := 0; i < len(c.due); i++ {
			if l := c.due[i]; !now.Before(l.at) {
				c.due = slices.Delete(c.due, i, i+1)
				i--
				l.do()
			}
		}
		<-time.After(tick)
	}
}

func (c *crew) pause() time.Duration {
	return c.size.act/4 + time.Duration(c.rng.Int64N(int64(c.size.act*3/2)))
}

// look takes leave of those that were told to end; no other may.
func (c *crew) look() {
	c.t.Helper()
	c.members = slices.DeleteFunc(c.members, func(m *member) bool {
		select {
		case <-m.p.exited:
		default:
			return false
		}
		status, _ := m.p.command.ProcessState.Sys().(syscall.WaitStatus)
		// A process that is told to end before it listens for that is ended by the kernel.
		if !m.ending || status.ExitStatus() != 0 && (status.Signal() != syscall.SIGTERM || m.p.said() != "") {
			c.t.Fatalf("%s ended by itself: %s\n%s", m.p.worker, m.p.command.ProcessState, m.p.tail())
		}
		c.after(0, c.size.lease, c.join)
		return true
	})
}

// after puts something off for a random time between two.
func (c *crew) after(least, most time.Duration, do func()) {
	c.due = append(c.due, errand{time.Now().Add(least + time.Duration(c.rng.Int64N(int64(most-least)+1))), do})
}

func (c *crew) join() {
	c.t.Helper()
	c.named++
	c.members = append(c.members, &member{p: c.start(stack.Pipeline{WorkerID: fmt.Sprintf("member-%03d", c.named)})})
	c.done["join"]++
}

// awake is one that neither is stopped nor ends, or nil.
func (c *crew) awake() *member {
	var all []*member
	for _, m := range c.members {
		if m.wake.IsZero() && !m.ending {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[c.rng.IntN(len(all))]
}

// act does one thing to one of the crew, or to the stream.
func (c *crew) act() {
	c.t.Helper()
	m := c.awake()
	kind := c.rng.IntN(10)
	switch {
	case kind < 3 && m != nil:
		c.done["kill"]++
		c.kill(m)
		c.members = slices.DeleteFunc(c.members, func(x *member) bool { return x == m })
		c.after(0, 2*c.size.lease, c.join)
	case kind < 5 && m != nil:
		c.done["stop"]++
		m.p.signal(c.t, syscall.SIGSTOP)
		m.wake = time.Now().Add(c.size.pause)
		c.after(c.size.pause, c.size.pause, func() {
			m.wake = time.Time{}
			m.p.signal(c.t, syscall.SIGCONT)
		})
	case kind < 7 && m != nil:
		c.done["terminate"]++
		m.ending = true
		m.p.signal(c.t, syscall.SIGTERM)
	case kind < 8 && len(c.members) < c.size.workers+2:
		c.join()
	default:
		c.done["reshard"]++
		c.reshard()
	}
}

func (c *crew) kill(m *member) {
	m.p.kill()
	<-m.p.exited
}
