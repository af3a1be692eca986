package pipeline

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
)

// core is what readers and the committer share: the machine that decides, and what it decides about.
type core struct {
	loader   Loader
	workers  *workers
	failures FailureLog
	log      *slog.Logger
	// onState hears of trouble in loading and of its end.
	onState func(err error)
	began   time.Time

	mu      sync.Mutex
	machine *delivery.Machine
	shards  map[delivery.Ref]*shard
	batches map[delivery.BatchID]Batch
	todo    todo
	kick    chan struct{} // told when todo has news
	line    time.Time     // when the last line about trouble was written
	said    time.Time     // when the trouble of that line began; zero since the last recovery
	// violations are those that are loaded; nil where they are failures.
	violations *violations
	refused    int64 // rows that the sink left out of batches that were committed

	leftOut atomic.Int64 // those of the batch that is being loaded
}

// todo is what the machine wants of the committer. It is under core.mu.
type todo struct {
	op      *delivery.Op
	discard []Batch
	wake    time.Duration
	done    bool
	fatal   error
}

func newCore(loader Loader, w *workers, failures FailureLog, cfg delivery.Config, log *slog.Logger, onState func(error)) *core {
	cfg.Sort = loader.Sort
	return &core{loader: loader, workers: w, failures: failures, log: log, onState: onState, began: time.Now(),
		machine: delivery.New(cfg), shards: map[delivery.Ref]*shard{}, batches: map[delivery.BatchID]Batch{},
		todo: todo{wake: delivery.Never}, kick: make(chan struct{}, 1)}
}

// now is the machine's time.
func (c *core) now() time.Duration { return time.Since(c.began) }

// batch returns the data of a batch, which begins when it is asked for. The caller holds mu.
func (c *core) batch(id delivery.BatchID) Batch {
	b := c.batches[id]
	if b == nil {
		b = c.loader.NewBatch()
		c.batches[id] = b
	}
	return b
}

// advance has the machine decide, tells whom it concerns, and wakes the committer if there is something for it. It
// follows everything that the machine is told. The caller holds mu.
func (c *core) advance() {
	out := c.machine.Advance(c.now())
	for i := range out.Events {
		c.tell(&out.Events[i])
	}
	t := &c.todo
	news := out.Op != nil || out.Done || out.Fatal != nil || out.Wake < t.wake || len(t.discard) > 0
	if out.Op != nil {
		t.op = out.Op
	}
	t.wake, t.done, t.fatal = out.Wake, out.Done, out.Fatal
	if news {
		signal(c.kick)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// lookForLost tells the machine which leases are lost. The caller holds mu.
func (c *core) lookForLost() {
	for _, s := range c.shards {
		s.look()
	}
}
