package delivery

import (
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Config says when batches are sealed and how trouble is met.
type Config struct {
	Interval time.Duration // from the first answer of a batch to its sealing
	MaxBytes int64         // payload before compression
	MaxRows  int64
	// Gather is the least time between two batches that are sealed early for drains.
	Gather time.Duration
	// Retry is the first pause after an error; it doubles up to MaxRetry.
	Retry, MaxRetry time.Duration
	// GiveUp ends the machine at an error that somebody must mend.
	GiveUp bool
	// Sort says what an error calls for. It must be pure.
	Sort func(error) Severity
	// Broken are the rules that a test breaks.
	Broken mutant.Set
}

// Severity is how an error is met.
type Severity int

// The severities.
const (
	Transient Severity = iota // it will pass: try again
	Operator                  // somebody must change something; try again, slowly, and say so
	Stop                      // going on would lose or double rows
	Lost                      // the batch's own files are of no use: read its records again
)

// Never is the Wake of a machine that waits for an event alone.
const Never = time.Duration(1<<63 - 1)

// Ref names one holding of a shard's lease. A shard that is lost and taken again is another Ref.
type Ref uint64

// BatchID names a batch. It comes to be at the first Enter that returns it, and ends with Discard.
type BatchID uint64

// Machine makes the decisions of one pipeline. Its methods tell it what happened, at which monotonic time; after any of
// them, [Machine.Advance] says what to do. It must not be used by two goroutines at once.
type Machine struct {
	cfg Config
}

// New returns a machine without shards.
func New(cfg Config) *Machine { return &Machine{cfg: cfg} }

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
}

// Lease is what is known of a shard when its reading begins.
type Lease struct {
	Shard      string
	Start      row.Position // everything up to it was done when the lease was taken
	HasOffsets bool         // the lease remembers that the sink has offsets for the shard
}

// Verdict is what becomes of an answer.
type Verdict uint8

const (
	// Entered: the answer belongs to a batch, and Leave must follow. Idle's answer is taken note of: no Leave follows.
	Entered Verdict = iota
	// Full: there is no room. Try again once Woken, or stop.
	Full
	// Rewound: the answer is of no use; read again from just after a position.
	Rewound
	// Gone: the lease is lost, so nothing of the shard enters a batch.
	Gone
)

// Entry is the outcome of Enter and Idle.
type Entry struct {
	Verdict Verdict
	Batch   BatchID      // of Entered
	Skip    row.Position // of Entered: records at or before it are in the table already
	After   row.Position // of Rewound; not a number means the shard's own start
}

// Answer is what became of an answer that has entered a batch.
type Answer struct {
	Last    row.Position  // of its last record, zero if it has none; the machine keeps it
	Records int64         // transformed
	Rows    int64         // appended
	Failed  int64         // records that became no row
	Bytes   int64         // payload
	Behind  time.Duration // distance from the shard's tip
	End     bool          // the shard ends with it
	Err     error         // the batch is of no use
}

// Open begins a shard whose lease is held.
func (m *Machine) Open(now time.Duration, l Lease) Ref { panic("not yet") }

// Enter asks for a place in the open batch for the next answer of a shard. A shard's answers come one at a time.
func (m *Machine) Enter(now time.Duration, ref Ref) Entry { panic("not yet") }

// Leave says that an answer that entered a batch is appended, or failed to be.
func (m *Machine) Leave(now time.Duration, ref Ref, b BatchID, a Answer) { panic("not yet") }

// Idle takes note of an answer without records.
func (m *Machine) Idle(now time.Duration, ref Ref, behind time.Duration, end bool) Entry {
	panic("not yet")
}

// Lost says that a shard's lease is lost. It is idempotent.
func (m *Machine) Lost(now time.Duration, ref Ref) { panic("not yet") }

// Drain says that a shard's reader has stopped because another worker asked for the shard. Drained follows.
func (m *Machine) Drain(now time.Duration, ref Ref) { panic("not yet") }

// Close says that no Enter, Idle or Drain of the shard follows. What is in a batch stays there.
func (m *Machine) Close(now time.Duration, ref Ref) { panic("not yet") }

// Confirmed answers a Confirm, with one error for each of its Shards: nil if a conditional write of its lease that began
// after the Op succeeded. Lost should be told first.
func (m *Machine) Confirmed(now time.Duration, op uint64, errs []error) { panic("not yet") }

// Acquired answers an Acquire.
func (m *Machine) Acquired(now time.Duration, op uint64, claims map[string]row.Claim, err error) {
	panic("not yet")
}

// Marked answers a Mark, with one error for each of its Shards.
func (m *Machine) Marked(now time.Duration, op uint64, errs []error) { panic("not yet") }

// Loaded answers a Load. An error means that nothing is committed.
func (m *Machine) Loaded(now time.Duration, op uint64, out row.Outcome, err error) {
	panic("not yet")
}

// Flush has the open batch loaded now, if it holds anything.
func (m *Machine) Flush(now time.Duration) { panic("not yet") }

// Stop has everything loaded that is in a batch; then the machine is Done.
func (m *Machine) Stop(now time.Duration) { panic("not yet") }

// CaughtUp reports whether all of the held shards stand at their tips and everything is committed. When only the commit
// is missing, it asks for it. held is how many there are: one of them may not have been opened yet.
func (m *Machine) CaughtUp(now time.Duration, held int) bool { panic("not yet") }

// Advance decides everything that is due at now.
func (m *Machine) Advance(now time.Duration) Output { panic("not yet") }
