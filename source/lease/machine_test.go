package lease

import (
	"errors"
	"slices"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

// stepper drives one Machine by hand.
type stepper struct {
	*testing.T
	m   *Machine
	now time.Duration
	out Output
}

func newStepper(t *testing.T) *stepper {
	s := &stepper{T: t, m: NewMachine(Config{Worker: "me", Duration: 10 * time.Second, Start: Start{Position: row.TrimHorizon}, Seed: 1, Instance: "i"})}
	s.advance(0)
	return s
}

func (s *stepper) at() Instant { return Instant{Mono: s.now, Wall: time.Unix(1000, 0).Add(s.now)} }

func (s *stepper) advance(d time.Duration) {
	s.now += d
	s.out = s.m.Advance(s.at())
}

func (s *stepper) scanned(rows ...Lease) {
	s.Helper()
	if !s.m.scan.running {
		s.Fatal("no scan is running")
	}
	s.m.Scanned(s.at(), Scan{Leases: rows}, nil)
	s.advance(0)
}

// update returns the only write that is due.
func (s *stepper) update() Write {
	s.Helper()
	if len(s.out.Writes) != 1 || s.out.Writes[0].Update == nil {
		s.Fatalf("writes: %+v", s.out.Writes)
	}
	return s.out.Writes[0]
}

func (s *stepper) take(l Lease) {
	s.Helper()
	w := s.update()
	l.Owner, l.Counter, l.Nonce = "me", l.Counter+1, w.Update.Nonce
	s.now += time.Millisecond
	s.m.Wrote(s.at(), w.ID, l, nil)
	s.advance(0)
}

func (s *stepper) opened() bool {
	return slices.ContainsFunc(s.out.Events, func(e Event) bool { return e.Kind == Opened })
}

func unowned(key string, parents ...string) Lease {
	return Lease{Key: key, Parents: parents, Checkpoint: row.Position{Sequence: row.TrimHorizon}}
}

// A scan may have passed the place of a parent before its row was created, and the child's after.
func TestAbsentParentNeedsALaterScan(t *testing.T) {
	for name, c := range map[string]struct {
		second []Lease
		opens  bool
	}{
		"it was just created": {[]Lease{unowned("p"), {Key: "c", Owner: "me", Counter: 1}}, false},
		"it is really absent": {[]Lease{{Key: "c", Owner: "me", Counter: 1}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStepper(t)
			s.scanned(unowned("c", "p"))
			s.take(unowned("c", "p"))
			if s.opened() {
				t.Fatal("opened by a scan that began before the take")
			}
			if !s.out.Scan {
				t.Fatal("no scan at once")
			}
			s.scanned(c.second...)
			if s.opened() != c.opens {
				t.Errorf("opened: %v", s.opened())
			}
		})
	}
}

// A slow scan must not undo what a write has shown since.
func TestSlowScanIsNoNews(t *testing.T) {
	s := newStepper(t)
	s.scanned(unowned("a"))
	s.take(unowned("a"))
	for !s.m.scan.running || len(s.out.Writes) == 0 {
		s.advance(s.out.Wake - s.now)
		if len(s.out.Writes) > 0 && !s.m.scan.running {
			w := s.update()
			l := unowned("a")
			l.Owner, l.Counter, l.Nonce = "me", w.Update.If.Counter+1, w.Update.Nonce
			s.m.Wrote(s.at(), w.ID, l, nil)
			s.advance(0)
		}
	}
	w := s.update()
	old := s.m.entries["a"].lease
	found := unowned("a")
	found.Owner, found.Counter = "other", 9
	s.now += time.Second
	s.m.Wrote(s.at(), w.ID, Lease{}, &Error{Class: ClassLost, Found: &found, Err: errors.New("changed")})
	s.advance(0)
	s.scanned(old)
	if got := s.m.entries["a"].lease; got.Counter != 9 || got.Owner != "other" {
		t.Errorf("%+v", got)
	}
}

// A lease that KCL is handing over may still be written by its holder, until that was silent for a duration.
func TestHandOverOfOthersIsLeftAlone(t *testing.T) {
	s := newStepper(t)
	l := unowned("a")
	l.CheckpointOwner, l.Counter = "java-0", 4 // evicted in the middle of a hand-over
	s.scanned(l)
	for s.now < 10*time.Second {
		if len(s.out.Writes) > 0 {
			t.Fatalf("at %v: %+v", s.now, s.out.Writes[0].Update)
		}
		if s.m.scan.running {
			s.scanned(l)
		}
		s.advance(min(s.out.Wake-s.now, time.Second))
	}
	s.scanned(l)
	if u := s.update().Update; u.If.CheckpointOwner != "java-0" || !u.Set.EndHandover {
		t.Errorf("%+v", u)
	}
}

// The answer to a parent's creation is lost, and a look shows its row: the parent is there, whoever created it.
func TestAParentWhoseCreationIsInDoubtIsNoAbsentParent(t *testing.T) {
	s := newStepper(t)
	s.scanned(unowned("c", "p"))
	s.take(unowned("c", "p"))
	s.m.create(s.at(), s.m.entry("p"), unowned("p"))
	for s.advance(0); !s.out.Scan || len(s.out.Writes) == 0; {
		if w := s.out.Writes; len(w) > 0 {
			s.m.Wrote(s.at(), w[0].ID, Lease{}, &Error{Class: ClassRetry, Err: errors.New("timeout")})
		}
		if s.m.scan.running {
			s.scanned(Lease{Key: "c", Owner: "me", Counter: 1, Parents: []string{"p"}}, unowned("p"))
			break
		}
		s.advance(s.out.Wake - s.now)
	}
	for range 20 {
		if s.opened() {
			t.Fatal("the child is opened before its parent has ended")
		}
		if s.m.scan.running {
			s.scanned(Lease{Key: "c", Owner: "me", Counter: 1, Parents: []string{"p"}}, unowned("p"))
		}
		s.advance(100 * time.Millisecond)
	}
}

// A machine that wakes from a suspension just before its fence must stop when the wall clock says so, although the
// monotonic one, which stood still, gives it much longer.
func TestTheFenceComesByTheWallClockAfterASuspension(t *testing.T) {
	s := newStepper(t)
	s.scanned(unowned("a"))
	s.take(unowned("a"))
	s.advance(0)
	suspended := 8900 * time.Millisecond
	at := func() Instant { return Instant{Mono: s.now, Wall: time.Unix(1000, 0).Add(s.now + suspended)} }
	lost := func(out Output) bool {
		return slices.ContainsFunc(out.Events, func(e Event) bool { return e.Kind == Gone })
	}
	for begun := s.now; s.now < begun+time.Second; {
		out := s.m.Advance(at())
		if lost(out) {
			if late := s.now - begun - 100*time.Millisecond; late > 10*time.Millisecond {
				t.Errorf("fenced %v too late", late)
			}
			return
		}
		s.now = max(s.now+time.Millisecond, out.Wake)
	}
	t.Error("not fenced")
}
