package pipeline

import (
	"cmp"
	"slices"
	"time"
)

// Progress is a snapshot of a running pipeline.
type Progress struct {
	Tally   Tally
	Pending int           // messages' rows read but not committed
	Oldest  time.Duration // since the first record of the open batch came in
	Shards  []ShardProgress
}

// ShardProgress is one shard that this worker holds.
type ShardProgress struct {
	ID     string
	Read   int64         // records
	Loaded int64         // rows committed
	Failed int64         // messages that became no row
	Behind time.Duration // distance from the tip at the last answer; negative before the first
	Ended  bool
}

func (c *core) progress() Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := Progress{Tally: c.tally}
	for _, b := range []*batch{c.open, c.loading} {
		if b != nil {
			p.Pending += int(b.rows)
		}
	}
	if !c.open.first.IsZero() {
		p.Oldest = time.Since(c.open.first)
	}
	for s := range c.shards {
		p.Shards = append(p.Shards, ShardProgress{ID: s.id, Read: s.records, Loaded: s.loaded, Failed: s.failed, Behind: s.behind, Ended: s.ended})
	}
	slices.SortFunc(p.Shards, func(a, b ShardProgress) int { return cmp.Compare(a.ID, b.ID) })
	return p
}

// caughtUp reports whether every shard that is read stands at its tip and all is committed. When only the commit is
// missing it asks for it.
// open is how many shards the source reads: one of them may not have come here yet.
func (c *core) caughtUp(open int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.shards) != open {
		return false
	}
	for s := range c.shards {
		// A shard whose end is committed stays here until its children have their leases: before that nobody counts
		// them as pending.
		if s.ended || !s.tip || s.rewind != nil {
			return false
		}
	}
	if len(c.open.parts) > 0 {
		if !c.flush {
			c.flush = true
			c.notify()
		}
		return false
	}
	return c.loading == nil
}
