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
	killsFlag = flag.Int("kills", 4, "how many processes TestCrashAtRandom kills, at least")
	seedFlag  = flag.Uint64("seed", 0, "what decides whom TestCrashAtRandom hits, how and when; 0 picks one and prints it")
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
	f.portion = crashRecords / (len(acts) + 1)
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
	portion int // records that come between two acts

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

// live lets a while pass, in which records come. No process ends by itself meanwhile.
func (f *fleet) live(d time.Duration) {
	f.t.Helper()
	const pieces = 4
	for range pieces {
		f.put(min(f.portion/pieces, crashRecords-f.sent))
		f.wait(d / pieces)
	}
}

func (f *fleet) wait(d time.Duration) {
	f.t.Helper()
	var ended *worker
	select {
	case <-time.After(d):
		return
	case <-f.workers[0].p.exited:
		ended = f.workers[0]
	case <-f.workers[1].p.exited:
		ended = f.workers[1]
	}
	f.t.Fatalf("%s ended by itself: %s\n%s", ended.p.worker, ended.p.command.ProcessState, ended.p.tail())
}

// some is one of the two, and the other.
func (f *fleet) some() (hit, other *worker) {
	i := f.rng.IntN(2)
	return f.workers[i], f.workers[1-i]
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
	if absent := f.moment(); f.rng.IntN(2) == 0 {
		select {
		case <-time.After(absent):
		case <-other.p.exited:
			f.t.Fatalf("%s ended by itself: %s\n%s", other.p.worker, other.p.command.ProcessState, other.p.tail())
		}
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
	f.wait(crashLease*6/5 + time.Duration(f.rng.Int64N(int64(2*crashLease))))
	w.p.signal(f.t, syscall.SIGCONT)
	if f.rng.IntN(3) == 0 {
		f.wait(time.Duration(f.rng.Int64N(int64(100 * time.Millisecond))))
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
