package simulation

import (
	"flag"
	"sync/atomic"
	"testing"

	"kinesis-snowflake/internal/mutant"
)

var mutantSeeds = flag.Int("mutantseeds", 500, "how many seeds a mutant may survive")

var mutants = []struct {
	name string
	rule mutant.Set
}{
	{"NoSelfFence", mutant.NoSelfFence},
	{"MonotonicFence", mutant.MonotonicFence},
	{"ClockExpiry", mutant.ClockExpiry},
	{"FirstSightExpired", mutant.FirstSightExpired},
	{"ScannedStart", mutant.ScannedStart},
	{"ChildBeforeParent", mutant.ChildBeforeParent},
	{"EarlyTransfer", mutant.EarlyTransfer},
	{"CheckpointBeforeCommit", mutant.CheckpointBeforeCommit},
	{"FinishBeforeCommit", mutant.FinishBeforeCommit},
	{"NoSkip", mutant.NoSkip},
	{"KeepDeadParts", mutant.KeepDeadParts},
	{"SequenceOnly", mutant.SequenceOnly},
	{"NoEpochBump", mutant.NoEpochBump},
	{"OutcomeByPosition", mutant.OutcomeByPosition},
	{"UncheckedMove", mutant.UncheckedMove},
	{"UnlockedResolve", mutant.UnlockedResolve},
	{"SweepFresh", mutant.SweepFresh},
	{"BlindRetry", mutant.BlindRetry},
	{"UnmarkedAcquire", mutant.UnmarkedAcquire},
	{"BelievedCommit", mutant.BelievedCommit},
	{"MonotonicCommit", mutant.MonotonicCommit},
}

// Each rule that is broken on purpose is noticed: a simulation that notices nothing would prove nothing.
func TestMutantsAreCaught(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			var caught atomic.Bool
			var tried atomic.Int64
			many(1, *mutantSeeds, func(seed uint64) bool {
				if caught.Load() || seed%bigEvery == 0 {
					return !caught.Load()
				}
				tried.Add(1)
				res := Run(Options{Seed: seed, Broken: m.rule})
				// A seed that fails as it is would prove nothing.
				if res.Err != nil && Run(Options{Seed: seed}).Err == nil && !caught.Swap(true) {
					t.Logf("caught by seed %d, the %d. tried: %v", seed, tried.Load(), res.Err)
				}
				return !caught.Load()
			})
			if !caught.Load() {
				t.Errorf("%d seeds did not notice", tried.Load())
			}
		})
	}
}
