package delivery

import (
	"errors"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

func TestWhenABatchIsSealed(t *testing.T) {
	for name, c := range map[string]struct {
		config func(*Config)
		what   func(*script, Ref)
		wait   time.Duration
	}{
		"interval":     {wait: time.Minute},
		"rows":         {config: func(c *Config) { c.MaxRows = 3 }, what: func(s *script, a Ref) { s.handle(a, 5, 2) }},
		"bytes":        {config: func(c *Config) { c.MaxBytes = 30 }, what: func(s *script, a Ref) { s.handle(a, 5, 2) }},
		"flush":        {what: func(s *script, a Ref) { s.m.Flush(s.now); s.advance() }},
		"stop":         {what: func(s *script, a Ref) { s.m.Stop(s.now); s.advance() }},
		"drain":        {what: func(s *script, a Ref) { s.tell(s.m.Drain, a) }},
		"end":          {what: func(s *script, a Ref) { s.leave(a, s.enter(a, Entered), Answer{Last: pos(5), End: true}) }},
		"end, no rows": {what: func(s *script, a Ref) { s.m.Idle(s.now, a, 0, true); s.advance() }},
	} {
		t.Run(name, func(t *testing.T) {
			s, refs := owned(t, c.config, "a")
			s.handle(refs[0], 2, 1)
			s.after(c.wait - c.wait/60)
			s.says()
			if c.what != nil {
				c.what(s, refs[0])
			} else {
				if s.out.Wake != s.now+c.wait/60 {
					t.Errorf("wake at %v", s.out.Wake)
				}
				s.after(c.wait / 60)
			}
			if s.op == nil || s.op.Kind != Load {
				t.Fatalf("not loaded: %v", s.said)
			}
		})
	}
}

func TestOnlyPartsWithRowsAreAcquiredAndTheirLeasesConfirmedFirst(t *testing.T) {
	s := newScript(t, nil)
	a, b, c := s.open("a", 0), s.open("b", 4), s.open("c", 0)
	s.claim["b"] = row.Claim{Epoch: 3, At: pos(5)}
	s.handle(a, 2, 1)
	s.handle(b, 6, 1)
	s.handle(c, 3, 0)
	s.after(time.Minute)
	s.says("confirm a b")
	s.succeeds()
	s.says("acquire a b")
	s.fails(errPasses)
	s.says("trouble 1s: passes")
	s.after(time.Second)
	s.says("confirm a b") // they may be lost by now
	s.succeeds()
	s.says("acquire a b")
	s.succeeds()
	s.says("ahead b 5", "checkpoint b 5", "mark a b")
	s.fails(errPasses) // of a alone
	s.says("trouble 2s: mark the lease of shard a: passes")
	s.after(2 * time.Second)
	s.says("mark a")
	s.succeeds()
	s.says("load a(,2] b(5,6]")
	if skip := s.op.Parts[1].Skip; skip != pos(5) {
		t.Errorf("rows up to %v are skipped, want 5", skip)
	}
	s.succeeds()
	s.says("checkpoint a 2", "checkpoint b 6", "checkpoint c 3", "settled 1: 2 rows", "discard 1")
	s.handle(c, 4, 0)
	s.after(time.Minute)
	s.says("checkpoint c 4", "settled 2: 0 rows", "discard 2") // no warehouse
}

func TestFencedShardIsConfirmedBeforeItIsAcquiredAgain(t *testing.T) {
	s, refs := owned(t, nil, "a", "b")
	s.handle(refs[0], 4, 1)
	s.handle(refs[1], 4, 1)
	s.claim["a"] = row.Claim{Epoch: 7, At: pos(3)}
	s.after(time.Minute)
	s.says("load a(1,4] b(1,4]")
	s.succeeds()
	s.says("fenced a", "confirm a")
	s.m.Lost(s.now, refs[0])
	s.fails(errPasses) // it is another worker's
	s.says("load b(1,4]")
	s.succeeds()
	s.says("checkpoint b 4", "settled 2: 1 rows", "discard 2")
	s.enter(refs[0], Gone)
}

func TestPausesDoubleUntilSomethingIsLoaded(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.after(time.Minute)
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second} {
		s.said = nil
		s.fails(errMend)
		if e := s.out.Events[0]; e.For != s.now-time.Minute {
			t.Errorf("for %v, want %v", e.For, s.now-time.Minute)
		}
		s.says("trouble " + pause.String() + ": somebody must mend it")
		if s.out.Wake != s.now+pause {
			t.Errorf("wake at %v, want %v", s.out.Wake, s.now+pause)
		}
		s.after(pause - 1)
		s.says()
		s.after(1)
	}
	s.said = nil
	s.m.Loaded(s.now, s.op.ID, row.Outcome{}, nil) // it was in doubt, and is not committed
	s.advance()
	s.says("trouble 4s: the connection failed before the commit")
	s.after(4 * time.Second)
	s.succeeds()
	s.handle(refs[0], 3, 1)
	s.after(time.Minute)
	s.said = nil
	s.fails(errPasses)
	s.says("trouble 1s: passes")
}

func TestErrorsThatEndTheMachine(t *testing.T) {
	for _, c := range []struct {
		err    error
		giveUp bool
		fatal  bool
	}{{errFinal, false, true}, {errMend, false, false}, {errMend, true, true}, {errPasses, true, false}} {
		s, refs := owned(t, func(cfg *Config) { cfg.GiveUp = c.giveUp }, "a")
		s.handle(refs[0], 2, 1)
		s.after(time.Minute)
		s.said = nil
		s.fails(c.err)
		if got := errors.Is(s.out.Fatal, c.err); got != c.fatal {
			t.Errorf("%v, giving up: %t: fatal %v, want %t", c.err, c.giveUp, s.out.Fatal, c.fatal)
		}
		if c.fatal {
			s.says("discard 2")
		}
	}
}

func TestAnswersToOtherOpsAreIgnored(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.after(time.Minute)
	s.says("load a(1,2]")
	s.m.Loaded(s.now, s.op.ID-1, row.Outcome{Committed: true}, nil)
	s.m.Acquired(s.now, s.op.ID, nil, errFinal)
	s.advance()
	s.says()
	s.succeeds()
	s.says("checkpoint a 2", "settled 2: 1 rows", "discard 2")
}

func TestSecondHoldingStaysOutOfTheFirstOnesBatch(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.tell(s.m.Lost, refs[0])
	again := s.open("a", 1)
	s.tell(s.m.Close, refs[0])
	s.says() // its part is in the open batch
	s.enter(again, Full)
	s.says("woken a", "settled 2: 0 rows", "discard 2", "forgotten a")
	s.enter(again, Entered)
}

// An answer costs the machine no memory.
func TestAnswersDoNotAllocate(t *testing.T) {
	s, refs := owned(t, func(c *Config) { c.MaxRows, c.MaxBytes = 1<<40, 1<<40 }, "a", "b")
	s.handle(refs[0], 2, 1)
	s.handle(refs[1], 2, 1)
	last, failed := pos(3), 0
	n := testing.AllocsPerRun(100, func() {
		for _, ref := range refs {
			e := s.m.Enter(s.now, ref)
			s.m.Advance(s.now)
			s.m.Leave(s.now, ref, e.Batch, Answer{Last: last, Records: 5, Rows: 5, Bytes: 50})
			if out := s.m.Advance(s.now); e.Verdict != Entered || out.Op != nil {
				failed++
			}
		}
	})
	if n != 0 || failed > 0 {
		t.Errorf("%v allocations, %d answers not taken in", n, failed)
	}
}
