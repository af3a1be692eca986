package delivery

import (
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

func TestOffsetThatWentBackKillsTheReading(t *testing.T) {
	s, refs := owned(t, nil, "a")
	a := refs[0]
	s.m.Idle(s.now, a, 0, false)
	s.handle(a, 4, 1)
	s.m.Flush(s.now)
	s.advance()
	s.handle(a, 6, 1) // into the open batch
	s.claim["a"] = row.Claim{Epoch: 1, At: pos(0)}
	s.said = nil
	s.succeeds()
	s.says("fenced a", "back a 0", "settled 2: 0 rows", "discard 2")
	if e := s.enter(a, Rewound); e.After != pos(0) {
		t.Errorf("read again from %v", e.After)
	}
	s.enter(a, Full) // dead rows lie in the open batch
	s.says("woken a", "settled 3: 0 rows", "discard 3")
	s.handle(a, 2, 1)
	s.after(time.Minute)
	s.says("confirm a")
}

func TestUselessFilesHaveTheirShardsReadAgain(t *testing.T) {
	for name, spoil := range map[string]func(*script, Ref){
		"append": func(s *script, a Ref) {
			s.leave(a, s.enter(a, Entered), Answer{Last: pos(4), Rows: 1, Err: errPasses})
		},
		"load": func(s *script, a Ref) {
			s.handle(a, 4, 1)
			s.m.Flush(s.now)
			s.advance()
			s.said = nil
			s.fails(errFiles)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, refs := owned(t, nil, "a")
			s.handle(refs[0], 2, 1)
			spoil(s, refs[0])
			if len(s.said) != 2 || s.said[0] != "discard 2" {
				t.Fatalf("said %q", s.said)
			}
			if e := s.enter(refs[0], Rewound); e.After != pos(1) {
				t.Errorf("read again from %v, want what is committed", e.After)
			}
		})
	}
}

// What is known to be in the table does not outlive an offset that goes back.
func TestNothingIsSkippedThatTheOffsetNoLongerHas(t *testing.T) {
	s := newScript(t, nil)
	a := s.open("a", 0)
	s.claim["a"] = row.Claim{Epoch: 3, At: pos(5)}
	s.handle(a, 6, 1)
	s.after(time.Minute)
	s.succeeds()
	s.succeeds()
	s.succeeds()
	s.says("confirm a", "acquire a", "ahead a 5", "checkpoint a 5", "mark a", "load a(5,6]")
	s.claim["a"] = row.Claim{Epoch: 4, At: pos(2)}
	s.succeeds()
	s.says("fenced a", "back a 2", "settled 1: 0 rows", "discard 1")
	s.enter(a, Rewound)
	e := s.enter(a, Entered)
	if e.Skip != pos(2) {
		t.Errorf("rows up to %v are skipped, want 2", e.Skip)
	}
	s.leave(a, e, Answer{Last: pos(3), Rows: 1, Err: errPasses})
	if e := s.enter(a, Rewound); e.After != pos(2) {
		t.Errorf("read again from %v, want 2", e.After)
	}
}

func TestRewindGoesToWhatTheTableIsAheadBy(t *testing.T) {
	s := newScript(t, nil)
	a := s.open("a", 0)
	s.claim["a"] = row.Claim{Epoch: 3, At: pos(5)}
	s.handle(a, 3, 1)
	s.after(time.Minute)
	for range 3 {
		s.succeeds()
	}
	s.fails(errFiles)
	if e := s.enter(a, Rewound); e.After != pos(5) {
		t.Errorf("read again from %v, want 5", e.After)
	}
}

// A shard that waits for room is woken by what makes its answer pointless.
func TestWaitingShardIsWokenByARewindAndByALoss(t *testing.T) {
	s, refs := owned(t, func(c *Config) { c.MaxRows = 1 }, "a", "b")
	s.handle(refs[0], 2, 1)
	s.handle(refs[1], 2, 1) // fills the open batch
	s.enter(refs[0], Full)
	s.enter(refs[0], Full)
	s.enter(refs[1], Full)
	s.tell(s.m.Lost, refs[1])
	s.says("load a(1,2]", "woken b")
	s.enter(refs[1], Gone)
	s.claim["a"] = row.Claim{Epoch: 1, At: pos(0)}
	s.succeeds()
	s.says("fenced a", "back a 0", "woken a", "settled 3: 0 rows", "discard 3", "settled 4: 0 rows", "discard 4")
}

func TestRewindTakesTheShardsEndBack(t *testing.T) {
	s, refs := owned(t, nil, "a")
	a := refs[0]
	s.leave(a, s.enter(a, Entered), Answer{Last: pos(5), Rows: 1, End: true})
	s.says("load a(1,5]")
	s.m.Idle(s.now, a, 0, true) // the end is in a batch
	s.advance()
	s.fails(errFiles)
	if e := s.m.Idle(s.now, a, 0, true); e.Verdict != Rewound {
		t.Fatalf("verdict %d", e.Verdict)
	}
	s.handle(a, 4, 1)
	s.said = nil
	s.after(time.Second)
	s.says() // no end yet
	s.handle(a, 5, 1)
	s.m.Idle(s.now, a, 0, true)
	s.advance()
	s.says("load a(1,5]")
	s.succeeds()
	s.says("checkpoint a 5", "finish a", "settled 3: 1 rows", "discard 3")
}

// The batch after one that was dropped waits for the pause to end.
func TestNothingIsSealedDuringAPause(t *testing.T) {
	s, refs := owned(t, nil, "a", "b")
	s.leave(refs[0], s.enter(refs[0], Entered), Answer{Last: pos(2), Rows: 1, Err: errPasses})
	s.says("discard 2", "trouble 1s: spool a batch: passes")
	s.handle(refs[1], 2, 1)
	s.m.Flush(s.now)
	s.advance()
	s.says()
	if s.out.Wake != time.Second {
		t.Errorf("wake at %v", s.out.Wake)
	}
	s.enter(refs[1], Entered) // not sealed
	s.after(time.Second)
	if _, idle := s.m.Loading(); idle {
		t.Error("loaded while an answer is being appended")
	}
}
