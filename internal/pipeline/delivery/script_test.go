package delivery

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

// script tells a machine what happens, line by line, and holds what it wants done.
type script struct {
	t     *testing.T
	m     *Machine
	now   time.Duration
	names map[Ref]string
	claim map[string]row.Claim // of the sink
	op    *Op
	said  []string
	out   Output // the last
}

func newScript(t *testing.T, change func(*Config)) *script {
	cfg := Config{Interval: time.Minute, MaxBytes: 1000, MaxRows: 100, Gather: 5 * time.Second, Retry: time.Second, MaxRetry: 4 * time.Second, Sort: sortErrors}
	if change != nil {
		change(&cfg)
	}
	return &script{t: t, m: New(cfg), names: map[Ref]string{}, claim: map[string]row.Claim{}}
}

func pos(n int) row.Position { return row.Position{Sequence: strconv.Itoa(n)} }

func (s *script) advance() {
	s.out = s.m.Advance(s.now)
	for _, e := range s.out.Events {
		name := s.names[e.Shard]
		s.said = append(s.said, map[EventKind]string{
			Checkpoint: fmt.Sprint("checkpoint ", name, " ", e.At.Sequence), Finish: "finish " + name, Drained: "drained " + name,
			Woken: "woken " + name, Ahead: "ahead " + name + " " + e.At.Sequence, Fenced: "fenced " + name, WentBack: "back " + name + " " + e.At.Sequence,
			Trouble: fmt.Sprintf("trouble %v: %v", e.Pause, e.Err), Settled: fmt.Sprintf("settled %d: %d rows", e.Batch, e.Counts.Rows),
			Discard: fmt.Sprint("discard ", e.Batch), Forgotten: "forgotten " + name,
		}[e.Kind])
	}
	if op := s.out.Op; op != nil {
		s.op = op
		words := []string{[...]string{"confirm", "acquire", "mark", "load"}[op.Kind]}
		for _, ref := range op.Shards {
			words = append(words, s.names[ref])
		}
		for _, w := range op.Wanted {
			words = append(words, w.Shard)
		}
		for _, p := range op.Parts {
			words = append(words, fmt.Sprintf("%s(%s,%s]", p.Shard, p.Claim.At.Sequence, p.To.Sequence))
		}
		s.said = append(s.said, strings.Join(words, " "))
	}
}

// says expects what the machine wanted since the last call.
func (s *script) says(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.said); diff != "" {
		s.t.Fatalf("at %v (-want +got):\n%s", s.now, diff)
	}
	s.said = nil
}

func (s *script) after(d time.Duration) {
	s.now += d
	s.advance()
}

func (s *script) open(shard string, start int) Ref {
	l := Lease{Shard: shard, Start: pos(start)}
	if start == 0 {
		l.Start.Sequence = row.TrimHorizon
	}
	ref := s.m.Open(s.now, l)
	s.names[ref] = shard
	return ref
}

// enter expects a verdict.
func (s *script) enter(ref Ref, want Verdict) Entry {
	s.t.Helper()
	e := s.m.Enter(s.now, ref)
	if e.Verdict != want {
		s.t.Fatalf("at %v: verdict %d on %s, want %d", s.now, e.Verdict, s.names[ref], want)
	}
	s.advance()
	return e
}

// handle takes in an answer that ends at a position, with some rows of 10 bytes.
func (s *script) handle(ref Ref, to, rows int) {
	s.t.Helper()
	s.leave(ref, s.enter(ref, Entered), Answer{Last: pos(to), Records: 1, Rows: int64(rows), Bytes: int64(10 * rows), Behind: 5})
}

func (s *script) leave(ref Ref, e Entry, a Answer) {
	s.m.Leave(s.now, ref, e.Batch, a)
	s.advance()
}

func (s *script) tell(tell func(time.Duration, Ref), ref Ref) {
	tell(s.now, ref)
	s.advance()
}

// fails answers the op with an error; with nil it succeeds.
func (s *script) fails(err error) {
	s.t.Helper()
	op := s.op
	if s.op = nil; op == nil {
		s.t.Fatalf("at %v: nothing is under way", s.now)
	}
	errs := make([]error, len(op.Shards))
	if len(errs) > 0 {
		errs[0] = err
	}
	switch op.Kind {
	case Confirm:
		s.m.Confirmed(s.now, op.ID, errs)
	case Mark:
		s.m.Marked(s.now, op.ID, errs)
	case Acquire:
		claims := map[string]row.Claim{}
		for _, w := range op.Wanted {
			c := s.claim[w.Shard]
			c.Epoch++
			s.claim[w.Shard], claims[w.Shard] = c, c
		}
		s.m.Acquired(s.now, op.ID, claims, err)
	case Load:
		out := row.Outcome{Committed: true, Moved: map[string]int64{}, Fenced: map[string]row.Claim{}}
		for _, p := range op.Parts {
			if c := s.claim[p.Shard]; c != p.Claim {
				out.Fenced[p.Shard] = c
			}
			out.Moved[p.Shard] = 1
		}
		if out.Committed = len(out.Fenced) == 0; out.Committed && err == nil {
			for _, p := range op.Parts {
				s.claim[p.Shard] = row.Claim{Epoch: p.Claim.Epoch, At: p.To}
			}
		}
		s.m.Loaded(s.now, op.ID, out, err)
	}
	s.advance()
}

func (s *script) succeeds() { s.t.Helper(); s.fails(nil) }

// owned is a script in which shards up to 1 are loaded, so that their offsets are acquired.
func owned(t *testing.T, change func(*Config), shards ...string) (*script, []Ref) {
	t.Helper()
	s := newScript(t, change)
	var refs []Ref
	for _, shard := range shards {
		refs = append(refs, s.open(shard, 0))
		s.handle(refs[len(refs)-1], 1, 1)
	}
	s.m.Flush(s.now)
	s.advance()
	for s.op != nil {
		s.succeeds()
	}
	s.said = nil
	return s, refs
}
