package lease

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
)

func updateWrites(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	me, other, nobody := "me", "other", ""
	steps := []struct {
		u    Update
		want Lease
	}{
		{Update{If: Condition{}, Set: Changes{Owner: &me, StartMillis: 7, StreamCreated: 8}},
			Lease{Owner: "me", Checkpoint: row.Position{Sequence: row.Latest}, StartMillis: 7, StreamCreated: 8}},
		{Update{If: Condition{Owner: "me"}},
			Lease{Owner: "me", Checkpoint: row.Position{Sequence: row.Latest}, StartMillis: 7, StreamCreated: 8}},
		{Update{If: Condition{Owner: "me"}, Set: Changes{Owner: &other, OwnerSwitched: true}},
			Lease{Owner: "other", OwnerSwitches: 1, Checkpoint: row.Position{Sequence: row.Latest}, StartMillis: 7, StreamCreated: 8}},
		{Update{If: Condition{Owner: "other"}, Set: Changes{Checkpoint: &row.Position{Sequence: "123", Subsequence: 4}, OwnerSwitched: true, Offsets: true}},
			Lease{Owner: "other", Checkpoint: row.Position{Sequence: "123", Subsequence: 4}, StartMillis: 7, StreamCreated: 8, Offsets: true}},
		{Update{If: Condition{Owner: "other"}, Set: Changes{Owner: &nobody, Checkpoint: &row.Position{Sequence: row.ShardEnd}, Children: []string{"c2", "c1"}}},
			Lease{Checkpoint: row.Position{Sequence: row.ShardEnd}, Children: []string{"c1", "c2"}, StartMillis: 7, StreamCreated: 8, Offsets: true}},
	}
	for i, step := range steps {
		u := step.u
		u.Key, u.Nonce, u.If.Counter = "a", fmt.Sprint("n", i), int64(i)
		want := step.want
		want.Key, want.Nonce, want.Counter = "a", u.Nonce, int64(i)+1
		if diff := cmp.Diff(want, mustUpdate(t, s, u)); diff != "" {
			t.Errorf("answer of step %d: %s", i, diff)
		}
		if diff := cmp.Diff(want, only(t, s)); diff != "" {
			t.Errorf("row after step %d: %s", i, diff)
		}
	}
}

func updateRefused(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	me := "me"
	mine := mustUpdate(t, s, Update{Key: "a", Nonce: "n", Set: Changes{Owner: &me}})
	for _, c := range []Condition{
		{Counter: 0, Owner: "me"}, {Counter: 2, Owner: "me"}, {Counter: 1}, {Counter: 1, Owner: "other"}, {Counter: 1, Owner: "me", CheckpointOwner: "me"},
	} {
		_, err := s.Update(t.Context(), Update{Key: "a", Nonce: "m", If: c})
		e, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, ErrLost) || e.Found == nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if diff := cmp.Diff(mine, *e.Found); diff != "" {
			t.Error(diff)
		}
	}
	_, err := s.Update(t.Context(), Update{Key: "missing", Nonce: "m"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != ClassLost || e.Found != nil {
		t.Errorf("missing row: %v", err)
	}
	if diff := cmp.Diff(mine, only(t, s)); diff != "" {
		t.Error(diff)
	}
}

func updateAgain(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	me := "me"
	u := Update{Key: "a", Nonce: "n", Set: Changes{Owner: &me, Checkpoint: &row.Position{Sequence: "7"}}}
	first := mustUpdate(t, s, u)
	if diff := cmp.Diff(first, mustUpdate(t, s, u)); diff != "" {
		t.Error(diff)
	}
	mustUpdate(t, s, Update{Key: "a", Nonce: "o", If: Condition{Counter: 1, Owner: "me"}})
	if _, err := s.Update(t.Context(), u); ClassOf(err) != ClassLost {
		t.Errorf("after another write: %v", err)
	}
}

func requests(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	me, other := "me", "other"
	held := mustUpdate(t, s, Update{Key: "a", Nonce: "n", Set: Changes{Owner: &other, Worker: other}})
	ask := Update{Key: "a", Request: true, If: Condition{Owner: other}, Set: Changes{Owner: &me, CheckpointOwner: other}}
	want := held
	want.Owner, want.CheckpointOwner = me, other
	for range 2 { // once more for the answer that was lost
		if diff := cmp.Diff(want, mustUpdate(t, s, ask)); diff != "" {
			t.Error(diff)
		}
	}
	// Somebody else comes too late, and learns what stands there.
	third := "third"
	_, err := s.Update(t.Context(), Update{Key: "a", Request: true, If: Condition{Owner: other}, Set: Changes{Owner: &third, CheckpointOwner: other}})
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != ClassLost || e.Found == nil || e.Found.Owner != me {
		t.Errorf("a second request: %v", err)
	}
	// The holder's own write, whose answer was lost before the request came, is still its own.
	again := Update{Key: "a", Nonce: "n", Set: Changes{Owner: &other, Worker: other}}
	if diff := cmp.Diff(want, mustUpdate(t, s, again)); diff != "" {
		t.Error(diff)
	}
	renewed := mustUpdate(t, s, Update{Key: "a", Nonce: "o", If: Condition{Counter: 1, Owner: me, CheckpointOwner: other}, Set: Changes{Checkpoint: &row.Position{Sequence: "7"}}})
	if renewed.Counter != 2 || renewed.Owner != me || renewed.CheckpointOwner != other {
		t.Errorf("a checkpoint meanwhile: %+v", renewed)
	}
	undo := Update{Key: "a", Request: true, If: Condition{Owner: me, CheckpointOwner: other}, Set: Changes{Owner: &other, EndHandover: true}}
	want = renewed
	want.Owner, want.CheckpointOwner = other, ""
	for range 2 {
		if diff := cmp.Diff(want, mustUpdate(t, s, undo)); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := s.Update(t.Context(), Update{Key: "missing", Request: true, If: Condition{Owner: other}, Set: Changes{Owner: &me, CheckpointOwner: other}}); ClassOf(err) != ClassLost {
		t.Errorf("no row: %v", err)
	}
}

func updateRace(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	const workers = 8
	var group sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		group.Go(func() {
			me := fmt.Sprint("worker", i)
			_, errs[i] = s.Update(t.Context(), Update{Key: "a", Nonce: me, Set: Changes{Owner: &me}})
		})
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case ClassOf(err) != ClassLost:
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d winners", won)
	}
}
