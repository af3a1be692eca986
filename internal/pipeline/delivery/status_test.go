package delivery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

func TestCaughtUp(t *testing.T) {
	s, refs := owned(t, nil, "a")
	a := refs[0]
	caughtUp := func(held int, want bool) {
		t.Helper()
		got := s.m.CaughtUp(s.now, held)
		if s.advance(); got != want {
			t.Errorf("at %v: caught up %t, want %t", s.now, got, want)
		}
	}
	caughtUp(1, false) // nothing says that it is at its tip
	s.m.Idle(s.now, a, 0, false)
	caughtUp(2, false)
	caughtUp(1, true)
	s.handle(a, 2, 1)
	caughtUp(1, false)
	s.m.Idle(s.now, a, 7, false)
	caughtUp(1, false)
	s.m.Idle(s.now, a, 0, false)
	caughtUp(1, false)
	s.says("load a(1,2]") // as it asked for
	caughtUp(1, false)
	s.succeeds()
	caughtUp(1, true)
	s.m.Idle(s.now, a, 7, false)
	caughtUp(1, false)
	s.m.Idle(s.now, a, 0, false)
	s.handle(a, 3, 0)
	s.m.Flush(s.now)
	s.advance()
	caughtUp(1, false) // the last answer had records
	s.m.Idle(s.now, a, 0, false)
	s.leave(a, s.enter(a, Entered), Answer{Last: pos(4), Rows: 1, Err: errPasses})
	caughtUp(1, false)
	s.m.Idle(s.now, a, 0, false) // is told the rewind
	caughtUp(1, false)
	s.m.Idle(s.now, a, 0, false)
	caughtUp(1, true)
	s.handle(a, 4, 1)
	s.tell(s.m.Close, a) // its rows are in the open batch
	s.said = nil
	caughtUp(0, false)
	s.after(time.Second) // the pause
	s.says("load a(2,4]")
	s.succeeds()
	caughtUp(0, true)

	c := s.open("c", 0)
	s.handle(c, 1, 1)
	s.m.Flush(s.now)
	s.advance()
	s.m.Idle(s.now, c, 0, false)
	s.fails(errFiles)
	s.m.Idle(s.now, c, 0, false) // is told the rewind
	caughtUp(1, false)
	s.tell(s.m.Close, c)

	b := s.open("b", 0)
	s.m.Idle(s.now, b, 0, true)
	caughtUp(1, false) // its children are not known yet
	s.tell(s.m.Close, b)
	caughtUp(0, true)
}

// A flush is for what is there, not for what comes.
func TestFlushOfAnEmptyBatchIsVoid(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.m.Flush(s.now)
	s.handle(refs[0], 2, 1)
	s.says()
}

func TestDoneOnlyWhenAllIsLoaded(t *testing.T) {
	s, refs := owned(t, nil, "a")
	s.handle(refs[0], 2, 1)
	s.m.Stop(s.now)
	s.advance()
	if s.says("load a(1,2]"); s.out.Done {
		t.Error("done while a batch is loading")
	}
	s.succeeds()
	if !s.out.Done {
		t.Error("not done after it")
	}
}

func TestStatus(t *testing.T) {
	s := newScript(t, func(c *Config) { c.MaxRows = 4 })
	a, b, c := s.open("a", 0), s.open("b", 0), s.open("c", 0)
	want := func(oldest time.Duration, pending int64, tally Tally, states ...State) {
		t.Helper()
		st := s.m.Status(s.now)
		var got []State
		for _, s := range st.Shards {
			got = append(got, s.State)
		}
		if diff := cmp.Diff(states, got); diff != "" || st.Oldest != oldest || st.Pending != pending || st.Tally != tally {
			t.Errorf("at %v: oldest %v, %d pending, %+v, states (-want +got):\n%s", s.now, st.Oldest, st.Pending, st.Tally, diff)
		}
	}
	want(0, 0, Tally{}, Reading, Reading, Reading)
	s.leave(b, s.enter(b, Entered), Answer{Last: pos(1), Records: 3, Failed: 3, Bytes: 30})
	s.leave(a, s.enter(a, Entered), Answer{Last: pos(1), Records: 3, Rows: 2, Failed: 1, Bytes: 30})
	s.after(time.Second)
	want(time.Second, 2, Tally{Read: 6}, Reading, Reading, Reading)
	s.tell(s.m.Drain, b)
	want(time.Second, 2, Tally{Read: 6, Failed: 3, Bytes: 30}, Reading, Draining, Reading)
	s.m.Idle(s.now, c, 0, true)
	s.handle(a, 2, 2)
	s.handle(a, 3, 4)
	s.enter(a, Full)
	want(0, 8, Tally{Read: 8, Failed: 3, Bytes: 30}, Waiting, Draining, Ended)
	s.tell(s.m.Close, c)
	for range 3 {
		s.succeeds()
	}
	s.claim["a"] = row.Claim{Epoch: 1, At: pos(0)}
	s.m.Loaded(s.now, s.op.ID, row.Outcome{Committed: true, Moved: map[string]int64{"a": 3}}, nil) // one of four was there already
	s.advance()
	want(0, 4, Tally{Batches: 1, Read: 8, Loaded: 3, Failed: 4, Skipped: 1, Bytes: 80}, Reading, Draining)
	s.leave(a, s.enter(a, Entered), Answer{Last: pos(4), Rows: 1, End: true})
	want(0, 5, Tally{Batches: 1, Read: 8, Loaded: 3, Failed: 4, Skipped: 1, Bytes: 80}, Ending, Draining)
}
