package simulation

import (
	"bytes"
	"testing"
)

// The same seed is the same run: else no violation could be looked at twice. The trace does not change it either.
func TestSameSeedSameHash(t *testing.T) {
	for seed := range uint64(6) {
		seed++
		a := Run(Options{Seed: seed})
		var trace bytes.Buffer
		b := Run(Options{Seed: seed, Trace: &trace})
		if a.Hash != b.Hash || a.Events != b.Events {
			t.Errorf("two runs of seed %d differ: %x after %d events, %x after %d", seed, a.Hash, a.Events, b.Hash, b.Events)
		}
		if c := Run(Options{Seed: seed + 1000}); c.Hash == a.Hash {
			t.Errorf("seeds %d and %d are the same run", seed, seed+1000)
		}
		if trace.Len() == 0 {
			t.Error("the trace is empty")
		}
	}
}
