package lease

import (
	"cmp"
	"time"

	"kinesis-snowflake/internal/row"
)

// Lease is one row of the table. Attributes of KCL that are not listed here are kept as they are by every write.
type Lease struct {
	Key             string       // shard id
	Owner           string       // worker id; "" is written as an absent attribute: unowned
	CheckpointOwner string       // set while the lease is handed over: who may still renew and checkpoint; Owner is the next one
	Counter         int64        // raised by every write of an owner
	Checkpoint      row.Position // everything up to it is done
	OwnerSwitches   int64        // changes of owner since the last checkpoint
	Parents         []string     // 0 to 2 shard ids, sorted
	Children        []string     // known once the shard's end was reached, sorted
	StartHash       string       // decimal, inclusive; "" in rows of KCL before 1.14
	EndHash         string       // decimal, inclusive

	// Measured: a worker of KCL 3 has written the shard's throughput, so this row was in the hands of one. KCL 2 does not.
	Measured bool

	// This program's own attributes. KCL ignores and keeps them.
	Worker        string // the worker of this program that took it last; another holder than that is a worker of KCL
	Nonce         string // of the last write, to resolve ambiguous ones
	StartMillis   int64  // LATEST or AT_TIMESTAMP remembered as a time, in Unix milliseconds; 0 = none
	Offsets       bool   // Snowflake offsets exist for this shard
	StreamCreated int64  // creation time of the stream, Unix seconds; 0 = not recorded
}

// Holder returns who may renew and checkpoint: the owner, or during a hand-over the one who hands over.
func (l Lease) Holder() string { return cmp.Or(l.CheckpointOwner, l.Owner) }

// Finished reports whether the shard was read to its end and everything is committed.
func (l Lease) Finished() bool { return l.Checkpoint.Sequence == row.ShardEnd }

// begun reports whether some record of the shard was committed, or its end was.
func (l Lease) begun() bool { return l.Checkpoint.IsNumber() || l.Finished() }

// Shard is a shard as ListShards or the ChildShards of a last answer describe it.
type Shard struct {
	ID        string
	Parents   []string // parent and adjacent parent, those that are named
	StartHash string   // decimal, inclusive
	EndHash   string   // decimal, inclusive
	Closed    bool     // it has an ending sequence number; not known of a child shard
}

// Start is where a stream without leases is begun.
type Start struct {
	Position string    // row.TrimHorizon, row.Latest or row.AtTimestamp
	Time     time.Time // for row.AtTimestamp only
}
