package reader

import (
	"log/slog"
	"sync"
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
	filter MisplacedFilter
	log    *slog.Logger

	mu     sync.Mutex
	counts AggregateCounts
	line   time.Time // when the last line was written
}

// NewAggregates returns an Aggregates that logs to log.
func NewAggregates(log *slog.Logger, f MisplacedFilter) *Aggregates {
	return &Aggregates{log: log, filter: f}
}

// Counts returns what was counted so far. A record that is read twice counts twice.
func (a *Aggregates) Counts() AggregateCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}

// add takes counts over and sets them to zero. It says so where user records are outside, at most once a minute.
func (a *Aggregates) add(c *AggregateCounts) {
	if c.Aggregates == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Aggregates += c.Aggregates
	a.counts.UserRecords += c.UserRecords
	a.counts.Outside += c.Outside
	a.counts.Dropped += c.Dropped
	said := c.Outside == 0
	*c = AggregateCounts{}
	now := time.Now()
	if said || !a.line.IsZero() && now.Sub(a.line) < linePause {
		return
	}
	a.line = now
	what := "the producer's shard map is behind a reshard: duplicates are possible, since the KPL sends such user records again"
	if a.filter != KeepMisplaced {
		what = "the producer's shard map is behind a reshard: user records are left out as source.hash_range_filter says"
	}
	a.log.Warn(what, "user_records_outside", a.counts.Outside, "left_out", a.counts.Dropped, "user_records", a.counts.UserRecords)
}
