package lease

import "time"

// Output is what a Machine wants done.
type Output struct {
	Writes []Write
	Events []Event
	Scan   bool          // scan the table; answer with Scanned
	List   *ListRequest  // list the shards; answer with Listed
	Wake   time.Duration // call Advance at this monotonic time at the latest
	// Stopped: every lease is released, and nothing is in flight that is worth waiting for.
	Stopped bool
	// Fatal ends the worker.
	Fatal error
}

// ListRequest asks for a listing: of all shards, or of those open at Start.
type ListRequest struct{ Start *Start }

// Write is a write to run against the store; exactly one of its kinds is set. Its outcome goes to Wrote with its ID.
// One that is in doubt comes again, word for word.
type Write struct {
	ID     uint64
	Create *Lease
	Update *Update
	Delete *Delete
}

// Delete asks for the removal of a finished lease.
type Delete struct {
	Key     string
	Counter int64
}

// EventKind says what an Event tells.
type EventKind uint8

const (
	// Opened: a lease is held and may be read; Lease and Time say from where.
	Opened EventKind = iota
	// Gone: an opened lease was lost or released; Err says why.
	Gone
	// Ended: SHARD_END of an opened lease is written.
	Ended
	// Answered: the request with this Token is done; Err says how.
	Answered
	// Asked: another worker asked for an opened lease. It stays held and renewed, and its requests go on working. The user
	// ends its reading, has everything committed and calls [Machine.HandOver] within HandOverTimeout.
	Asked
	// Noted: Err is worth a line in the log; it will be tried again.
	Noted
)

// Event tells the user of leases something. Events come in the order in which they must be delivered.
type Event struct {
	Kind  EventKind
	Key   string
	Gen   uint64 // which holding of the key
	Lease Lease
	Time  time.Time
	Token uint64
	Err   error
}
