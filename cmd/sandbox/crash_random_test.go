package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/stack"
	"kinesis-snowflake/internal/standin/snowflake"
)

var (
	killsFlag = flag.Int("kills", 4, "how many processes TestCrashAtRandom kills, at least")
	seedFlag  = flag.Uint64("seed", 0, "what decides whom TestCrashAtRandom hits, how and when; 0 picks one and prints it")
)

const (
	tick        = 50 * time.Millisecond // between two portions of records
	ticksPerAct = 40                    // about, with the pause before it
)

// TestCrashAtRandom has two of the real program work on one pipeline, and at random moments kills one or both, stops one
// for longer than its lease lasts and wakes it again, or ends one in good order; each is then started again. Meanwhile
// records come and the stream reshards. In the end every record must be in the table, once.
//
// The seed fixes what is done and after which pauses, not what the processes do in between.
func TestCrashAtRandom(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	for seed == 0 {
		seed = rand.Uint64N(1_000_000)
	}
	fmt.Printf("crashes at random: kills=%d seed=%d\n", *killsFlag, seed)
	begun := time.Now()
	f := &fleet{bench: newBench(t, "random", 4), rng: rand.New(rand.NewPCG(seed, 0))}
	acts := f.plan(*killsFlag)
	f.servers.Snowflake.SetHooks(f.loading.hooks())
	f.portion = crashRecords / len(acts) / ticksPerAct
	for i := range f.workers {
		f.workers[i] = &worker{name: fmt.Sprintf("fleet-%c", 'a'+i), renamed: i == 1}
		f.launch(f.workers[i])
	}
	for _, act := range acts {
		f.live(f.moment())
		act()
	}
	f.live(f.moment())
	for _, w := range f.workers {
		f.kill(w)
	}
	f.put(crashRecords - f.sent)
	f.finish(fmt.Sprintf("kills=%d both_at_once=%d zombies=%d terminations=%d reshards=%d starts=%d time=%s seed=%d",
		f.kills, f.doubles, f.zombies, f.terminations, f.shaped, len(f.started), time.Since(begun).Round(100*time.Millisecond), seed))
}

// worker is one of the two places of the fleet, where one process follows another.
type worker struct {
	name    string
	renamed bool // each process has a name of its own; otherwise all have the same, as in a Kubernetes StatefulSet
	runs    int
	p       *process
}

// fleet hits two workers at random. Its one goroutine is the test's.
type fleet struct {
	*bench
	rng     *rand.Rand
	workers [2]*worker
	portion int // records that come in a tick
	loading loading

	kills, doubles, zombies, terminations int
}

// plan puts what is to be done in a random order: the kills, and in proportion to them, but at least once each, the rest.
func (f *fleet) plan(kills int) []func() {
	var acts []func()
	add := func(n int, act func()) { acts = append(acts, slices.Repeat([]func(){act}, n)...) }
	both := max(1, kills/8)
	add(max(0, kills-2*both), f.killOne)
	add(both, f.killBoth)
	add(max(1, kills/5), f.pauseOne)
	add(max(1, kills/6), f.terminateOne)
	add(max(2, kills/4), f.reshard)
	f.rng.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	return acts
}

func (f *fleet) launch(w *worker) {
	f.t.Helper()
	name := w.name
	if w.renamed {
		name = fmt.Sprintf("%s-%d", w.name, w.runs)
	}
	w.runs++
	w.p = f.start(stack.Pipeline{WorkerID: name})
}

// moment is a pause: as often within the start or a batch or two as long enough for leases to expire and be taken.
func (f *fleet) moment() time.Duration {
	if f.rng.IntN(2) == 0 {
		return time.Duration(f.rng.Int64N(int64(400 * time.Millisecond)))
	}
	return time.Duration(f.rng.Int64N(int64(5 * crashLease / 2)))
}

// live lets a while pass, in which records come and neither worker may end by itself.
func (f *fleet) live(d time.Duration) {
	f.t.Helper()
	f.watch(d, nil, f.workers[:]...)
}

// watch lets a while pass, or less if until is closed, in which records come and none of the workers may end by itself.
func (f *fleet) watch(d time.Duration, until <-chan struct{}, workers ...*worker) {
	f.t.Helper()
	for end := time.After(d); ; {
		// The later, the fewer: some are left for the last moments.
		f.put(min(f.portion, (crashRecords-f.sent+19)/20))
		select {
		case <-end:
			return
		case <-until:
			return
		case <-time.After(tick):
		}
		for _, w := range workers {
			select {
			case <-w.p.exited:
				f.t.Fatalf("%s ended by itself: %s\n%s", w.p.worker, w.p.command.ProcessState, w.p.tail())
			default:
			}
		}
	}
}

// some is one of the two, and the other. As often as not the first is just loading a batch.
func (f *fleet) some() (hit, other *worker) {
	f.t.Helper()
	i := f.rng.IntN(2)
	hit, other = f.workers[i], f.workers[1-i]
	if f.rng.IntN(2) == 0 {
		f.watch(2*crashLease, f.loading.next(hit.p.worker), f.workers[:]...)
		f.live(time.Duration(f.rng.Int64N(int64(500 * time.Millisecond))))
	}
	return hit, other
}

func (f *fleet) kill(w *worker) {
	w.p.kill()
	<-w.p.exited
	f.kills++
}

// killOne kills one, and starts it again at once or after the other had time to take its shards.
func (f *fleet) killOne() {
	w, other := f.some()
	f.kill(w)
	if f.rng.IntN(2) == 0 {
		f.watch(f.moment(), nil, other)
	}
	f.launch(w)
}

func (f *fleet) killBoth() {
	f.doubles++
	for _, w := range f.workers {
		f.kill(w)
	}
	for _, w := range f.workers {
		f.launch(w)
	}
}

// pauseOne stops one for longer than a lease lasts, as a swapping machine or a moving one does, and lets it go on: it must notice what it has lost.
// Now and then it is killed just after, among the last things it does in error.
func (f *fleet) pauseOne() {
	w, _ := f.some()
	f.zombies++
	w.p.signal(f.t, syscall.SIGSTOP)
	f.live(crashLease*6/5 + time.Duration(f.rng.Int64N(int64(2*crashLease))))
	w.p.signal(f.t, syscall.SIGCONT)
	if f.rng.IntN(3) == 0 {
		f.live(time.Duration(f.rng.Int64N(int64(100 * time.Millisecond))))
		f.kill(w)
		f.launch(w)
	}
}

// terminateOne asks one to end, which it does within its shutdown_timeout and without an error.
func (f *fleet) terminateOne() {
	w, _ := f.some()
	f.terminations++
	w.p.signal(f.t, syscall.SIGTERM)
	select {
	case <-w.p.exited:
	case <-time.After(patient):
		f.t.Fatalf("%s does not end when it is told to:\n%s", w.p.worker, w.p.tail())
	}
	// A process that is told to end before it listens for that is ended by the kernel.
	status, _ := w.p.command.ProcessState.Sys().(syscall.WaitStatus)
	if status.ExitStatus() != 0 && (status.Signal() != syscall.SIGTERM || w.p.said() != "") {
		f.t.Errorf("%s ends with %s when it is told to:\n%s", w.p.worker, w.p.command.ProcessState, w.p.tail())
	}
	f.launch(w)
}

// loading has Snowflake take its time over a batch, as the service does, so that a commit is long enough to be hit, and what
// a dead worker asked for is done while its successor is at work already.
type loading struct {
	mu     sync.Mutex
	worker string // whose COPY is waited for
	begun  chan struct{}
}

// next is closed when the worker begins to load a batch.
func (l *loading) next(worker string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worker, l.begun = worker, make(chan struct{})
	return l.begun
}

// see looks at a COPY, which names its files by table, worker and batch.
func (l *loading) see(sql string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun != nil && strings.Contains(sql, "/"+l.worker+"/") {
		close(l.begun)
		l.begun = nil
	}
}

func (l *loading) hooks() snowflake.Hooks {
	wait := func(most time.Duration) *snowflake.Fault {
		over := make(chan struct{})
		time.AfterFunc(time.Duration(rand.Int64N(int64(most))), func() { close(over) })
		return &snowflake.Fault{Wait: over}
	}
	return snowflake.Hooks{
		Before: func(e snowflake.Event) *snowflake.Fault {
			switch {
			case e.User != stack.Loader:
				return nil
			case e.Class == "COPY":
				l.see(e.SQL)
				return wait(300 * time.Millisecond)
			case e.Class == "COMMIT", e.Class == "UPDATE":
				return wait(100 * time.Millisecond)
			}
			return nil
		},
		After: func(e snowflake.Event) *snowflake.Fault {
			if e.User == stack.Loader && e.Class == "COMMIT" {
				return wait(100 * time.Millisecond)
			}
			return nil
		},
	}
}
