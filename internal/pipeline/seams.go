package pipeline

import (
	"context"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
)

// Shard is a lease that this worker holds. Its methods may be called from any goroutine.
type Shard interface {
	ID() string
	// Start is the position up to which everything was done when the lease was taken.
	Start() row.Position
	// HasOffsets reports whether the lease remembers that the sink has offsets for this shard.
	HasOffsets() bool
	// MarkOffsets makes the lease remember; idempotent.
	MarkOffsets(ctx context.Context) error
	// Checkpoint hands a committed position to the lease's writer. It does not block; older positions are ignored.
	Checkpoint(p row.Position)
	// Confirm returns nil only after a conditional write of the lease that began after the call and succeeded; an
	// error means that the lease may be another worker's.
	Confirm(ctx context.Context) error
	// Finish says that everything up to the shard's end is committed.
	Finish()
	// Lost is closed when the lease is lost.
	Lost() <-chan struct{}
}

// Source reads a stream. It calls Open for each shard, then that shard's methods from one goroutine.
type Source interface {
	// Run reads until ctx ends, then writes pending checkpoints and releases every lease. It returns early only with
	// a permanent error.
	Run(ctx context.Context) error
	// Drain stops reading; once it returns no Handle is running and none follows. Leases stay held.
	Drain(ctx context.Context) error
	// Pending is the number of unfinished shards that this worker does not read but may yet come to, and the number
	// of those it reads; known is false until the leases were looked at.
	Pending() (pending, open int, known bool)
}

// Loader brings batches into the table. Only NewBatch may be called from any goroutine; the rest belongs to the
// committer.
type Loader interface {
	// NewBatch returns an empty batch.
	NewBatch() Batch
	// Acquire makes this worker the owner of the shards' offsets. Safe to repeat.
	Acquire(ctx context.Context, wanted []row.Wanted) (map[string]row.Claim, error)
	// Load commits the parts of a batch, all or nothing, exactly once. Rows of shards without a part are left out.
	// An error means that nothing is committed and that the same batch may be tried again.
	Load(ctx context.Context, b Batch, parts []row.Part) (row.Outcome, error)
	// Sort says what an error of Acquire or Load calls for.
	Sort(err error) Severity
}

// Batch is where rows wait to be loaded.
type Batch interface {
	// Append adds a row, whose bytes it copies. A lane is used by one goroutine at a time. After an error the batch
	// is of no use.
	Append(lane int, shard string, r *row.Row) error
	// Discard frees what the batch holds. Idempotent.
	Discard()
}

// Severity is how an error of the sink is met.
type Severity = delivery.Severity

// The severities.
const (
	Transient = delivery.Transient
	Operator  = delivery.Operator
	Stop      = delivery.Stop
	Lost      = delivery.Lost
)

// Transformer makes rows of records. Each worker has its own.
type Transformer interface {
	// Apply calls emit for each row of the record, and fail for each part of it that cannot become a row, with the index
	// that the row would have had. It returns an error only if emit did.
	Apply(rec *row.Record, emit func(*row.Row) error, fail func(index uint32, f *row.Failure)) error
}

// FailureLog writes failed messages to the log.
type FailureLog interface {
	Log(ctx context.Context, rec *row.Record, shard string, index uint32, f *row.Failure)
}
