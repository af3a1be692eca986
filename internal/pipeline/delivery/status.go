package delivery

import (
	"cmp"
	"slices"
	"time"
)

// Tally counts since the start.
type Tally struct {
	Batches int64 // committed
	Read    int64 // records
	Loaded  int64 // rows committed
	Failed  int64 // messages that became no row, of answers that are committed
	Skipped int64 // rows that were in the table already
	Bytes   int64 // payload of committed batches

	Filtered, Violations int64 // as in [Counts], of answers that are committed
}

// Status is a snapshot of a machine.
type Status struct {
	Tally   Tally
	Pending int64         // rows in batches
	Oldest  time.Duration // since the first answer of the open batch came in
	Shards  []ShardStatus // those not closed, by id
}

// State says what a shard is about.
type State uint8

// The states.
const (
	Reading  State = iota
	Waiting        // for room in the open batch
	Ending         // its end is read, but not committed
	Ended          // its end is committed
	Draining       // another worker asked for it
)

func (s State) String() string {
	return [...]string{"reading", "waiting", "ending", "ended", "draining"}[s]
}

// ShardStatus is what is known of one shard.
type ShardStatus struct {
	Ref    Ref
	Shard  string
	State  State
	Read   int64         // records
	Loaded int64         // rows committed
	Failed int64         // messages that became no row
	Behind time.Duration // distance from the tip at the last answer; negative before the first
}

// Status returns a snapshot.
func (m *Machine) Status(now time.Duration) Status {
	st := Status{Tally: m.tally, Pending: m.open.rows}
	if m.loading != nil {
		st.Pending += m.loading.rows
	}
	if !m.open.empty() {
		st.Oldest = now - m.open.first
	}
	for _, s := range m.shards {
		if !s.closed {
			st.Shards = append(st.Shards, ShardStatus{Ref: s.ref, Shard: s.id, State: s.state(),
				Read: s.records, Loaded: s.loaded, Failed: s.failed, Behind: s.behind})
		}
	}
	slices.SortFunc(st.Shards, func(a, b ShardStatus) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Ref, b.Ref))
	})
	return st
}

func (s *shard) state() State {
	switch {
	case s.ended:
		return Ended
	case s.leaving:
		return Draining
	case s.ending:
		return Ending
	case s.waiting:
		return Waiting
	default:
		return Reading
	}
}

// CaughtUp reports whether all of the held shards stand at their tips and everything is committed. When only the commit
// is missing, it asks for it. held is how many there are: one of them may not have been opened yet.
func (m *Machine) CaughtUp(now time.Duration, held int) bool {
	for _, s := range m.shards {
		if s.closed {
			continue
		}
		// A shard whose end is committed stays here until its children have their leases: before that nobody counts
		// them as pending.
		if s.ended || !s.tip {
			return false
		}
		held--
	}
	if held != 0 {
		return false
	}
	m.Flush(now)
	return m.open.empty() && m.loading == nil
}
