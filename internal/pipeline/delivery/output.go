package delivery

import (
	"time"

	"kinesis-snowflake/internal/row"
)

// Output is what a Machine wants done. Events come in the order in which they must be delivered, before Op is begun.
type Output struct {
	Events []Event
	// Op is to be done now; nil if nothing new is. There is no other before it is answered.
	Op *Op
	// Wake is when to call Advance again if nothing else happens.
	Wake time.Duration
	// Done: Stop was called and nothing is left to load.
	Done bool
	// Fatal ends the machine.
	Fatal error
}

// Never is the Wake of a machine that waits for an event alone.
const Never = time.Duration(1<<63 - 1)

// Ref names one holding of a shard's lease. A shard that is lost and taken again is another Ref.
type Ref uint64

// BatchID names a batch. It comes to be at the first Enter that returns it, and ends with Discard.
type BatchID uint64

// OpKind says what an Op asks for.
type OpKind uint8

const (
	// Confirm: write the leases of Shards, all at once if that can be. Answer with [Machine.Confirmed].
	Confirm OpKind = iota
	// Acquire: make this worker the owner of the offsets of Wanted. Answer with [Machine.Acquired].
	Acquire
	// Mark: make the leases of Shards remember that they have offsets. Answer with [Machine.Marked].
	Mark
	// Load: commit Parts of Batch. Answer with [Machine.Loaded].
	Load
)

// Op is a step that takes time. It is answered once, whatever becomes of the shards meanwhile.
type Op struct {
	ID     uint64
	Kind   OpKind
	Shards []Ref        // of Confirm and Mark
	Wanted []row.Wanted // of Acquire
	Batch  BatchID      // of Load
	Parts  []row.Part   // of Load: those with rows, in the order in which their shards entered
}

// EventKind says what an Event tells.
type EventKind uint8

const (
	// Checkpoint: everything of Shard up to At is committed.
	Checkpoint EventKind = iota
	// Finish: Shard is committed to its end.
	Finish
	// Drained: nothing of Shard is left to commit, and its Checkpoint was told. It comes once after Drain, unless the
	// shard is lost.
	Drained
	// Woken: Enter or Idle of Shard, which said Full, may be tried again.
	Woken
	// Ahead: the sink has rows of Shard up to At, beyond what was known; they are left out.
	Ahead
	// Fenced: the sink refused the claim Ours of Shard, whose offset stands at Theirs.
	Fenced
	// WentBack: the offset of Shard is behind what was committed: it is read again from At.
	WentBack
	// Trouble: Err keeps the machine from loading, for For so far; it tries again after Pause.
	Trouble
	// Settled: a batch is done with, committed or dropped, and with it all trouble. For is how long that took, since it
	// was sealed; Counts say what was committed.
	Settled
	// Discard: Batch is of no use any more; nobody appends to it.
	Discard
	// Forgotten: Shard was closed and nothing refers to it any more.
	Forgotten
)

// Event tells the driver something. None needs an answer.
type Event struct {
	Kind         EventKind
	Shard        Ref
	At           row.Position
	Ours, Theirs row.Claim
	Batch        BatchID
	Counts       Counts
	Err          error
	Pause, For   time.Duration
}

// Counts are those of a committed batch.
type Counts struct {
	Parts  int
	Rows   int64
	Failed int64 // messages that became no row
	Bytes  int64
	// Filtered are records of which nothing was to be loaded, Violations messages that were loaded though they violate
	// the schema.
	Filtered, Violations int64
}
