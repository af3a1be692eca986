package delivery

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// live lets dice rule for some steps, then lets everything succeed until all is loaded. It returns how a rule was broken,
// or "".
func live(w *world, steps int) (why string) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case broken:
			why = string(r)
		default:
			panic(r)
		}
	}()
	for range steps {
		w.step()
	}
	w.calm = true
	w.settle()
	return ""
}

func (w *world) step() {
	s := w.shards[w.dice("shard", len(w.shards))]
	switch w.dice("what", 16) {
	default:
		w.read(s)
	case 9, 10, 11:
		w.answer()
	case 12:
		w.now += time.Duration(w.dice("wait", 30)) * 100 * time.Millisecond
		w.advance()
	case 13:
		w.drain(s)
	case 14:
		if s.holding != nil && (s.holding.stolen || w.dice("lose", 4) > 2) {
			w.lose(s.holding)
		}
		if w.dice("flush", 4) > 2 {
			w.m.Flush(w.now)
			w.advance()
		}
	case 15:
		w.steal(s)
	}
}

// settle has every shard read to its end, every drain return and every batch committed.
func (w *world) settle() {
	for range 2000 {
		idle := true
		for _, s := range w.shards {
			if h := s.holding; h != nil && h.stolen && !h.told {
				w.lose(h)
			}
			if h := s.holding; s.finished && h == nil || h != nil && h.next == len(s.log) && h.in == nil && !s.end && !h.leaving && !h.told && h.read.Compare(s.lease) <= 0 {
				continue
			}
			idle = false
			w.read(s)
		}
		w.answer()
		if idle && w.op == nil && w.wake == Never {
			break
		}
		if w.op == nil && w.wake != Never {
			w.now = max(w.now, min(w.wake, w.now+time.Second))
			w.advance()
		}
	}
	for _, s := range w.shards {
		if h := s.holding; h != nil && h.leaving && !h.drained {
			w.breaks("%s is never drained", s.id)
		}
		w.complete(s, row.Position{Sequence: row.ShardEnd}, "end")
		if s.end != s.finished {
			w.breaks("%s finished: %t, want %t", s.id, s.finished, s.end)
		}
		if last := s.log[len(s.log)-1].at; !s.end && s.lease.Compare(last) < 0 {
			w.breaks("%s has checkpoint %v at the end, want %v", s.id, s.lease, last)
		}
		if s.holding != nil {
			w.release(s.holding)
		}
	}
	w.m.Stop(w.now)
	w.advance()
	if !w.done || len(w.refs) > 0 {
		w.breaks("done: %t, with %d shards remembered", w.done, len(w.refs))
	}
}

// Every row once and in order, no checkpoint and no end before its commit, every drain returned.
func TestEveryRowOnceWhateverHappens(t *testing.T) {
	numbers := make([]int, 32) // sampled, since rapid's own numbers are mostly small
	for i := range numbers {
		numbers[i] = i
	}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(0, func(what string, n int) int { return rapid.SampledFrom(numbers[:n]).Draw(t, what) })
		if why := live(w, 300); why != "" {
			t.Fatal(why)
		}
	})
}

// fate is a world whose dice are thrown by a seed.
func fate(seed uint64, broken mutant.Set) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	return newWorld(broken, func(_ string, n int) int { return rng.IntN(n) })
}

func TestEveryRowOnceInManyWorlds(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(3000) {
		w := fate(seed, 0)
		if why := live(w, 300); why != "" {
			t.Fatalf("seed %d: %s", seed, why)
		}
		for k, n := range w.kinds {
			seen[k] += n
		}
	}
	for _, k := range []string{"fenced", "files fail", "load fails", "commit's answer is lost", "acquire's answer is lost", "mark fails", "spool",
		fmt.Sprint("event ", Drained), fmt.Sprint("event ", Ahead), fmt.Sprint("verdict ", Full), fmt.Sprint("verdict ", Rewound)} {
		if seen[k] < 100 {
			t.Errorf("%s was seen %d times: the worlds are too kind", k, seen[k])
		}
	}
}

// Each rule that is broken on purpose breaks what the world holds.
func TestBrokenRulesAreNoticed(t *testing.T) {
	for name, rule := range map[string]mutant.Set{
		"CheckpointBeforeCommit": mutant.CheckpointBeforeCommit, "FinishBeforeCommit": mutant.FinishBeforeCommit,
		"NoSkip": mutant.NoSkip, "KeepDeadParts": mutant.KeepDeadParts,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(500) {
				if why := live(fate(seed, rule), 300); why != "" {
					t.Logf("seed %d: %s", seed, why)
					return
				}
			}
			t.Fatal("no world notices it")
		})
	}
}
