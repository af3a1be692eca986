package lease

import (
	"cmp"
	"context"
	"slices"

	"kinesis-snowflake/internal/row"
)

// Store is the seam to the lease table. All methods may be called from several goroutines.
//
// A method makes one attempt at a write; the caller repeats it. Every error is, or wraps, an [*Error], whose Class
// says what became of the write.
type Store interface {
	// Ensure checks that the table exists with KCL's key schema and is ready, creating it when it is missing. It is
	// idempotent, and several workers may run it at once. It never changes or deletes a table of another shape.
	Ensure(ctx context.Context) error

	// Scan reads all rows with consistent reads. It is not a snapshot: rows may change between its pages.
	Scan(ctx context.Context) (Scan, error)

	// Create writes a row if none has its key. It succeeds too when there is one already, which it leaves as it is:
	// creating is idempotent. Owner is ignored: a row is created unowned.
	Create(ctx context.Context, l Lease) error

	// Update applies u if its condition holds and returns the row as it then is. It is idempotent: the same u, with
	// the same nonce, succeeds again as long as nothing was written after it. A condition that fails is ClassLost,
	// with the row that was found; after ClassRetry the outcome is unknown and the same u must be repeated.
	Update(ctx context.Context, u Update) (Lease, error)

	// Delete removes a finished lease whose counter is still the given one. It is idempotent: a missing row is
	// success. ClassLost means that the row has changed, or is not finished.
	Delete(ctx context.Context, key string, counter int64) error
}

// Scan is the content of the table.
type Scan struct {
	Leases []Lease
	Broken []string // keys of rows that look like leases but cannot be read; their shards are left alone
	Others int      // rows of other entity types, and leases of other streams
	Client string   // the client version that a fleet of KCL 3.5 keeps in its table; "" where there is none
}

// Update is one conditional write. It sets the counter to If.Counter+1, and the nonce.
type Update struct {
	Key   string
	Nonce string // fresh for every Update, kept when it is repeated
	// Request marks a request for another worker's lease, or its withdrawal. It neither looks at the counter nor changes
	// it, and it leaves the nonce: both belong to the holder, whose writes go on meanwhile. Owner, CheckpointOwner and
	// EndHandover are all that it may change.
	Request bool
	If      Condition
	Set     Changes
}

// Condition is what the row must hold: exactly this counter, owner and checkpoint owner; "" means absent.
type Condition struct {
	Counter         int64
	Owner           string
	CheckpointOwner string
}

// Changes is what an Update writes beside counter and nonce. The zero value is a plain renewal.
type Changes struct {
	Owner           *string       // new owner; "" removes it; nil leaves it
	CheckpointOwner string        // who may go on writing until it has handed the lease over to Owner
	EndHandover     bool          // remove checkpointOwner
	Worker          string        // remember the worker of this program that owns it now
	OwnerSwitched   bool          // count a change of owner; ignored beside a Checkpoint, which starts the count again
	Checkpoint      *row.Position // also removes a prepared checkpoint
	Children        []string      // child shard ids
	Offsets         bool          // remember that Snowflake offsets exist
	StartMillis     int64         // remember the start as a time; 0 leaves it
	StreamCreated   int64         // remember the stream's creation time; 0 leaves it
}

// Holds reports whether u's condition holds for a row.
func (u Update) Holds(l Lease) bool {
	return (u.Request || l.Counter == u.If.Counter) && l.Owner == u.If.Owner && l.CheckpointOwner == u.If.CheckpointOwner
}

// Written reports whether l is a row that u left behind.
func (u Update) Written(l Lease) bool {
	if u.Request {
		return u.Set.Owner != nil && l.Owner == *u.Set.Owner && l.CheckpointOwner == u.Set.CheckpointOwner
	}
	return l.Nonce == u.Nonce && l.Counter == u.If.Counter+1
}

// Apply returns the row that u makes of l, for which its condition holds. A [Store] of any kind does the same.
func (u Update) Apply(l Lease) Lease {
	s := u.Set
	if s.Owner != nil {
		l.Owner = *s.Owner
	}
	l.CheckpointOwner = cmp.Or(s.CheckpointOwner, l.CheckpointOwner)
	if s.EndHandover {
		l.CheckpointOwner = ""
	}
	if u.Request {
		return l
	}
	l.Counter, l.Nonce = u.If.Counter+1, u.Nonce
	l.Worker = cmp.Or(s.Worker, l.Worker)
	switch {
	case s.Checkpoint != nil:
		l.Checkpoint, l.OwnerSwitches = *s.Checkpoint, 0
	case s.OwnerSwitched:
		l.OwnerSwitches++
	}
	if len(s.Children) > 0 {
		l.Children = slices.Compact(slices.Sorted(slices.Values(s.Children)))
	}
	l.Offsets = l.Offsets || s.Offsets
	l.StartMillis = cmp.Or(s.StartMillis, l.StartMillis)
	l.StreamCreated = cmp.Or(s.StreamCreated, l.StreamCreated)
	return l
}
