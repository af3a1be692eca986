package lease

import (
	"testing"
	"time"
)

// A counter that moved under one holder shows that the holder renews without this program's mark, and so is KCL's, unless
// the lease may have gone to another worker and back between two looks: then it is just handed over, and its next write
// leaves the mark.
func TestLeaseThatCameBackShowsNoWorkerOfKCL(t *testing.T) {
	m := NewMachine(Config{Worker: "me", Duration: 10 * time.Second})
	e := m.entry("shard")
	wall := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, look := range []struct {
		at, asleep time.Duration // asleep: for how long the machine was suspended until then
		mark       string
		counter    int64
		renewed    bool
	}{
		{0, 0, "w1", 10, false},
		{3 * time.Second, 0, "w1", 11, true},
		{6 * time.Second, 0, "w3", 20, false}, // w1 gave it to w3, which hands it back
		{9 * time.Second, 0, "w3", 21, true},  // a worker of KCL leaves the mark as it is
		{60 * time.Second, 0, "w3", 30, false},
		{63 * time.Second, 0, "w3", 31, true},
		{66 * time.Second, time.Minute, "w3", 40, false},
		{69 * time.Second, 0, "w3", 41, true},
	} {
		wall = wall.Add(look.asleep)
		m.observe(Instant{Mono: look.at, Wall: wall.Add(look.at)}, e, &Lease{Key: "shard", Owner: "w1", Worker: look.mark, Counter: look.counter})
		if e.renewed != look.renewed {
			t.Errorf("at %v: renewed %v, want %v", look.at, e.renewed, look.renewed)
		}
	}
}
