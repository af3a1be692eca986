package simulation

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/lease"
)

// Options say what to simulate.
type Options struct {
	Seed   uint64
	Broken mutant.Set
	Trace  io.Writer // receives a line for everything that happens; may be nil
}

// Result is what became of a simulation.
type Result struct {
	Err     error  // the first rule that was broken
	Hash    uint64 // of all that happened
	Events  int
	Virtual time.Duration
	Rows    int64 // user records in the table
	Shards  int
	Commits int64
	Rested  time.Duration // from the calm until everything was at rest
	Reread  time.Duration // the longest that a shard waited for a reader after its worker had died, beside membership changes
	Moves   int           // leases handed over
	Latest  time.Duration // the longest time from a change of the membership, or of the shards, to a lease handed over
	Changes int           // of the membership, or of the shards
}

// What the hash is told.
const (
	noteStart = iota + 1
	noteCrash
	noteLeases
	noteDelivery
	noteWrite
	noteCommit
	noteReshard
	noteFault
	noteTrouble
)

// Simulation is one run.
type Simulation struct {
	loop
	opts    Options
	plan    plan
	faults  faults
	stream  *stream
	table   *leaseTable
	cloud   *cloud
	oracle  *oracle
	workers []*worker
	err     error
	rested  time.Duration
}

// patience returns how long the calm may last until everything is in the table and at rest. Where there was trouble,
// transactions may be open and everybody may be behind.
func (s *Simulation) patience() time.Duration {
	if s.plan.quiet && s.plan.workers < 10 {
		return 90 * time.Second
	}
	return 6 * time.Minute
}

// stillness is how long the rest is watched.
const stillness = 40 * time.Second

// Run simulates one seed.
func Run(o Options) Result {
	s := &Simulation{opts: o}
	s.loop.rng, s.loop.trace = rand.New(rand.NewPCG(o.Seed, 0x5eed)), o.Trace
	s.draw()
	s.stream = newStream(s, s.plan.shards)
	s.table = &leaseTable{s: s}
	s.cloud = &cloud{s: s, files: map[string]*stagedFile{}, done: map[string]bool{}}
	s.oracle = newOracle(s)
	if s.trace != nil {
		s.say("seed %d: %+v %+v", o.Seed, s.plan, s.faults)
	}
	if s.plan.kcl {
		s.inherit()
	}
	for range s.plan.workers {
		w := s.join()
		s.after(s.upTo(3*time.Second), w.start)
	}
	s.after(s.often(s.faults.trouble), s.trouble)
	if s.plan.reshard > 0 {
		s.after(s.often(s.plan.reshard), s.reshards)
	}
	s.after(5*time.Second, s.forgetting)

	s.until(s.plan.calm, s.failed)
	s.settle()
	s.rest()
	for _, w := range s.workers {
		if w.p != nil && !w.p.dead {
			w.p.dead = true
			w.p.loader.kill()
		}
	}
	res := Result{Err: s.err, Hash: s.hash, Events: s.events, Virtual: s.now, Shards: len(s.stream.shards), Commits: s.cloud.commits,
		Rested: s.rested, Reread: s.oracle.reread, Latest: s.oracle.latest, Moves: s.oracle.handovers, Changes: s.oracle.changes}
	for _, sh := range s.stream.shards {
		res.Rows += sh.done - sh.base
	}
	return res
}

// rest waits for everything to be in the table and every worker to have its share, and then looks whether it stays so.
func (s *Simulation) rest() {
	o := s.oracle
	for why := o.unrest(); why != ""; why = o.unrest() {
		if limit := s.patience(); s.now >= s.plan.calm+limit {
			s.fail("nothing failed for %v, and %s", limit, why)
		}
		if s.until(s.now+time.Second, s.failed); s.err != nil {
			return
		}
	}
	s.rested = s.now - s.plan.calm
	opens := o.opens
	s.until(s.now+stillness, s.failed)
	if s.err != nil {
		return
	}
	if n := o.opens - opens; n > 0 {
		s.fail("%d leases changed hands after everything was at rest", n)
	}
	if why := o.unrest(); why != "" {
		s.fail("it was at rest, and then %s", why)
	}
}

// fail keeps the first rule that is broken.
func (s *Simulation) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("at %v: "+format, append([]any{s.now}, args...)...)
		if s.trace != nil {
			s.say("BROKEN: %v", s.err)
		}
	}
}

func (s *Simulation) failed() bool { return s.err != nil }

func (s *Simulation) join() *worker {
	w := &worker{s: s, n: len(s.workers), name: fmt.Sprintf("worker-%d", len(s.workers))}
	s.workers = append(s.workers, w)
	return w
}

// settle ends the faults: everybody is back, reachable, and stays.
func (s *Simulation) settle() {
	s.faults = faults{}
	for _, w := range s.workers {
		w.cut = [services]time.Duration{}
		if w.p == nil || w.p.dead && !w.leaves {
			w.start()
		}
	}
	if s.trace != nil {
		s.say("calm: %d workers alive, %d shards", s.alive(), len(s.stream.shards))
	}
}

func (s *Simulation) reshards() {
	if s.now >= s.plan.produce {
		return
	}
	s.stream.reshard()
	s.after(time.Second+s.often(s.plan.reshard), s.reshards)
}

func (s *Simulation) forgetting() {
	s.stream.forget()
	s.after(5*time.Second, s.forgetting)
}

// inherit makes the leases that a stopped KCL application has left: some begun, some inside of an aggregate, some still
// owned.
func (s *Simulation) inherit() {
	for _, sh := range s.stream.shards {
		l := lease.Lease{Key: sh.id, Checkpoint: row.Position{Sequence: row.TrimHorizon}, Counter: s.rng.Int64N(1000),
			StartHash: sh.info.StartHash, EndHash: sh.info.EndHash}
		if n := sh.records(0); n > 0 && !s.once(4) {
			k := s.rng.IntN(n)
			l.Checkpoint = row.Position{Sequence: sequence(k), Subsequence: s.rng.Int64N(sh.size(k))}
			if s.once(8) {
				l.Checkpoint.Subsequence = 1<<63 - 1 // the whole record
			}
			sh.base = sh.upTo(l.Checkpoint)
			sh.done = sh.base
		}
		if s.once(2) {
			l.Owner = "java"
		}
		i, _ := s.table.find(l.Key)
		s.table.rows = slices.Insert(s.table.rows, i, l)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sortedInts[V any](m map[int]V) []int { return slices.Sorted(maps.Keys(m)) }
