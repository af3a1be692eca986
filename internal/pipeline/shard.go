package pipeline

import (
	"context"
	"errors"
	"strings"
	"time"

	"kinesis-snowflake/internal/row"
)

// shard is one lease as the pipeline sees it. Its fields are under core.mu.
type shard struct {
	core   *core
	handle Shard
	id     string

	reading int           // how often reading began anew; parts of an earlier reading are dead
	rewind  *row.Position // what the next Handle must ask for
	read    row.Position  // everything up to it is in a batch, or done
	durable row.Position  // everything up to it is committed: where a rewind goes
	floor   row.Position  // rows at or before it are in the table already
	claim   *row.Claim    // nil until acquired, and after being fenced
	marked  bool          // the lease remembers the offsets
	ending  bool          // the shard's end is in a batch
	ended   bool          // the shard's end is committed
	tip     bool          // the last answer was empty, and at the tip
	behind  time.Duration
	closed  bool
	records int64
	loaded  int64
	failed  int64
}

// open begins a shard that the source reads from now on.
func (c *core) openShard(h Shard) *shard {
	s := &shard{core: c, handle: h, id: h.ID(), read: h.Start(), durable: h.Start(), floor: h.Start(), marked: h.HasOffsets(), behind: -1}
	if !s.floor.IsNumber() {
		s.floor = row.Position{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shards[s] = struct{}{}
	c.notify()
	return s
}

func (s *shard) isLost() bool {
	select {
	case <-s.handle.Lost():
		return true
	default:
		return false
	}
}

// Drain waits for the lease to be handed over as it stands; the offsets keep what is still in a batch from being loaded
// twice.
func (s *shard) Drain(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Close says that no Handle follows. What is in a batch stays there.
func (s *shard) Close() {
	s.core.mu.Lock()
	defer s.core.mu.Unlock()
	s.closed = true
	delete(s.core.shards, s)
	s.core.notify()
}

// Handle takes one answer. It blocks while the open batch is full.
func (s *shard) Handle(ctx context.Context, r *row.Response) error {
	if len(r.Records) == 0 && !s.firstEnd(r) {
		return s.idle(r)
	}
	w, err := s.core.workers.take(ctx)
	if err != nil {
		return err
	}
	defer s.core.workers.put(w)
	b, err := s.enter(ctx)
	if errors.Is(err, errLost) {
		// The reader's context ends for the same reason, but perhaps a moment later: an error before that would be
		// taken for the pipeline's.
		<-ctx.Done()
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	got, err := s.absorb(ctx, w, b, r)
	s.leave(b, r, got, err)
	return nil
}

func (s *shard) firstEnd(r *row.Response) bool {
	s.core.mu.Lock()
	defer s.core.mu.Unlock()
	return r.End && !s.ending && !s.ended && s.rewind == nil
}

// idle takes note of an answer without records.
func (s *shard) idle(r *row.Response) error {
	c := s.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := s.takeRewind(); err != nil {
		return err
	}
	s.behind = time.Duration(r.MillisBehindLatest) * time.Millisecond
	tip := r.MillisBehindLatest == 0 || r.End
	if tip != s.tip {
		s.tip = tip
		c.notify()
	}
	return nil
}

func (s *shard) takeRewind() error {
	if s.rewind == nil {
		return nil
	}
	to := *s.rewind
	s.rewind = nil
	return &row.Rewind{After: to}
}

// errLost: the shard's lease is lost, so its answers enter no batch.
var errLost = errors.New("lease is lost")

// enter waits for room in the open batch and registers the answer with it.
func (s *shard) enter(ctx context.Context) (*batch, error) {
	c := s.core
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := s.takeRewind(); err != nil {
			return nil, err
		}
		if s.isLost() {
			return nil, errLost
		}
		p := c.open.parts[s.id]
		dead := p != nil && (p.shard != s || p.reading != s.reading)
		if dead && !c.flush {
			c.flush = true // rows of the dropped part lie in this batch; the next one is clean
			c.notify()
		}
		if !dead && !c.open.full(c.limits) {
			b := c.open
			if p == nil {
				p = &part{shard: s, reading: s.reading, to: s.read}
				b.parts[s.id] = p
			}
			if b.first.IsZero() {
				b.first = time.Now()
				c.notify()
			}
			b.active++
			s.tip = false
			return b, nil
		}
		if err := c.wait(ctx, s.handle.Lost()); err != nil {
			return nil, err
		}
	}
}

// wait gives mu up until something changes. The caller holds mu before and after.
func (c *core) wait(ctx context.Context, also <-chan struct{}) error {
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-also:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type absorbed struct {
	records, rows, failed, bytes int64
}

// absorb transforms an answer's records and appends their rows to the worker's lane.
func (s *shard) absorb(ctx context.Context, w *worker, b *batch, r *row.Response) (absorbed, error) {
	s.core.mu.Lock()
	floor := s.floor
	s.core.mu.Unlock()
	var got absorbed
	emit := func(out *row.Row) error {
		got.rows++
		return b.data.Append(w.lane, s.id, out)
	}
	for i := range r.Records {
		rec := &r.Records[i]
		if done(rec, floor) {
			continue
		}
		got.records++
		got.bytes += int64(len(rec.Data))
		failure, err := w.transform.Apply(rec, emit)
		if err != nil {
			return got, err
		}
		if failure != nil {
			got.failed++
			s.core.failures.Log(ctx, rec, s.id, 0, failure)
		}
	}
	return got, nil
}

// done reports whether a record is at or before floor, without making a string of it.
func done(rec *row.Record, floor row.Position) bool {
	if floor.Sequence == "" {
		return false
	}
	c := row.CompareSequence(rec.Sequence, floor.Sequence)
	return c < 0 || c == 0 && rec.Subsequence <= floor.Subsequence
}

// leave gives the answer's result to its batch. An error makes the batch useless; the committer drops it and has its
// shards read again.
func (s *shard) leave(b *batch, r *row.Response, got absorbed, err error) {
	c := s.core
	c.mu.Lock()
	defer c.mu.Unlock()
	b.active--
	b.err = errors.Join(b.err, err)
	p := b.parts[s.id]
	if !r.Last.IsZero() {
		p.to = row.Position{Sequence: strings.Clone(r.Last.Sequence), Subsequence: r.Last.Subsequence}
	}
	p.records += got.records
	p.rows += got.rows
	p.failed += got.failed
	b.bytes += got.bytes
	b.rows += got.rows
	s.records += got.records
	c.tally.Read += got.records
	s.behind = time.Duration(r.MillisBehindLatest) * time.Millisecond
	if p.reading == s.reading { // else a rewind came while the answer was being appended, and it does not count
		s.read = p.to
		if r.End {
			p.end, s.ending, b.urgent = true, true, true
		}
	}
	c.notify()
}

// readAgain drops what was read since a position: parts of the reading so far are dead from now on. The caller holds
// mu.
func (s *shard) readAgain(after row.Position) {
	s.reading++
	s.rewind = &after
	s.read = after
	s.ending = false
	s.tip = false
	s.core.notify()
}
