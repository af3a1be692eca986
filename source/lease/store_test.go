package lease

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

const table = "orders-to-snowflake"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func client(t http.RoundTripper) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		BaseEndpoint: aws.String("http://dynamodb.test"),
		HTTPClient:   &http.Client{Transport: t},
	})
}

// stripper is a server that does not send the row along when a condition fails.
type stripper struct{ next http.RoundTripper }

func (s stripper) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	text := strings.Replace(string(body), `"ReturnValuesOnConditionCheckFailure":"ALL_OLD"`, `"ReturnValuesOnConditionCheckFailure":"NONE"`, 1)
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return s.next.RoundTrip(r)
}

func onStandIn(t *testing.T) (*DynamoDB, *standin.Server) {
	server := standin.New(standin.Options{})
	store := NewDynamoDB(client(server.RoundTripper()), table, quiet())
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, server
}

// TestStore is the conformance suite of the seam.
func TestStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) Store{
		"memory": func(*testing.T) Store { return newMemory() },
		"dynamodb": func(t *testing.T) Store {
			store, _ := onStandIn(t)
			return store
		},
		"dynamodb without ALL_OLD": func(t *testing.T) Store {
			server := standin.New(standin.Options{})
			store := NewDynamoDB(client(stripper{server.RoundTripper()}), table, quiet())
			if err := store.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			return store
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("EnsureIsIdempotent", func(t *testing.T) {
				s := open(t)
				if err := errors.Join(s.Ensure(t.Context()), s.Ensure(t.Context())); err != nil {
					t.Fatal(err)
				}
			})
			t.Run("CreateKeepsWhatIsThere", func(t *testing.T) { createKeeps(t, open(t)) })
			t.Run("ScanReadsEveryRow", func(t *testing.T) { scanReads(t, open(t)) })
			t.Run("UpdateWritesEveryChange", func(t *testing.T) { updateWrites(t, open(t)) })
			t.Run("UpdateIsRefusedUnlessAllHolds", func(t *testing.T) { updateRefused(t, open(t)) })
			t.Run("UpdateAgainIsTheSame", func(t *testing.T) { updateAgain(t, open(t)) })
			t.Run("RequestsLeaveTheHoldersPart", func(t *testing.T) { requests(t, open(t)) })
			t.Run("UpdateHasOneWinner", func(t *testing.T) { updateRace(t, open(t)) })
			t.Run("DeleteOnlyWhatIsFinishedAndUnchanged", func(t *testing.T) { deletes(t, open(t)) })
		})
	}
}

func created(key string) Lease {
	return Lease{
		Key: key, Checkpoint: row.Position{Sequence: row.TrimHorizon}, Parents: []string{"p1", "p2"},
		StartHash: "0", EndHash: "340282366920938463463374607431768211455",
		Nonce: "n0", StartMillis: 1700000000123, Offsets: true, StreamCreated: 1600000000,
	}
}

func mustCreate(t *testing.T, s Store, l Lease) {
	t.Helper()
	if err := s.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func mustUpdate(t *testing.T, s Store, u Update) Lease {
	t.Helper()
	l, err := s.Update(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func only(t *testing.T, s Store) Lease {
	t.Helper()
	scan, err := s.Scan(t.Context())
	if err != nil || len(scan.Leases) != 1 {
		t.Fatalf("scan: %v, %v", scan, err)
	}
	return scan.Leases[0]
}

func createKeeps(t *testing.T, s Store) {
	l := created("a")
	l.Owner, l.Counter = "ignored", 5
	mustCreate(t, s, l)
	again := created("a")
	again.Checkpoint.Sequence, again.Nonce = row.Latest, "n1"
	mustCreate(t, s, again)
	if diff := cmp.Diff(created("a"), only(t, s)); diff != "" {
		t.Error(diff)
	}
}

func scanReads(t *testing.T, s Store) {
	want := map[string]bool{}
	for i := range 100 {
		key := fmt.Sprintf("shardId-%012d", i)
		mustCreate(t, s, Lease{Key: key, Checkpoint: row.Position{Sequence: row.Latest}})
		want[key] = true
	}
	scan, err := s.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, l := range scan.Leases {
		got[l.Key] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

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

func deletes(t *testing.T, s Store) {
	mustCreate(t, s, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	if err := s.Delete(t.Context(), "a", 0); ClassOf(err) != ClassLost {
		t.Errorf("unfinished: %v", err)
	}
	mustUpdate(t, s, Update{Key: "a", Nonce: "n", Set: Changes{Checkpoint: &row.Position{Sequence: row.ShardEnd}}})
	if err := s.Delete(t.Context(), "a", 0); ClassOf(err) != ClassLost {
		t.Errorf("changed: %v", err)
	}
	if err := errors.Join(s.Delete(t.Context(), "a", 1), s.Delete(t.Context(), "a", 1)); err != nil {
		t.Error(err)
	}
	if scan, err := s.Scan(t.Context()); err != nil || len(scan.Leases) != 0 {
		t.Errorf("%v, %v", scan, err)
	}
}
