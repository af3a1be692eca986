package kinesis_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

func putOne(ctx context.Context, c *awskinesis.Client) error {
	_, err := c.PutRecord(ctx, &awskinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte("d")})
	return err
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func newStream(t *testing.T, s *kinesis.Server, shards int) {
	t.Helper()
	if err := s.CreateStream("s", shards); err != nil {
		t.Fatal(err)
	}
}

// TestFaults puts one record under each fault: whether it is stored, and what the client is told.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		hooks  kinesis.Hooks
		stored int
		code   string
	}{
		"none":               {kinesis.Hooks{}, 1, ""},
		"exception before":   {kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 1, kinesis.Throw("KMSThrottlingException", "slow")).Hook}, 0, "KMSThrottlingException"},
		"exception after":    {kinesis.Hooks{After: kinesis.Plan{}.At("PutRecord", 1, kinesis.Throw("InternalFailure", "")).Hook}, 1, "InternalFailure"},
		"500 before":         {kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 1, &kinesis.Fault{Status: 500}).Hook}, 0, "InternalFailure"},
		"503 after":          {kinesis.Hooks{After: kinesis.Plan{}.At("PutRecord", 1, &kinesis.Fault{Status: 503}).Hook}, 1, "ServiceUnavailable"},
		"cut before":         {kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 1, kinesis.Cut()).Hook}, 0, "cut"},
		"cut after":          {kinesis.Hooks{After: kinesis.Plan{}.At("PutRecord", 1, kinesis.Cut()).Hook}, 1, "cut"},
		"of the second call": {kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 2, kinesis.Cut()).Hook}, 1, ""},
	} {
		for _, wire := range []string{"in process", "socket"} {
			t.Run(name+" "+wire, func(t *testing.T) {
				s, tg := target(kinesis.Options{Hooks: c.hooks})
				if wire == "socket" {
					srv := httptest.NewServer(s.Handler())
					defer srv.Close()
					tg.Endpoint, tg.HTTP = srv.URL, srv.Client().Transport
				}
				newStream(t, s, 1)
				err := putOne(t.Context(), tg.Client())
				if got := s.Shards("s")[0].Put; got != c.stored {
					t.Errorf("%d records are stored, want %d", got, c.stored)
				}
				switch {
				case c.code == "cut" && (err == nil || code(err) != ""):
					t.Errorf("error of a cut connection is %v", err)
				case c.code != "cut" && code(err) != c.code, c.code == "" && err != nil:
					t.Errorf("error is %v, want %s", err, c.code)
				}
			})
		}
	}
}

func TestHooksSeeTheCall(t *testing.T) {
	var seen []kinesis.Call
	s, tg := target(kinesis.Options{Hooks: kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
		seen = append(seen, c)
		return nil
	}}})
	newStream(t, s, 2)
	c := tg.Client()
	it, err := c.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{StreamARN: aws.String(s.ARN("s")), ShardId: aws.String("shardId-000000000001"), ShardIteratorType: types.ShardIteratorTypeLatest})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.GetRecords(t.Context(), &awskinesis.GetRecordsInput{ShardIterator: it.ShardIterator}); err != nil {
			t.Fatal(err)
		}
	}
	want := []kinesis.Call{{"GetShardIterator", 1, "s", "shardId-000000000001"}, {"GetRecords", 1, "s", "shardId-000000000001"}, {"GetRecords", 2, "s", "shardId-000000000001"}}
	for i, w := range want {
		if seen[i] != w {
			t.Errorf("call %d is %+v, want %+v", i, seen[i], w)
		}
	}
}

// TestWaitEndsWithTheClient has a call wait for ever: a client that gives up is let go, and nothing is stored.
func TestWaitEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 1, &kinesis.Fault{Wait: make(chan struct{})}).Hook}})
		newStream(t, s, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := putOne(ctx, kinesistest.Target{HTTP: s.RoundTripper()}.Client())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("error after %v is %v", time.Since(start), err)
		}
		if s.Shards("s")[0].Put != 0 {
			t.Error("a call that was given up while held is carried out")
		}
	})
}

// TestHeldCallGoesOn holds a call on the server while the test does something, then lets it go.
func TestHeldCallGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := kinesis.New(kinesis.Options{Hooks: kinesis.Hooks{Before: kinesis.Plan{}.At("PutRecord", 1, &kinesis.Fault{Wait: gate}).Hook}})
		newStream(t, s, 1)
		done := make(chan error, 1)
		go func() { done <- putOne(t.Context(), kinesistest.Target{HTTP: s.RoundTripper()}.Client()) }()
		synctest.Wait()
		if s.Shards("s")[0].Put != 0 {
			t.Error("a held call is carried out")
		}
		close(gate)
		if err := <-done; err != nil || s.Shards("s")[0].Put != 1 {
			t.Errorf("a call let go fails: %v", err)
		}
	})
}

func TestEmptyAndShortAnswers(t *testing.T) {
	plan := kinesis.Plan{}.At("GetRecords", 1, &kinesis.Fault{Empty: true}).At("GetRecords", 2, &kinesis.Fault{AtMost: 2})
	s, tg := target(kinesis.Options{Hooks: kinesis.Hooks{Before: plan.Hook}})
	newStream(t, s, 1)
	for range 5 {
		if _, _, err := s.Put("s", "k", []byte("d")); err != nil {
			t.Fatal(err)
		}
	}
	c := tg.Client()
	out, err := c.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	it := out.ShardIterator
	for i, want := range []int{0, 2, 3} {
		got, err := c.GetRecords(t.Context(), &awskinesis.GetRecordsInput{ShardIterator: it})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Records) != want || (*got.MillisBehindLatest > 0) != (i < 2) {
			t.Errorf("answer %d has %d records and is %d ms behind", i, len(got.Records), *got.MillisBehindLatest)
		}
		it = got.NextShardIterator
	}
}

func TestKMSErrors(t *testing.T) {
	for _, name := range []string{"KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException", "KMSOptInRequired", "KMSThrottlingException"} {
		s, tg := target(kinesis.Options{})
		newStream(t, s, 1)
		if err := s.SetKMSError("s", name); err != nil {
			t.Fatal(err)
		}
		if got := code(putOne(t.Context(), tg.Client())); got != name {
			t.Errorf("put meets %q, want %s", got, name)
		}
		if err := s.SetKMSError("s", ""); err != nil {
			t.Fatal(err)
		}
		if err := putOne(t.Context(), tg.Client()); err != nil {
			t.Errorf("put after the key is back: %v", err)
		}
	}
	s, _ := target(kinesis.Options{})
	newStream(t, s, 1)
	if s.SetKMSError("s", "KMSDisabled") == nil {
		t.Error("takes an exception that Kinesis does not have")
	}
}

// TestUnsignedAndUnknown checks what is refused before any operation.
func TestUnsignedAndUnknown(t *testing.T) {
	s, tg := target(kinesis.Options{})
	newStream(t, s, 1)
	if _, err := tg.Client().DescribeLimits(t.Context(), &awskinesis.DescribeLimitsInput{}); code(err) != "UnknownOperationException" {
		t.Errorf("DescribeLimits: %v", err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("a request without a signature has status %d", w.Code)
	}
}
