package delivery

import (
	"testing"
	"time"
)

func TestDrainOfAShardWithoutUncommittedRowsLoadsNothing(t *testing.T) {
	s, refs := owned(t, nil, "a", "b")
	s.handle(refs[1], 2, 1) // another's row in the open batch stays there
	s.tell(s.m.Drain, refs[0])
	s.says("drained a")
	s.tell(s.m.Close, refs[0])
	s.says("forgotten a")

	c := s.open("c", 0)
	s.handle(c, 3, 0) // failed messages alone
	s.tell(s.m.Drain, c)
	s.says("checkpoint c 3", "drained c")
	s.tell(s.m.Drain, c)
	s.says() // once
	s.after(59 * time.Second)
	s.says()
	s.after(time.Second)
	s.says("load b(1,2]")
}

func TestDrainWaitsForThePartThatIsBeingLoaded(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.after(time.Minute)
	s.handle(refs[0], 3, 0) // after it, without rows
	s.tell(s.m.Drain, refs[0])
	s.says("load a(1,2]")
	s.succeeds()
	s.says("checkpoint a 2", "settled 2: 1 rows", "discard 2", "checkpoint a 3", "drained a")
}

func TestDrainsShareABatch(t *testing.T) {
	s, refs := owned(t, nil, "a", "b", "c", "d", "e")
	for _, ref := range refs {
		s.handle(ref, 2, 1)
	}
	s.tell(s.m.Drain, refs[0])
	s.says("load a(1,2] b(1,2] c(1,2] d(1,2] e(1,2]") // at once
	for _, ref := range refs[1:] {
		s.handle(ref, 3, 1)
	}
	s.tell(s.m.Drain, refs[1])
	s.says()
	s.succeeds()
	s.says("checkpoint a 2", "checkpoint b 2", "checkpoint c 2", "checkpoint d 2", "checkpoint e 2", "settled 2: 5 rows", "discard 2", "drained a")
	s.after(time.Second)
	s.tell(s.m.Drain, refs[2])
	s.says() // the next batch waits for those that follow
	if s.out.Wake != 5*time.Second {
		t.Errorf("wake at %v, want 5 s after the first", s.out.Wake)
	}
	s.after(3 * time.Second)
	s.tell(s.m.Drain, refs[3])
	s.after(time.Second)
	s.says("load b(2,3] c(2,3] d(2,3] e(2,3]")
	s.succeeds()
	s.says("checkpoint b 3", "checkpoint c 3", "checkpoint d 3", "checkpoint e 3", "settled 3: 4 rows", "discard 3", "drained b", "drained c", "drained d")
	s.after(time.Minute)
	s.handle(refs[4], 4, 1)
	s.tell(s.m.Drain, refs[4])
	s.says("load e(3,4]") // a look later: at once again
}

func TestDrainEndsWithTheBatchThatIsDropped(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.tell(s.m.Drain, refs[0])
	s.fails(errPasses)
	s.after(time.Second)
	s.fails(errFiles) // handed over uncommitted: the next owner reads it again
	s.says("load a(1,2]", "trouble 1s: passes", "load a(1,2]", "discard 2", "drained a", "trouble 2s: spool a batch: files are of no use")
}

func TestLostShardIsNotDrained(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.leave(refs[0], s.enter(refs[0], Entered), Answer{Last: pos(2), Rows: 1, End: true})
	s.tell(s.m.Drain, refs[0])
	s.says("load a(1,2]")
	s.tell(s.m.Lost, refs[0])
	s.succeeds()
	s.says("checkpoint a 2", "settled 2: 1 rows", "discard 2") // nor finished
}

// A shard's end without rows takes nothing of the other shards with it.
func TestEndWithoutRowsIsSettledByItself(t *testing.T) {
	s, refs := owned(t, nil, "a", "b")
	s.handle(refs[1], 2, 1)
	s.m.Idle(s.now, refs[0], 0, true)
	s.advance()
	s.says("checkpoint a 1", "finish a")
	s.m.Idle(s.now, refs[0], 0, true)
	s.advance()
	s.says()
}

func TestEndOfAShardThatNeverHadARecord(t *testing.T) {
	s, refs := owned(t, nil, "b")
	c := s.open("c", 0)
	s.m.Idle(s.now, c, 0, true)
	s.advance()
	s.says("finish c")

	s.handle(refs[0], 2, 1)
	again := s.open("b", 1) // the shard's rows of an earlier holding are in the open batch
	if e := s.m.Idle(s.now, again, 0, true); e.Verdict != Full {
		t.Errorf("verdict %d, want to wait", e.Verdict)
	}
}

// The part of a useless batch is not settled by itself, whatever it holds.
func TestDrainFromAUselessBatch(t *testing.T) {
	s, refs := owned(t, nil, "a", "b")
	appending := s.enter(refs[1], Entered)
	s.handle(refs[0], 2, 0)
	a := s.enter(refs[0], Entered)
	s.tell(s.m.Drain, refs[0])
	s.says() // while its last answer is being appended
	s.leave(refs[0], a, Answer{Last: pos(3), Err: errPasses})
	s.says()
	s.leave(refs[1], appending, Answer{Last: pos(2), Rows: 1})
	s.says("discard 2", "drained a", "trouble 1s: spool a batch: passes")
}

// What is left of a batch from which a part was settled by itself is sealed for its own reasons.
func TestBatchThatADrainEmptiedBeginsAnew(t *testing.T) {
	s, refs := owned(t, func(c *Config) { c.MaxBytes = 30 }, "a", "b")
	s.leave(refs[0], s.enter(refs[0], Entered), Answer{Last: pos(2), Failed: 2, Bytes: 20})
	s.after(30 * time.Second)
	s.tell(s.m.Drain, refs[0])
	s.says("checkpoint a 2", "drained a")
	s.handle(refs[1], 2, 1)
	s.says()
	s.after(59 * time.Second)
	s.says()
	s.after(time.Second)
	s.says("load b(1,2]")
}
