package pipeline

import (
	"context"
	"strings"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source"
)

// shard is one lease as the source's reader sees it.
type shard struct {
	core    *core
	handle  Shard
	id      string
	ref     delivery.Ref
	woken   chan struct{} // there may be room
	drained chan struct{} // closed once nothing is left to commit
}

// openShard begins a shard that the source reads from now on.
func (c *core) openShard(h Shard) *shard {
	s := &shard{core: c, handle: h, id: h.ID(), woken: make(chan struct{}, 1), drained: make(chan struct{})}
	lease := delivery.Lease{Shard: s.id, Start: h.Start(), HasOffsets: h.HasOffsets()}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.ref = c.machine.Open(c.now(), lease)
	c.shards[s.ref] = s
	c.advance()
	return s
}

// look tells the machine if the lease is lost. The caller holds core.mu.
func (s *shard) look() {
	select {
	case <-s.handle.Lost():
		s.core.machine.Lost(s.core.now(), s.ref)
	default:
	}
}

// Close says that no Handle follows. What is in a batch stays there.
func (s *shard) Close() {
	c := s.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine.Close(c.now(), s.ref)
	c.advance()
}

// Drain returns once everything that was handled is committed and its checkpoint is told: nil, or with ctx's error, or
// with [source.ErrLost]. Shards that are drained together share a batch. What is not committed then is read again by the
// next owner.
func (s *shard) Drain(ctx context.Context) error {
	c := s.core
	c.mu.Lock()
	s.look()
	c.machine.Drain(c.now(), s.ref)
	c.advance()
	c.mu.Unlock()
	select {
	case <-s.drained:
		return nil
	case <-s.handle.Lost():
		return source.ErrLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Handle takes one answer. It blocks while the open batch is full.
func (s *shard) Handle(ctx context.Context, r *row.Response) error {
	if len(r.Records) == 0 {
		_, err := s.admit(ctx, r)
		return err
	}
	w, err := s.core.workers.take(ctx)
	if err != nil {
		return err
	}
	defer s.core.workers.put(w)
	in, err := s.admit(ctx, r)
	if err != nil {
		return err
	}
	got := s.absorb(ctx, w, in, r)
	s.leave(in, r, got)
	return nil
}

func behind(r *row.Response) time.Duration {
	return time.Duration(r.MillisBehindLatest) * time.Millisecond
}

// admission is a place in a batch.
type admission struct {
	delivery.Entry
	data Batch
}

// admit waits until the machine takes the answer in.
func (s *shard) admit(ctx context.Context, r *row.Response) (admission, error) {
	c := s.core
	for {
		c.mu.Lock()
		s.look()
		in := s.ask(r)
		c.advance()
		c.mu.Unlock()
		switch in.Verdict {
		case delivery.Entered:
			return in, nil
		case delivery.Rewound:
			return in, &row.Rewind{After: in.After}
		case delivery.Gone:
			// The reader's context ends for the same reason, but perhaps a moment later: an error before that would be
			// taken for the pipeline's.
			<-ctx.Done()
			return in, ctx.Err()
		}
		select {
		case <-s.woken:
		case <-ctx.Done(): // at the latest when the lease is lost
			return in, ctx.Err()
		}
	}
}

// ask tells the machine of an answer. The caller holds core.mu.
func (s *shard) ask(r *row.Response) (in admission) {
	c := s.core
	if len(r.Records) == 0 {
		in.Entry = c.machine.Idle(c.now(), s.ref, behind(r), r.End)
		return in
	}
	in.Entry = c.machine.Enter(c.now(), s.ref)
	if in.Verdict == delivery.Entered {
		in.data = c.batch(in.Batch)
	}
	return in
}

// absorb transforms an answer's records and appends their rows to the worker's lane.
func (s *shard) absorb(ctx context.Context, w *worker, in admission, r *row.Response) delivery.Answer {
	got := delivery.Answer{Behind: behind(r), End: r.End}
	var rec *row.Record
	emit := func(out *row.Row) error {
		got.Rows++
		return in.data.Append(w.lane, s.id, out)
	}
	fail := func(index uint32, f *row.Failure) {
		got.Failed++
		s.core.failures.Log(ctx, rec, s.id, index, f)
	}
	violating, _ := w.transform.(*warned)
	if violating != nil {
		violating.shard, violating.n = s.id, 0
	}
	for i := range r.Records {
		rec = &r.Records[i]
		if done(rec, in.Skip) {
			continue
		}
		got.Records++
		got.Bytes += int64(len(rec.Data))
		before := got.Rows + got.Failed
		if got.Err = w.transform.Apply(rec, emit, fail); got.Err != nil {
			break
		}
		if got.Rows+got.Failed == before {
			got.Filtered++
		}
	}
	if violating != nil {
		got.Violations = violating.n
	}
	return got
}

// done reports whether a record is at or before floor, without making a string of it.
func done(rec *row.Record, floor row.Position) bool {
	if floor.Sequence == "" {
		return false
	}
	c := row.CompareSequence(rec.Sequence, floor.Sequence)
	return c < 0 || c == 0 && rec.Subsequence <= floor.Subsequence
}

// leave gives the answer's result to its batch.
func (s *shard) leave(in admission, r *row.Response, got delivery.Answer) {
	if !r.Last.IsZero() {
		got.Last = row.Position{Sequence: strings.Clone(r.Last.Sequence), Subsequence: r.Last.Subsequence}
	}
	c := s.core
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine.Leave(c.now(), s.ref, in.Batch, got)
	c.advance()
}
