package lease

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
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
