package reader

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// MisplacedFilter says what becomes of the user records of an aggregate that lie outside of their shard's hash range. They do
// where a producer aggregated by a shard map that was behind a reshard; the KPL then sends some or all of them again.
type MisplacedFilter uint8

const (
	// KeepMisplaced hands all over. What the producer sends again is there twice.
	KeepMisplaced MisplacedFilter = iota
	// DropMisplaced leaves out those outside.
	DropMisplaced
	// DropMisplacedAggregates leaves out every aggregate that has one outside, as KCL does.
	DropMisplacedAggregates
)

// AggregateCounts counts since the start.
type AggregateCounts struct {
	Aggregates  int64
	UserRecords int64 // in aggregates
	Outside     int64 // of them outside of their shard's hash range
	Dropped     int64 // left out for that
}

// Aggregates says what becomes of KPL aggregates, and counts them. All shards of a process share one; it is safe for
// concurrent use.
type Aggregates struct {
	filter      MisplacedFilter
	log         *slog.Logger
	distributed func() (bool, error)

	mu     sync.Mutex
	counts AggregateCounts
	line   time.Time // when the last line was due

	asking sync.Mutex
	asked  time.Time // when the service last said that records lie where their keys say
	auto   atomic.Bool
}

// trusted is how long it is taken for granted, once asked, that records lie where their keys say.
const trusted = 10 * time.Second

// NewAggregates returns an Aggregates that logs to log. distributed reports whether the service chooses each record's shard,
// which a stream can be switched to at any time. It is asked before user records are left out, though not again within 10 s;
// where it cannot tell, nothing is left out.
func NewAggregates(log *slog.Logger, f MisplacedFilter, distributed func() (bool, error)) *Aggregates {
	return &Aggregates{log: log, filter: f, distributed: distributed}
}

// Counts returns what was counted so far. A record that is read twice counts twice.
func (a *Aggregates) Counts() AggregateCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}

// judges reports whether hash ranges say anything of where a record lies, as far as is known.
func (a *Aggregates) judges() bool { return a != nil && !a.auto.Load() }

// leaves returns what is to be left out.
func (a *Aggregates) leaves() MisplacedFilter {
	if a == nil || a.filter == KeepMisplaced || !a.keyed(trusted) {
		return KeepMisplaced
	}
	return a.filter
}

// keyed reports whether records surely lay where their keys say at some time in the last while.
func (a *Aggregates) keyed(while time.Duration) bool {
	a.asking.Lock()
	defer a.asking.Unlock()
	if a.auto.Load() {
		return false
	}
	if !a.asked.IsZero() && time.Since(a.asked) < while {
		return true
	}
	auto, err := a.distributed()
	switch {
	case err != nil:
		a.log.Debug("cannot tell whether the service distributes the stream's records", "error", err)
		return false
	case auto:
		a.auto.Store(true)
		a.log.Info("the service distributes the stream's records by itself now: hash ranges say nothing of them, and every user record is loaded")
		return false
	}
	a.asked = time.Now()
	return true
}

// add takes counts over and sets them to zero. It says so where user records are outside, at most once a minute.
func (a *Aggregates) add(c *AggregateCounts) {
	if c.Aggregates == 0 {
		return
	}
	a.mu.Lock()
	a.counts.Aggregates += c.Aggregates
	a.counts.UserRecords += c.UserRecords
	a.counts.Outside += c.Outside
	a.counts.Dropped += c.Dropped
	now := time.Now()
	due := c.Outside > 0 && (a.line.IsZero() || now.Sub(a.line) >= linePause)
	if due {
		a.line = now
	}
	total := a.counts
	a.mu.Unlock()
	*c = AggregateCounts{}
	if !due || !a.keyed(linePause) {
		return
	}
	what := "the producer's shard map is behind a reshard: duplicates are possible, since the KPL sends such user records again"
	if a.filter != KeepMisplaced {
		what = "the producer's shard map is behind a reshard: user records are left out as source.hash_range_filter says"
	}
	a.log.Warn(what, "user_records_outside", total.Outside, "left_out", total.Dropped, "user_records", total.UserRecords)
}
