package admin

import "time"

// State says what becomes of a shard just now.
type State string

// The states of a shard.
const (
	Finished State = "finished"  // read to its end, and all of it loaded
	Handover State = "hand-over" // its worker was asked to give it to another
	Blocked  State = "blocked"   // a parent is not finished
	Reading  State = "reading"   // its owner is alive
	Unread   State = "unread"    // nothing was loaded yet, and nobody seen alive has it
	Waiting  State = "waiting"   // begun, and nobody seen alive has it
	NoLease  State = "no lease"  // the stream has it; its lease is made when a parent ends, or by a worker's audit
	Broken   State = "broken"    // its row cannot be read; workers leave it alone
	Cleaned  State = "cleaned"   // finished, and so are its children, or as good as: its lease was deleted
)

// Unleased reports whether there is no lease to say anything of.
func (s State) Unleased() bool { return s == NoLease || s == Cleaned || s == Broken }

// ListOptions say what a list holds.
type ListOptions struct {
	Watch   time.Duration // how long counters are watched; [Admin.DefaultWatch] when zero
	Lag     bool          // ask each unfinished shard how far behind its checkpoint is
	Offsets bool          // read the offsets in Snowflake, which wakes the warehouse
}

// Listing is what is known of a pipeline's leases. Ages and lags are in milliseconds.
type Listing struct {
	Pipeline    string   `json:"pipeline"`
	Stream      string   `json:"stream"`
	Region      string   `json:"region"`
	Application string   `json:"application"`
	Table       string   `json:"table"`
	WatchedMS   int64    `json:"watched_ms"`
	Exists      bool     `json:"lease_table_exists"`
	Shards      []Shard  `json:"shards"`
	Workers     []Worker `json:"workers"`
	Others      []Other  `json:"other_rows,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

// Shard is one lease, or a shard without one.
type Shard struct {
	ID             string    `json:"shard"`
	State          State     `json:"state"`
	Owner          string    `json:"owner,omitempty"` // who may renew and checkpoint it
	Life           Life      `json:"owner_is,omitempty"`
	NextOwner      string    `json:"next_owner,omitempty"`
	Checkpoint     Place     `json:"checkpoint,omitzero"`
	StartTime      time.Time `json:"start_time,omitzero"`               // that LATEST or AT_TIMESTAMP stands for
	Prepared       Place     `json:"prepared_checkpoint,omitzero"`      // of KCL
	Offset         *Place    `json:"offset,omitempty"`                  // in Snowflake, when asked for and there
	LagMS          *int64    `json:"lag_ms,omitempty"`                  // how old what follows the checkpoint is
	LagError       string    `json:"lag_error,omitempty"`               // why that is not known
	LagFault       string    `json:"lag_fault,omitempty"`               // the same in a word or two
	RenewedMS      *int64    `json:"renewed_ago_ms,omitempty"`          // as observed; not seen when absent
	CheckpointedMS *int64    `json:"checkpoint_moved_ago_ms,omitempty"` // the same
	Parents        []string  `json:"parents,omitempty"`
	Children       []string  `json:"children,omitempty"`
	Counter        int64     `json:"counter"`
	Switches       int64     `json:"owner_switches_since_checkpoint"`
}

// Place is a position for JSON.
type Place struct {
	Sequence    string `json:"sequence"`
	Subsequence int64  `json:"subsequence"`
}

// Worker sums up what a worker holds; the name "" stands for leases without owner.
type Worker struct {
	Name     string `json:"worker"`
	Life     Life   `json:"is,omitempty"`
	Leases   int    `json:"leases"`
	Finished int    `json:"finished"`
	Reading  int    `json:"reading"`
	MaxLagMS *int64 `json:"max_lag_ms,omitempty"`
	// LagsUnknown are its shards whose lag was asked for in vain, any of which may have the largest.
	LagsUnknown int `json:"lags_unknown,omitempty"`
}

// Other is a row that is no lease of this stream.
type Other struct {
	Key    string `json:"key"`
	What   string `json:"what"`
	Broken bool   `json:"broken,omitempty"`
}
