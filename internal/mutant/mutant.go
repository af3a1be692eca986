// Package mutant names the rules of the protocol that a test may break on purpose, to see that the simulation notices.
//
// A Set travels in the configuration of the parts that keep those rules and is empty wherever it is not set. Nothing
// outside of tests sets one; a test of this package reads the sources to hold that.
package mutant

// Set is a set of broken rules. The zero value breaks none.
type Set uint32

// Rules of leases.
const (
	// NoSelfFence: a holder whose renewals fail goes on.
	NoSelfFence Set = 1 << iota
	// MonotonicFence: a holder fences itself by the monotonic clock alone, which stands still while it is suspended.
	MonotonicFence
	// ClockExpiry: a lease expires by the wall clock, which jumps, instead of by watching its counter on the monotonic one.
	ClockExpiry
	// FirstSightExpired: an owned lease that is seen for the first time is taken for expired.
	FirstSightExpired
	// ScannedStart: reading begins at the checkpoint that a scan showed, not at the one that the take returned.
	ScannedStart
	// ChildBeforeParent: a shard is read before its parents are finished.
	ChildBeforeParent
	// EarlyTransfer: a lease that is asked for is handed over before what was read is committed.
	EarlyTransfer
	// EarlyEnd: a shard's end is written before its children have leases.
	EarlyEnd
)

// Rules of delivery.
const (
	// CheckpointBeforeCommit: a position is handed to the lease when its records were read.
	CheckpointBeforeCommit Set = 1 << (iota + 8)
	// FinishBeforeCommit: a shard is finished when its end was read.
	FinishBeforeCommit
	// NoSkip: rows that the offset shows to be in the table already are loaded again.
	NoSkip
	// KeepDeadParts: what was read before a rewind stays in the batch.
	KeepDeadParts
)

// Rules of the offsets.
const (
	// SequenceOnly: the offset is compared without its subsequence.
	SequenceOnly Set = 1 << (iota + 16)
	// NoEpochBump: acquiring leaves the epoch as it was.
	NoEpochBump
	// OutcomeByPosition: a batch in doubt counts as committed when the offset stands where it would have moved it.
	OutcomeByPosition
	// UncheckedMove: the number of offsets that were moved is not compared with the number of shards.
	UncheckedMove
	// UnlockedResolve: the outcome of a batch is read without the offsets' lock.
	UnlockedResolve
	// SweepFresh: the sweep removes staged files of any age.
	SweepFresh
	// BlindRetry: a batch whose outcome is unknown is simply loaded again.
	BlindRetry
	// UnmarkedAcquire: the statements of an acquire do not ask whether its transaction is still the one that was begun.
	UnmarkedAcquire
	// BelievedCommit: a COMMIT that is answered is taken at its word.
	BelievedCommit
	// UnguardedMove: the UPDATE of a commit does not ask whether it runs in the transaction that its COPY ran in.
	UnguardedMove
)

// Has reports whether a rule is broken.
func (s Set) Has(rule Set) bool { return s&rule != 0 }
