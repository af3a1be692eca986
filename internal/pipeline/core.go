package pipeline

import (
	"log/slog"
	"sync"
	"time"

	"kinesis-snowflake/internal/row"
)

// limits say when the open batch is loaded: at whichever comes first.
type limits struct {
	interval time.Duration
	bytes    int64 // payload before compression
	rows     int64
}

// core is the state that readers and the committer share.
type core struct {
	loader   Loader
	workers  *workers
	failures FailureLog
	limits   limits
	log      *slog.Logger

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something under mu that others wait for changes
	open    *batch
	loading *batch // the batch that the committer holds, nil when it is idle
	shards  map[*shard]struct{}
	flush   bool // load the open batch now
	tally   Tally
}

func newCore(loader Loader, w *workers, failures FailureLog, l limits, log *slog.Logger) *core {
	c := &core{loader: loader, workers: w, failures: failures, limits: l, log: log,
		changed: make(chan struct{}), shards: map[*shard]struct{}{}}
	c.open = c.newBatch()
	return c
}

// notify wakes everyone who waits on changed. The caller holds mu.
func (c *core) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// batch is an open or sealed batch. Its fields are under core.mu; its data is written outside of it, by lanes.
type batch struct {
	data   Batch
	parts  map[string]*part
	active int       // answers being appended
	first  time.Time // when the first answer came in; zero while empty
	bytes  int64
	rows   int64
	urgent bool  // a shard ended: its children wait for the commit
	err    error // the data is of no use
}

// part is one shard's share of a batch.
type part struct {
	shard   *shard
	reading int // shard.reading when the part began; a later one makes the part dead
	to      row.Position
	records int64
	rows    int64
	failed  int64
	end     bool
}

func (p *part) live() bool { return p.reading == p.shard.reading && !p.shard.isLost() }

func (c *core) newBatch() *batch {
	return &batch{data: c.loader.NewBatch(), parts: map[string]*part{}}
}

func (b *batch) full(l limits) bool {
	return b.bytes >= l.bytes || b.rows >= l.rows || b.err != nil || b.urgent
}

// Tally counts since the start.
type Tally struct {
	Batches int64 // committed
	Read    int64 // records
	Loaded  int64 // rows committed
	Failed  int64 // messages that became no row, of answers that are committed
	Skipped int64 // rows that were in the table already
	Bytes   int64 // payload of committed batches
}
