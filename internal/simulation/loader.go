package simulation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
)

// loader is the goroutine that Snowflake's client belongs to: a coroutine, which runs until it waits for something and
// goes on when that comes. One job runs at a time.
type loader struct {
	p      *process
	client *snowflake.Client
	ledger *snowflake.Ledger
	ids    int
	swept  bool

	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

// errKilled unwinds a coroutine whose process has crashed.
var errKilled = errors.New("killed")

var errSpool = errors.New("no space left on device")

// run begins a job.
func (l *loader) run(job func()) {
	l.resume, l.stop = iter.Pull(func(yield func(struct{}) bool) {
		l.yield = yield
		defer func() {
			if r := recover(); r != nil && r != errKilled { //nolint:errorlint // a panic's value is compared
				panic(r)
			}
		}()
		job()
	})
	l.resume()
}

// wait gives the thread back until done is called, as an event to the process.
func (l *loader) wait(begin func(done func())) {
	if l.p.dead {
		panic(errKilled)
	}
	resume := l.resume
	begin(func() { resume() })
	if !l.yield(struct{}{}) {
		panic(errKilled)
	}
}

func (l *loader) kill() {
	if l.stop != nil {
		l.stop()
	}
}

// sleep is the ledger's.
func (l *loader) sleep(_ context.Context, d time.Duration) error {
	l.wait(func(done func()) { l.p.after(d, done) })
	return nil
}

func (l *loader) batchID() string {
	l.ids++
	return fmt.Sprintf("%s.%d-b%d", l.p.w.name, l.p.w.life, l.ids)
}

// acquire runs an Acquire.
func (l *loader) acquire(op delivery.Op) {
	l.run(func() {
		claims, err := l.ledger.Acquire(context.Background(), op.Wanted)
		l.p.acquiring, l.p.aborted = nil, false
		l.p.after(0, func() {
			l.p.delivery.Acquired(l.p.mono(), op.ID, claims, err)
			l.p.delivering()
		})
	})
}

// load runs a Load.
func (l *loader) load(op delivery.Op) {
	l.run(func() {
		out, err := l.commit(op)
		l.p.after(0, func() { // not on the coroutine, which ends here
			l.p.delivery.Loaded(l.p.mono(), op.ID, out, err)
			l.p.delivering()
		})
	})
}

// maxFits is how often a load puts a file that has vanished again, before it hands the error back.
const maxFits = 5

// commit does what sink.Sink does about a batch, but for the content of rows: filter, PUT, the transaction, and then the
// stage's care.
func (l *loader) commit(op delivery.Op) (row.Outcome, error) {
	ctx, b := context.Background(), l.p.batches[op.Batch]
	rows, moved := l.filter(b, op.Parts)
	if len(rows) == 0 {
		return row.Outcome{Committed: true, Moved: moved}, nil
	}
	batch := snowflake.Batch{ID: b.id, Files: 1}
	for _, part := range op.Parts {
		if n := moved[part.Shard]; n > 0 {
			batch.Rows += n
			batch.Moves = append(batch.Moves, snowflake.Move{Shard: part.Shard, Epoch: part.Claim.Epoch, From: part.Claim.At, To: part.To, Rows: n})
		}
	}
	for fit := 1; ; fit++ {
		b.attempt++
		folder := fmt.Sprintf("T/%s/%s-%d/", l.p.w.name, b.id, b.attempt)
		if _, err := l.client.Query(ctx, snowflake.PutFile{Path: folder}); err != nil {
			return row.Outcome{}, err
		}
		batch.Copy = loadStatement{folder, rows}
		out, err := l.ledger.Commit(ctx, batch)
		l.p.s.oracle.outcome(l.p, batch, out, err)
		if err != nil || !out.Committed {
			if err == nil || snowflake.ClassOf(err) != snowflake.Gone {
				l.remove(ctx, folder)
			}
			if snowflake.ClassOf(err) == snowflake.File && fit < maxFits {
				continue
			}
			return out, err
		}
		out.Moved = moved
		l.remove(ctx, folder)
		l.sweep(ctx)
		return out, nil
	}
}

// filter leaves out the rows of shards that have no part and those that are in the table already.
func (l *loader) filter(b *batch, parts []row.Part) ([]span, map[string]int64) {
	moved := map[string]int64{}
	skip := make(map[string]row.Position, len(parts))
	for _, part := range parts {
		skip[part.Shard] = part.Skip
	}
	var rows []span
	for _, r := range b.rows {
		floor, ok := skip[r.sh.id]
		if !ok {
			continue
		}
		if r.a = max(r.a, r.sh.upTo(floor)); r.a < r.b {
			rows = append(rows, r)
			moved[r.sh.id] += r.b - r.a
		}
	}
	return rows, moved
}

func (l *loader) remove(ctx context.Context, folder string) {
	_, _ = l.client.Query(ctx, snowflake.RemoveFile{Path: folder}) // what stays is swept a day later
}

// sweep does the stage's sweep, once a process as it is that seldom.
func (l *loader) sweep(ctx context.Context) {
	if l.swept {
		return
	}
	l.swept = true
	res, err := l.client.Query(ctx, snowflake.ListFiles{Path: "T/"})
	if err != nil {
		return
	}
	now := l.p.clock().Wall
	for i := range res.Rows {
		modified, err := time.Parse(time.RFC1123, res.Get(i, "last_modified"))
		path := res.Get(i, "name")
		if err == nil && strings.HasPrefix(path, "T/") && sink.Stale(now, modified, l.p.s.opts.Broken) {
			l.remove(ctx, path)
		}
	}
}
