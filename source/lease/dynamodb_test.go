package lease

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

var ignoreSDK = cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberBOOL{})

// A row as KCL 3.5.1 creates it (HierarchicalShardSyncer, DynamoDBLeaseSerializer), field for field.
func TestCreatedRowIsKCLs(t *testing.T) {
	got := encodeNew(Lease{
		Key: "shardId-000000000002", Checkpoint: row.Position{Sequence: row.TrimHorizon},
		Parents: []string{"shardId-000000000001", "shardId-000000000000"}, StartHash: "0", EndHash: "99",
	})
	want := item{
		"leaseKey":                     &types.AttributeValueMemberS{Value: "shardId-000000000002"},
		"leaseCounter":                 &types.AttributeValueMemberN{Value: "0"},
		"ownerSwitchesSinceCheckpoint": &types.AttributeValueMemberN{Value: "0"},
		"checkpoint":                   &types.AttributeValueMemberS{Value: "TRIM_HORIZON"},
		"checkpointSubSequenceNumber":  &types.AttributeValueMemberN{Value: "0"},
		"parentShardId":                &types.AttributeValueMemberSS{Value: []string{"shardId-000000000000", "shardId-000000000001"}},
		"startingHashKey":              &types.AttributeValueMemberS{Value: "0"},
		"endingHashKey":                &types.AttributeValueMemberS{Value: "99"},
		"entityType":                   &types.AttributeValueMemberS{Value: "LEASE"},
	}
	if diff := cmp.Diff(want, got, ignoreSDK); diff != "" {
		t.Error(diff)
	}
}

func TestDecode(t *testing.T) {
	kcl := func(change func(item)) item {
		it := item{
			"leaseKey": text("shardId-000000000002"), "leaseOwner": text("java-1"), "leaseCounter": number(41),
			"checkpoint":                  text("49590338271490256608559692538361571095921575989136588898"),
			"checkpointSubSequenceNumber": number(3), "ownerSwitchesSinceCheckpoint": number(2),
			"parentShardId": set([]string{"shardId-000000000001", "shardId-000000000000"}), "childShardIds": set([]string{"shardId-000000000003"}),
			"startingHashKey": text("0"), "endingHashKey": text("99"), "throughputKBps": &types.AttributeValueMemberN{Value: "12.5"},
			"checkpointOwner": text("java-0"), "pendingCheckpointState": &types.AttributeValueMemberB{Value: []byte{1}},
		}
		if change != nil {
			change(it)
		}
		return it
	}
	want := Lease{
		Key: "shardId-000000000002", Owner: "java-1", CheckpointOwner: "java-0", Counter: 41,
		Checkpoint:    row.Position{Sequence: "49590338271490256608559692538361571095921575989136588898", Subsequence: 3},
		OwnerSwitches: 2, Parents: []string{"shardId-000000000000", "shardId-000000000001"}, Children: []string{"shardId-000000000003"},
		StartHash: "0", EndHash: "99", Measured: true,
	}
	got, err := decode(kcl(nil))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for name, c := range map[string]struct {
		change func(item)
		err    string
	}{
		"another entity":        {func(it item) { it["entityType"] = text("LEADER") }, "not a lease of this stream"},
		"a multi-stream lease":  {func(it item) { it["leaseKey"] = text("123456789012:s:1600000000:shardId-000000000002") }, "not a lease of this stream"},
		"no counter":            {func(it item) { delete(it, "leaseCounter") }, "attribute leaseCounter is missing"},
		"a counter as text":     {func(it item) { it["leaseCounter"] = text("41") }, "attribute leaseCounter is a"},
		"a counter with a dot":  {func(it item) { it["leaseCounter"] = &types.AttributeValueMemberN{Value: "1.5"} }, "attribute leaseCounter: strconv"},
		"no checkpoint":         {func(it item) { delete(it, "checkpoint") }, "attribute checkpoint"},
		"an unknown checkpoint": {func(it item) { it["checkpoint"] = text("SOMEWHERE") }, "attribute checkpoint"},
		"a list of parents":     {func(it item) { it["parentShardId"] = text("shardId-000000000001") }, "attribute parentShardId is a"},
	} {
		if _, err := decode(kcl(c.change)); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Attributes of KCL that are unknown here stay, and a prepared checkpoint goes with a new one.
func TestUpdateKeepsForeignAttributes(t *testing.T) {
	store, server := onStandIn(t)
	c := client(server.RoundTripper())
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: item{
		"leaseKey": text("a"), "leaseOwner": text("java"), "leaseCounter": number(4), "checkpoint": text("LATEST"), "throughputKBps": number(9),
		"pendingCheckpoint": text("5"), "pendingCheckpointSubSequenceNumber": number(0), "checkpointOwner": text("java-0"), "ownerSwitchesSinceCheckpoint": number(1),
	}})
	if err != nil {
		t.Fatal(err)
	}
	me := "me"
	mustUpdate(t, store, Update{Key: "a", Nonce: "n", If: Condition{Counter: 4, Owner: "java", CheckpointOwner: "java-0"},
		Set: Changes{Owner: &me, EndHandover: true, OwnerSwitched: true}})
	mustUpdate(t, store, Update{Key: "a", Nonce: "o", If: Condition{Counter: 5, Owner: "me"}, Set: Changes{Checkpoint: &row.Position{Sequence: "6"}}})
	out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: item{"leaseKey": text("a")}})
	if err != nil {
		t.Fatal(err)
	}
	want := item{
		"leaseKey": text("a"), "leaseOwner": text("me"), "leaseCounter": number(6), "checkpoint": text("6"), "checkpointSubSequenceNumber": number(0),
		"ownerSwitchesSinceCheckpoint": number(0), "throughputKBps": number(9), "ksfNonce": text("o"),
	}
	if diff := cmp.Diff(want, out.Item, ignoreSDK); diff != "" {
		t.Error(diff)
	}
}

func TestScanLeavesOtherRowsAlone(t *testing.T) {
	server := standin.New(standin.Options{})
	var log bytes.Buffer
	store := NewDynamoDB(client(server.RoundTripper()), table, slog.New(slog.NewTextHandler(&log, nil)))
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := client(server.RoundTripper())
	for _, it := range []item{
		{"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("java")},
		{"leaseKey": text("123:s:1:shardId-000000000000"), "leaseCounter": number(1), "checkpoint": text("LATEST")},
		{"leaseKey": text("shardId-000000000000"), "leaseCounter": number(1)},
		{"leaseKey": text("shardId-000000000001"), "leaseCounter": number(1), "checkpoint": text("LATEST")},
	} {
		if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: it}); err != nil {
			t.Fatal(err)
		}
	}
	want := Scan{
		Leases: []Lease{{Key: "shardId-000000000001", Counter: 1, Checkpoint: row.Position{Sequence: row.Latest}}},
		Broken: []string{"shardId-000000000000"},
		Others: 2,
	}
	for range 2 {
		got, err := store.Scan(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if n := strings.Count(log.String(), "cannot be read"); n != 1 {
		t.Errorf("%d lines in the log: %s", n, log.String())
	}
}

// A lost answer is an unknown outcome, and the same write again finds its nonce.
func TestLostAnswer(t *testing.T) {
	store, server := onStandIn(t)
	mustCreate(t, store, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	me := "me"
	u := Update{Key: "a", Nonce: "n", Set: Changes{Owner: &me}}

	cut := func(context.Context, standin.Call) *standin.Fault { return standin.Cut() }
	calls := server.Counters()["UpdateItem"].Calls
	server.SetHooks(standin.Hooks{After: cut})
	_, err := store.Update(t.Context(), u)
	if ClassOf(err) != ClassRetry {
		t.Fatalf("answer cut: %v", err)
	}
	if n := server.Counters()["UpdateItem"].Calls - calls; n != 1 {
		t.Errorf("the SDK made %d attempts", n)
	}
	server.SetHooks(standin.Hooks{})
	if l := mustUpdate(t, store, u); l.Owner != "me" || l.Counter != 1 {
		t.Errorf("%+v", l)
	}
}

// Without the row's image, a failed reading of it must leave the outcome unknown.
func TestFailedReadingLeavesDoubt(t *testing.T) {
	for name, fault := range map[string]*standin.Fault{"cut": standin.Cut(), "throttled": standin.Throttle(), "internal": standin.Internal()} {
		t.Run(name, func(t *testing.T) {
			server := standin.New(standin.Options{})
			store := NewDynamoDB(client(stripper{server.RoundTripper()}), table, quiet())
			if err := store.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustCreate(t, store, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
			server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
				if c.Op == "GetItem" {
					return fault
				}
				return nil
			}})
			if _, err := store.Update(t.Context(), Update{Key: "a", Nonce: "n", If: Condition{Counter: 9}}); ClassOf(err) != ClassRetry {
				t.Error(err)
			}
		})
	}
}

func TestClassify(t *testing.T) {
	store, server := onStandIn(t)
	mustCreate(t, store, Lease{Key: "a", Checkpoint: row.Position{Sequence: row.Latest}})
	for name, c := range map[string]struct {
		fault *standin.Fault
		class Class
		text  string
	}{
		"denied":    {standin.Deny("UpdateItem", "table/"+table), ClassPermanent, "grant dynamodb:UpdateItem on table/" + table},
		"throttled": {standin.Throttle(), ClassThrottled, ""},
		"too often": {standin.ThrottleRate(), ClassThrottled, ""},
		"internal":  {standin.Internal(), ClassRetry, ""},
		"cut":       {standin.Cut(), ClassRetry, "(see that this machine reaches DynamoDB: source.region, source.dynamodb_endpoint, network, proxy)"},
		"no table":  {standin.Refuse("ResourceNotFoundException", "Requested resource not found"), ClassPermanent, "is gone"},
		"expired":   {standin.Refuse("ExpiredTokenException", "The security token included in the request is expired"), ClassThrottled, ""},
		"bad key":   {standin.Refuse("UnrecognizedClientException", "The security token included in the request is invalid."), ClassPermanent, "is invalid (check the AWS access key"},
		"invalid":   {standin.Refuse("ValidationException", "no"), ClassPermanent, "lease table"},
		"news":      {standin.Refuse("SomethingNewException", "no"), ClassRetry, ""},
	} {
		server.SetHooks(standin.Hooks{Before: func(context.Context, standin.Call) *standin.Fault { return c.fault }})
		_, err := store.Update(t.Context(), Update{Key: "a", Nonce: "n"})
		if ClassOf(err) != c.class || !strings.Contains(err.Error(), c.text) || errors.Is(err, ErrPermanent) != (c.class == ClassPermanent) {
			t.Errorf("%s: %v: %v", name, ClassOf(err), err)
		}
	}
}

func TestUnansweredSaysWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no connection":  {errors.New("request send failed, dial tcp 10.0.0.1:443: connect: connection refused"), "reaches DynamoDB"},
		"in time":        {fmt.Errorf("request send failed: %w", context.DeadlineExceeded), "reaches DynamoDB"},
		"a stop":         {fmt.Errorf("request send failed: %w", context.Canceled), ""},
		"an answer":      {&types.ResourceNotFoundException{}, ""},
		"no credentials": {errors.New("get identity: get credentials: failed to refresh cached credentials"), "source.access_key_id"},
	} {
		if got := Unanswered(tt.err); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestEnsure(t *testing.T) {
	create := func(t *testing.T, s *standin.Server, keys ...string) {
		in := &dynamodb.CreateTableInput{TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest}
		for i, k := range keys {
			kind := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &k, KeyType: kind})
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &k, AttributeType: types.ScalarAttributeTypeS})
		}
		if _, err := client(s.RoundTripper()).CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("AcceptsKCLs", func(t *testing.T) {
		s := standin.New(standin.Options{})
		create(t, s, "leaseKey")
		if err := NewDynamoDB(client(s.RoundTripper()), table, quiet()).Ensure(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct {
		keys []string
		text string
	}{
		"RefusesOpenflows":    {[]string{"streamName", "shardId"}, "second generation of the Openflow connector"},
		"RefusesAnotherHash":  {[]string{"id"}, "HASH id (S)"},
		"RefusesAnotherRange": {[]string{"leaseKey", "x"}, "RANGE x (S)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := standin.New(standin.Options{})
			create(t, s, c.keys...)
			err := NewDynamoDB(client(s.RoundTripper()), table, quiet()).Ensure(t.Context())
			if !errors.Is(err, ErrTableShape) || !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), c.text) {
				t.Error(err)
			}
			if n := s.Counters()["DeleteTable"].Calls; n != 0 || s.Items(table) == nil {
				t.Errorf("the table was touched: %d", n)
			}
		})
	}
	t.Run("NamesTheMissingGrant", func(t *testing.T) {
		s := standin.New(standin.Options{Hooks: standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "CreateTable" {
				return standin.Deny(c.Op, "table/"+table)
			}
			return nil
		}}})
		err := NewDynamoDB(client(s.RoundTripper()), table, quiet()).Ensure(t.Context())
		if err == nil || !strings.Contains(err.Error(), "grant dynamodb:CreateTable on table/"+table) {
			t.Error(err)
		}
	})
	t.Run("ManyWorkersCreateOneTable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := standin.New(standin.Options{TableDelay: 7 * time.Second})
			begun := time.Now()
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if err := NewDynamoDB(client(s.RoundTripper()), table, quiet()).Ensure(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if took := time.Since(begun); took < 7*time.Second || took > 7*time.Second+tablePollMax {
				t.Errorf("took %v", took)
			}
		})
	})
}
