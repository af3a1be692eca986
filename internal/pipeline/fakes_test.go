package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
)

// fakeTable is a loader that keeps rows and offsets as the ledger would: a part moves only under its epoch and from
// its position.
type fakeTable struct {
	mu      sync.Mutex
	offsets map[string]row.Claim
	rows    []string // "shard/sequence", with ".subsequence" if that is not 0
	loads   int
	gate    chan struct{} // Load waits for it, if set
	loading chan struct{} // told when a Load begins, if set
	fail    func(load int) error
	appends func(sequence string) error
	batches []*fakeBatch // in the order in which they were made; read it when nobody works
}

func newFakeTable() *fakeTable { return &fakeTable{offsets: map[string]row.Claim{}} }

type fakeBatch struct {
	table     *fakeTable
	mu        sync.Mutex
	rows      []fakeRow
	discarded bool
}

type fakeRow struct {
	shard string
	at    row.Position
}

func (f *fakeTable) NewBatch() Batch {
	b := &fakeBatch{table: f}
	f.batches = append(f.batches, b)
	return b
}

func (b *fakeBatch) Append(_ int, shard string, r *row.Row) error {
	if b.table.appends != nil {
		if err := b.table.appends(string(r.Sequence)); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows = append(b.rows, fakeRow{shard, row.Position{Sequence: string(r.Sequence), Subsequence: r.Subsequence}})
	return nil
}

func (b *fakeBatch) Discard() { b.discarded = true }

func (f *fakeTable) Acquire(_ context.Context, wanted []row.Wanted) (map[string]row.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	claims := map[string]row.Claim{}
	for _, w := range wanted {
		c := f.offsets[w.Shard]
		c.Epoch++
		f.offsets[w.Shard], claims[w.Shard] = c, c
	}
	return claims, nil
}

func (f *fakeTable) Load(ctx context.Context, b Batch, parts []row.Part) (row.Outcome, error) {
	if f.loading != nil {
		f.loading <- struct{}{}
	}
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return row.Outcome{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loads++
	if f.fail != nil {
		if err := f.fail(f.loads); err != nil {
			return row.Outcome{}, err
		}
	}
	fenced := map[string]row.Claim{}
	for _, p := range parts {
		if f.offsets[p.Shard] != p.Claim {
			fenced[p.Shard] = f.offsets[p.Shard]
		}
	}
	if len(fenced) > 0 {
		return row.Outcome{Fenced: fenced}, nil
	}
	moved := map[string]int64{}
	for _, p := range parts {
		for _, r := range b.(*fakeBatch).rows {
			if r.shard == p.Shard && r.at.Compare(p.Skip) > 0 {
				f.rows = append(f.rows, rowName(r.shard, r.at))
				moved[r.shard]++
			}
		}
		if moved[p.Shard] > 0 {
			f.offsets[p.Shard] = row.Claim{Epoch: p.Claim.Epoch, At: p.To}
		}
	}
	return row.Outcome{Committed: true, Moved: moved}, nil
}

var (
	errStop     = errors.New("stop")
	errOperator = errors.New("operator")
)

func (f *fakeTable) Sort(err error) Severity {
	switch {
	case errors.Is(err, errStop):
		return Stop
	case errors.Is(err, errOperator):
		return Operator
	}
	return Transient
}

func (f *fakeTable) loaded() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.rows...)
}

func rowName(shard string, at row.Position) string {
	if at.Subsequence == 0 {
		return shard + "/" + at.Sequence
	}
	return fmt.Sprintf("%s/%s.%d", shard, at.Sequence, at.Subsequence)
}

// fakeLease is a held lease.
type fakeLease struct {
	id       string
	start    row.Position
	offsets  bool
	mu       sync.Mutex
	at       row.Position
	finished bool
	confirms int
	refuse   error // of Confirm
	lost     chan struct{}
}

func newLease(id string) *fakeLease {
	return &fakeLease{id: id, start: row.Position{Sequence: row.TrimHorizon}, lost: make(chan struct{})}
}

func (l *fakeLease) ID() string                        { return l.id }
func (l *fakeLease) Start() row.Position               { return l.start }
func (l *fakeLease) HasOffsets() bool                  { return l.offsets }
func (l *fakeLease) MarkOffsets(context.Context) error { return nil }
func (l *fakeLease) Lost() <-chan struct{}             { return l.lost }

func (l *fakeLease) Checkpoint(p row.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Compare(l.at) > 0 {
		l.at = p
	}
}

func (l *fakeLease) Confirm(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirms++
	return l.refuse
}

func (l *fakeLease) Finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished = true
}

func (l *fakeLease) checkpoint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at.Sequence
}

func (l *fakeLease) done() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished
}

// oneRow makes a row of every record but those whose payload is "bad".
type oneRow struct{}

func (oneRow) Apply(rec *row.Record, emit func(*row.Row) error, fail func(uint32, *row.Failure)) error {
	if string(rec.Data) == "bad" {
		fail(0, &row.Failure{Stage: row.StageDecode, Reason: "bad"})
		return nil
	}
	return emit(&row.Row{Sequence: rec.Sequence, Subsequence: rec.Subsequence})
}

type noLog struct{ n int }

func (l *noLog) Log(context.Context, *row.Record, string, uint32, *row.Failure) { l.n++ }

// answer is a response with the records of the sequence numbers from..to, each of 10 bytes.
func answer(shard string, from, to int) *row.Response {
	r := &row.Response{Shard: shard, MillisBehindLatest: 5}
	for n := from; n <= to; n++ {
		r.Records = append(r.Records, row.Record{Sequence: []byte(strconv.Itoa(n)), Data: []byte("0123456789")})
		r.Last = row.Position{Sequence: strconv.Itoa(n)}
	}
	return r
}

func seqs(shard string, from, to int) (out []string) {
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%s/%d", shard, n))
	}
	return out
}

// rig is a core with its committer running.
type rig struct {
	*core
	table  *fakeTable
	log    *noLog
	stop   chan struct{}
	done   chan error
	cancel context.CancelFunc
}

func newRig(t *testing.T, table *fakeTable, cfg delivery.Config) *rig {
	t.Helper()
	log := &noLog{}
	cfg.Retry, cfg.MaxRetry = time.Second, maxRetry
	c := newCore(table, newWorkers(2, func() Transformer { return oneRow{} }), log, cfg, slog.New(slog.DiscardHandler), func(error) {})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &rig{core: c, table: table, log: log, stop: make(chan struct{}), done: make(chan error, 1), cancel: cancel}
	k := &committer{c}
	go func() { r.done <- k.run(ctx, r.stop) }()
	return r
}

// end stops the committer gracefully and returns its error.
func (r *rig) end() error {
	close(r.stop)
	err := <-r.done
	r.cancel()
	return err
}
