package pipeline

import (
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
)

// Tally counts since the start.
type Tally = delivery.Tally

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
	State  string        // "reading", "waiting" for room, "ending", "ended" or "draining" for another worker
	Read   int64         // records
	Loaded int64         // rows committed
	Failed int64         // messages that became no row
	Behind time.Duration // distance from the tip at the last answer; negative before the first
	Ended  bool
}

func (c *core) progress() Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.machine.Status(c.now())
	p := Progress{Tally: st.Tally, Pending: int(st.Pending), Oldest: st.Oldest}
	for _, s := range st.Shards {
		p.Shards = append(p.Shards, ShardProgress{ID: s.Shard, State: s.State.String(), Read: s.Read, Loaded: s.Loaded, Failed: s.Failed,
			Behind: s.Behind, Ended: s.State == delivery.Ended})
	}
	return p
}

// caughtUp reports whether every shard that is read stands at its tip and all is committed. When only the commit is
// missing it asks for it.
// open is how many shards the source reads: one of them may not have come here yet.
func (c *core) caughtUp(open int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.advance()
	return c.machine.CaughtUp(c.now(), open)
}
