package simulation

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"sync/atomic"
	"testing"

	"kinesis-snowflake/internal/mutant"
)

var mutantSeeds = flag.Int("mutantseeds", 500, "how many seeds a broken rule may survive; one that few schedules show may survive four times as many")

var mutants = []struct {
	name string
	rule mutant.Set
	rare bool // few schedules show it
}{
	{"NoSelfFence", mutant.NoSelfFence, false},
	{"MonotonicFence", mutant.MonotonicFence, false},
	{"ClockExpiry", mutant.ClockExpiry, false},
	{"FirstSightExpired", mutant.FirstSightExpired, false},
	{"ScannedStart", mutant.ScannedStart, false},
	{"ChildBeforeParent", mutant.ChildBeforeParent, false},
	{"EarlyTransfer", mutant.EarlyTransfer, false},
	{"EarlyEnd", mutant.EarlyEnd, false},
	{"CheckpointBeforeCommit", mutant.CheckpointBeforeCommit, false},
	{"FinishBeforeCommit", mutant.FinishBeforeCommit, false},
	{"NoSkip", mutant.NoSkip, false},
	{"KeepDeadParts", mutant.KeepDeadParts, false},
	{"SequenceOnly", mutant.SequenceOnly, false},
	{"NoEpochBump", mutant.NoEpochBump, false},
	{"OutcomeByPosition", mutant.OutcomeByPosition, false},
	{"UncheckedMove", mutant.UncheckedMove, false},
	{"UnlockedResolve", mutant.UnlockedResolve, false},
	{"SweepFresh", mutant.SweepFresh, false},
	{"BlindRetry", mutant.BlindRetry, false},
	{"UnmarkedAcquire", mutant.UnmarkedAcquire, true},
	{"BelievedCommit", mutant.BelievedCommit, false},
	{"UnguardedMove", mutant.UnguardedMove, false},
}

// Every rule of the package mutant is broken here.
func TestEveryRuleIsBroken(t *testing.T) {
	src, err := parser.ParseFile(token.NewFileSet(), "../mutant/mutant.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range mutants {
		listed[m.name] = true
	}
	for _, d := range src.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			for _, name := range s.(*ast.ValueSpec).Names {
				if !listed[name.Name] {
					t.Errorf("%s is broken by no test", name.Name)
				}
				delete(listed, name.Name)
			}
		}
	}
	for name := range listed {
		t.Errorf("%s is no rule", name)
	}
}

// Each rule that is broken on purpose is noticed: a simulation that notices nothing would prove nothing.
func TestMutantsAreCaught(t *testing.T) {
	for _, m := range mutants {
		limit := *mutantSeeds
		if m.rare {
			limit *= 4
		}
		t.Run(m.name, func(t *testing.T) {
			var caught atomic.Bool
			var tried atomic.Int64
			many(1, limit, func(seed uint64) bool {
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
