package lease

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/mutant"
)

// troubled runs minutes of trouble and then calm, in which everything must come to rest.
func troubled(seed uint64, workers int, broken mutant.Set) *simulation {
	s := newSimulation(seed, workers)
	s.broken = broken
	s.after(5*time.Second, s.trouble)
	s.run(4 * time.Minute)
	s.calm = true
	s.run(12 * time.Minute)
	return s
}

// Whatever happens to three workers: no shard has two of them, checkpoints never go back, no child begins before its
// parents have ended, and in the end everything is read.
func TestNoScheduleBreaksTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := troubled(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 4).Draw(t, "workers"), 0)
		if s.err != nil {
			t.Fatal(s.err)
		}
		for _, id := range sortedKeys(s.stream) {
			l, w := s.store.row(id), s.holder(id)
			if _, ends := s.ends[id]; ends {
				if !l.Finished() || l.Owner != "" {
					t.Errorf("%s did not end: %+v", id, l)
				}
			} else if !s.taken[id] || w == nil || l.Owner != w.name {
				t.Errorf("%s is read by nobody: %+v", id, l)
			}
		}
	})
}

func (s *simulation) holder(key string) *simWorker {
	for _, w := range s.workers {
		if w.m == nil || w.dead {
			continue
		}
		if e, ok := w.m.entries[key]; ok && e.held != nil && e.held.opened {
			return w
		}
	}
	return nil
}

func TestSameSeedSameRun(t *testing.T) {
	for seed := range uint64(5) {
		a, b := troubled(seed, 3, 0), troubled(seed, 3, 0)
		if a.sum() != b.sum() {
			t.Errorf("two runs of seed %d differ", seed)
		}
	}
}

// The simulation notices each rule that is broken on purpose.
func TestBrokenRulesAreNoticed(t *testing.T) {
	for name, rule := range map[string]mutant.Set{
		"NoSelfFence": mutant.NoSelfFence, "MonotonicFence": mutant.MonotonicFence, "ClockExpiry": mutant.ClockExpiry,
		"FirstSightExpired": mutant.FirstSightExpired, "ScannedStart": mutant.ScannedStart,
		"ChildBeforeParent": mutant.ChildBeforeParent, "EarlyTransfer": mutant.EarlyTransfer,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(100) {
				s := troubled(seed, 3, rule)
				if s.err != nil {
					t.Logf("seed %d: %v", seed, s.err)
					return
				}
			}
			t.Error("nothing was noticed")
		})
	}
}
