package lease

import (
	"container/heap"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// simulation runs several machines over one store in one thread: calls take time, answers get lost, workers pause, are
// suspended, crash and come back. Its rules are checked at every step.
type simulation struct {
	rng      *rand.Rand
	now      time.Duration
	queue    timeline
	seq      int
	store    *memory
	stream   map[string]Shard
	ends     map[string]int // records of a shard; a shard without an entry never ends
	workers  []*simWorker
	calm     bool // no more faults
	duration time.Duration
	trace    io.Writer
	sum      func() uint64
	written  map[string]row.Position // the highest checkpoint ever in a row
	taken    map[string]bool         // shards that were opened at all
	err      error
	broken   mutant.Set
}

var simEpoch = time.Unix(1_700_000_000, 0)

func newSimulation(seed uint64, workers int) *simulation {
	hash := fnv.New64a()
	s := &simulation{
		rng: rand.New(rand.NewPCG(seed, 1)), store: newMemory(), duration: 10 * time.Second,
		written: map[string]row.Position{}, taken: map[string]bool{}, trace: hash, sum: hash.Sum64,
	}
	s.stream, s.ends = simStream()
	s.join(workers)
	return s
}

// join starts workers, not all at the same moment.
func (s *simulation) join(n int) {
	for range n {
		w := &simWorker{s: s, id: len(s.workers), name: fmt.Sprint("worker-", len(s.workers))}
		s.workers = append(s.workers, w)
		s.after(time.Duration(s.rng.IntN(int(2*time.Second))), w.start)
	}
}

// simStream has a split, a merge of a child with another shard, and open shards at the end:
//
//	0 -> 3, 4    1 and 4 -> 5    2 and 3 stay open, and so does 5
func simStream() (map[string]Shard, map[string]int) {
	const top = "340282366920938463463374607431768211455"
	shards := map[string]Shard{
		"s0": {ID: "s0", StartHash: "0", EndHash: "99", Closed: true},
		"s1": {ID: "s1", StartHash: "100", EndHash: "199", Closed: true},
		"s2": {ID: "s2", StartHash: "200", EndHash: top},
		"s3": {ID: "s3", Parents: []string{"s0"}, StartHash: "0", EndHash: "49"},
		"s4": {ID: "s4", Parents: []string{"s0"}, StartHash: "50", EndHash: "99", Closed: true},
		"s5": {ID: "s5", Parents: []string{"s1", "s4"}, StartHash: "50", EndHash: "199"},
	}
	return shards, map[string]int{"s0": 20, "s1": 4, "s4": 10}
}

func (s *simulation) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("at %v: %s", s.now, fmt.Sprintf(format, args...))
	}
}

func (s *simulation) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.queue, event{s.now + max(d, 0), s.seq, do})
}

func (s *simulation) run(until time.Duration) {
	for s.err == nil && len(s.queue) > 0 && s.queue[0].at <= until {
		e := heap.Pop(&s.queue).(event)
		s.now = e.at
		e.do()
		s.check()
	}
	s.now = max(s.now, until)
}

// check holds the rule that leases are for: of the workers that are running, one at most believes that it has a shard.
func (s *simulation) check() {
	owner := map[string]string{}
	for _, w := range s.workers {
		// One that was away looks at its clocks within a tenth of the duration.
		if w.m == nil || w.dead || w.until > 0 && s.now <= w.until+s.duration/fenceParts {
			continue
		}
		for _, key := range sortedKeys(w.m.entries) {
			e := w.m.entries[key]
			if e.op != nil && (e.op.kind == opRelease || e.op.kind == opEnd) {
				continue // its reader has ended, and the answer is on its way
			}
			if e.held == nil {
				continue
			}
			if owner[key] != "" {
				s.fail("%s and %s both hold %s", owner[key], w.name, key)
			}
			owner[key] = w.name
		}
	}
}

func (s *simulation) list(start *Start) Listing {
	var l Listing
	for _, id := range sortedKeys(s.stream) {
		if sh := s.stream[id]; start == nil || len(sh.Parents) == 0 {
			l.Shards = append(l.Shards, sh)
		}
	}
	return l
}

func (s *simulation) apply(write Write) (l Lease, err error) {
	ctx := context.Background()
	switch {
	case write.Create != nil:
		err = s.store.Create(ctx, *write.Create)
	case write.Delete != nil:
		err = s.store.Delete(ctx, write.Delete.Key, write.Delete.Counter)
	default:
		if l, err = s.store.Update(ctx, *write.Update); err == nil {
			if before := s.written[l.Key]; l.Checkpoint.Compare(before) < 0 {
				s.fail("the checkpoint of %s went from %v back to %v", l.Key, before, l.Checkpoint)
			}
			s.written[l.Key] = l.Checkpoint
			if l.Finished() {
				for _, id := range sortedKeys(s.stream) {
					if slices.Contains(s.stream[id].Parents, l.Key) && s.store.row(id).Key == "" {
						s.fail("%s ended before its child %s had a row", l.Key, id)
					}
				}
			}
		}
	}
	return l, err
}

func (s *simulation) latency() time.Duration {
	return 2*time.Millisecond + time.Duration(s.rng.IntN(int(60*time.Millisecond)))
}

// chance is true once in n times while there are faults.
func (s *simulation) chance(n int) bool { return !s.calm && s.rng.IntN(n) == 0 }

// trouble does something to a worker every few seconds.
func (s *simulation) trouble() {
	if s.calm {
		return
	}
	w := s.workers[s.rng.IntN(len(s.workers))]
	span := time.Duration(s.rng.IntN(int(3 * s.duration)))
	what := s.rng.IntN(6)
	fmt.Fprintln(s.trace, s.now, w.name, "trouble", what, span)
	switch what {
	case 0: // stopped by a signal, or a long garbage collection
		w.until = max(w.until, s.now) + span
	case 1: // the virtual machine is suspended
		if s.now < w.fooled {
			break
		}
		w.fooled = max(w.until, s.now) + span + 2*s.duration
		w.frozen += span
		w.until = max(w.until, s.now) + span
	case 2: // crash
		if w.m != nil {
			w.dead = true
			w.until = 0
			s.after(span, func() {
				if w.dead {
					w.start()
				}
			})
		}
	case 3: // the wall clock is set
		if s.now < w.fooled {
			break
		}
		w.fooled = s.now + 2*s.duration
		w.skew += span - s.duration
	case 4: // graceful stop; a new process follows
		if w.m != nil && !w.dead {
			s.after(0, w.alive(func() {
				w.stopped = true
				w.m.Stop()
				w.advance()
			}))
		}
	}
	s.after(time.Duration(s.rng.IntN(int(s.duration))), s.trouble)
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type timeline []event

func (t timeline) Len() int { return len(t) }
func (t timeline) Less(i, j int) bool {
	return t[i].at < t[j].at || t[i].at == t[j].at && t[i].seq < t[j].seq
}
func (t timeline) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timeline) Push(x any)   { *t = append(*t, x.(event)) }
func (t *timeline) Pop() any {
	last := len(*t) - 1
	e := (*t)[last]
	*t = (*t)[:last]
	return e
}
