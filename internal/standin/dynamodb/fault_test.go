package dynamodb_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/internal/standin/dynamodb"
)

type item = map[string]types.AttributeValue

func createLeases(t *testing.T, c *awsdynamodb.Client) {
	t.Helper()
	_, err := c.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName: aws.String("leases"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeS}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func increment(ctx context.Context, c *awsdynamodb.Client) error {
	_, err := c.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{
		TableName: aws.String("leases"), Key: item{"leaseKey": &types.AttributeValueMemberS{Value: "shard"}},
		UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: item{":one": &types.AttributeValueMemberN{Value: "1"}},
	})
	return err
}

func once(o *awsdynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func counter(s *dynamodb.Server) string {
	for _, it := range s.Items("leases") {
		return it["n"].Text
	}
	return ""
}

// A fault before the operation leaves the row alone; a fault after it hides the
// answer of a write that has happened.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		hooks   dynamodb.Hooks
		applied string
		code    string // "" for a cut connection
	}{
		"cut before":    {dynamodb.Hooks{Before: at("UpdateItem", dynamodb.Cut())}, "", ""},
		"cut after":     {dynamodb.Hooks{After: at("UpdateItem", dynamodb.Cut())}, "1", ""},
		"throttled":     {dynamodb.Hooks{Before: at("UpdateItem", dynamodb.Throttle())}, "", "ProvisionedThroughputExceededException"},
		"rate":          {dynamodb.Hooks{Before: at("UpdateItem", dynamodb.ThrottleRate())}, "", "ThrottlingException"},
		"denied":        {dynamodb.Hooks{Before: at("UpdateItem", dynamodb.Deny("UpdateItem", "leases"))}, "", "AccessDeniedException"},
		"failure after": {dynamodb.Hooks{After: at("UpdateItem", dynamodb.Internal())}, "1", "InternalServerError"},
	} {
		t.Run(name, func(t *testing.T) {
			s := dynamodb.New(dynamodb.Options{Hooks: tt.hooks})
			srv := httptest.NewServer(s.Handler())
			defer srv.Close()
			for _, c := range []*awsdynamodb.Client{inProcess(s, once), client(http.DefaultTransport, srv.URL, once)} {
				if s.Items("leases") == nil {
					createLeases(t, c)
				}
				err := increment(t.Context(), c)
				var api interface{ ErrorCode() string }
				if err == nil || tt.code == "" && errors.As(err, &api) || tt.code != "" && (!errors.As(err, &api) || api.ErrorCode() != tt.code) {
					t.Fatalf("got %v, want %q", err, tt.code)
				}
				if tt.applied == "" && counter(s) != "" {
					t.Fatalf("row was changed to %s", counter(s))
				}
			}
			if want := map[string]string{"": "", "1": "2"}[tt.applied]; counter(s) != want {
				t.Fatalf("counter is %q, want %q", counter(s), want)
			}
			if got := s.Counters()["UpdateItem"]; got.Calls != 2 || got.Faulted != 2 {
				t.Fatalf("got %+v", got)
			}
		})
	}
}

func at(op string, f *dynamodb.Fault) func(context.Context, dynamodb.Call) *dynamodb.Fault {
	return func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
		if c.Op == op {
			return f
		}
		return nil
	}
}

// The SDK repeats a call whose answer was lost: the write happens twice.
func TestLostAnswerIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []dynamodb.Call
		s := dynamodb.New(dynamodb.Options{Hooks: dynamodb.Hooks{After: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
			if c.Op != "UpdateItem" {
				return nil
			}
			calls = append(calls, c)
			if c.N == 1 {
				return dynamodb.Cut()
			}
			return nil
		}}})
		c := inProcess(s)
		createLeases(t, c)
		if err := increment(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if counter(s) != "2" || len(calls) != 2 || calls[1].Table != "leases" || calls[1].Key != "shard" || calls[1].Total != 3 {
			t.Fatalf("counter %s, calls %+v", counter(s), calls)
		}
	})
}

// A caller whose context ends gets away from a hook that waits; what the
// service does with the request is decided later.
func TestDelayOutlivesCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := dynamodb.New(dynamodb.Options{})
		c := inProcess(s, once)
		createLeases(t, c)
		s.SetHooks(dynamodb.Hooks{Before: func(context.Context, dynamodb.Call) *dynamodb.Fault { <-release; return nil }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := increment(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		close(release)
		synctest.Wait()
		if counter(s) != "1" {
			t.Fatalf("counter is %q", counter(s))
		}
	})
}

// States follow the clock.
func TestTableDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dynamodb.New(dynamodb.Options{TableDelay: 5 * time.Second})
		c := inProcess(s, once)
		createLeases(t, c)
		var missing *types.ResourceNotFoundException
		if err := increment(t.Context(), c); !errors.As(err, &missing) {
			t.Fatalf("a table that is being made took a write: %v", err)
		}
		_, err := c.DeleteTable(t.Context(), &awsdynamodb.DeleteTableInput{TableName: aws.String("leases")})
		var busy *types.ResourceInUseException
		if !errors.As(err, &busy) {
			t.Fatalf("got %v", err)
		}
		start := time.Now()
		w := awsdynamodb.NewTableExistsWaiter(c, func(o *awsdynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Second, time.Second })
		if err := w.Wait(t.Context(), &awsdynamodb.DescribeTableInput{TableName: aws.String("leases")}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 4*time.Second || waited > 7*time.Second {
			t.Fatalf("waited %s", waited)
		}
		if err := increment(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	})
}

// An eventually consistent read shows the state before the last change.
func TestReplicaLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := dynamodb.New(dynamodb.Options{ReplicaLag: time.Second})
		c := inProcess(s)
		createLeases(t, c)
		seen := func(consistent bool) string {
			out, err := c.Scan(t.Context(), &awsdynamodb.ScanInput{TableName: aws.String("leases"), ConsistentRead: &consistent})
			if err != nil {
				t.Fatal(err)
			}
			if out.Count == 0 {
				return ""
			}
			return out.Items[0]["n"].(*types.AttributeValueMemberN).Value
		}
		for i, want := range []struct{ stale, fresh string }{{"", "1"}, {"1", "2"}} {
			if err := increment(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if seen(false) != want.stale || seen(true) != want.fresh {
				t.Fatalf("round %d: stale %q, fresh %q", i, seen(false), seen(true))
			}
			<-time.After(time.Second)
			if seen(false) != want.fresh {
				t.Fatalf("round %d: still %q", i, seen(false))
			}
		}
	})
}

// A request without a signature is refused as the service refuses it.
func TestUnsigned(t *testing.T) {
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	rec := httptest.NewRecorder()
	dynamodb.New(dynamodb.Options{}).Handler().ServeHTTP(rec, req)
	if rec.Code != http.StatusBadRequest || rec.Header().Get("X-Amz-Crc32") == "" {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
}
