package row

// Wanted is a shard whose offset a worker wants to own.
type Wanted struct {
	Shard      string
	HasOffsets bool // the lease remembers that offsets exist: if they are gone, somebody dropped them
}

// Claim is what a worker holds of one shard's offset in the sink: it may move it from At, under Epoch. The sink
// refuses every other move, so a worker that was superseded can do no harm.
type Claim struct {
	Epoch int64
	At    Position // the value last read from or written to the offset
}

// Part is one shard's share of a batch: the batch holds exactly its records in (the previous batch's To, To].
type Part struct {
	Shard string
	Claim Claim
	To    Position
	Skip  Position // rows at or before it are in the table already and are left out
}

// Outcome is how a batch ended when that is known.
type Outcome struct {
	Committed bool
	// Moved are the shards whose offset stands at their To now: those that had a row to load.
	Moved map[string]int64
	// Fenced are shards of a batch that was not committed whose offset is no longer ours to move, and where each
	// stands. It is empty when nothing stands against trying the batch again.
	Fenced map[string]Claim
}
