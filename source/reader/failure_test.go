package reader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	standin "kinesis-snowflake/internal/standin/kinesis"
)

func TestWhatPassesIsWaitedFor(t *testing.T) {
	for name, f := range map[string]*standin.Fault{
		"throttled":        standin.Throw("ProvisionedThroughputExceededException", "Rate exceeded for shard"),
		"key throttled":    standin.Throw("KMSThrottlingException", "slow down"),
		"account limit":    standin.Throw("LimitExceededException", "Rate exceeded"),
		"cut":              standin.Cut(),
		"500":              {Status: 500},
		"503":              {Status: 503},
		"unknown":          standin.Throw("NewException", "what is this"),
		"stale iterator":   standin.Throw("ExpiredIteratorException", "Iterator expired"),
		"foreign iterator": standin.Throw("InvalidArgumentException", "Invalid ShardIterator"),
	} {
		for _, op := range []string{"GetRecords", "GetShardIterator"} {
			if op == "GetShardIterator" && name == "foreign iterator" {
				continue // permanent there
			}
			t.Run(name+"/"+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, standin.Options{Hooks: faults(op, 4, f)})
					r.put(20, 10)
					if err := r.read(time.Minute); err != nil {
						t.Fatal(err)
					}
					r.whole()
					rates(t, r.of("GetRecords"))
					rates(t, r.of("GetShardIterator"))
					calls := r.of(op)
					if d := calls[4].at.Sub(calls[0].at); d < 4*callSpacing {
						t.Errorf("four refused calls within %v", d)
					}
				})
			})
		}
	}
}

func TestLostAnswerIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{Hooks: standin.Hooks{
			After: standin.Plan{}.At("GetRecords", 1, standin.Cut()).At("GetRecords", 3, standin.Cut()).Hook,
		}})
		r.put(20, 10)
		if err := r.read(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
	})
}

func TestKeyTroubleIsSaidOnceAMinuteAndEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.put(5, 10)
		if err := r.server.SetKMSError(stream, "KMSDisabledException"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		done := make(chan error)
		go func() { done <- Read(ctx, r.cfg) }()
		<-time.After(10 * time.Minute)
		synctest.Wait()
		lines := r.lines("kms:Decrypt")
		if lines < 5 || lines > 11 {
			t.Errorf("%d lines in 10 minutes", lines)
		}
		if n := len(r.of("GetRecords")); n > 30 {
			t.Errorf("%d calls in 10 minutes", n)
		}
		if err := r.server.SetKMSError(stream, ""); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		r.whole()
		if n := r.lines("reading again"); n != 1 {
			t.Errorf("%d lines say that it is over:\n%s", n, r.log)
		}
	})
}

func TestOneThrottledCallIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.server.SetHooks(standin.Hooks{Before: func(c standin.Call) *standin.Fault {
			if c.Op == "GetRecords" && c.N%2 == 0 {
				return standin.Throw("ProvisionedThroughputExceededException", "Rate exceeded for shard")
			}
			return nil
		}})
		r.put(5, 10)
		if err := r.read(5 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if r.log.Len() > 0 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

func TestFlappingIsNoLogStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.server.SetHooks(standin.Hooks{Before: func(c standin.Call) *standin.Fault {
			if c.Op == "GetRecords" && c.N%2 == 0 {
				return &standin.Fault{Status: 500}
			}
			return nil
		}})
		if err := r.read(10 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if n := r.lines("level="); n < 4 || n > 21 {
			t.Errorf("%d lines in 10 minutes:\n%s", n, r.log)
		}
	})
}

func TestManyShardsInTroubleShareALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		for i := range 1000 {
			r.cfg.Trouble.failed(fmt.Sprint("shard-", i), ClassRetry, errors.New("connection refused"))
		}
		for i := range 1000 {
			r.cfg.Trouble.recovered(fmt.Sprint("shard-", i))
		}
		if n := r.lines("level="); n != 2 {
			t.Errorf("%d lines:\n%s", n, r.log)
		}
	})
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Class
	}{
		{&types.ProvisionedThroughputExceededException{}, ClassThrottled},
		{&types.KMSThrottlingException{}, ClassThrottled},
		{&types.LimitExceededException{}, ClassThrottled},
		{&types.ExpiredIteratorException{}, ClassExpired},
		{&types.InvalidArgumentException{}, ClassInvalid},
		{&types.ValidationException{}, ClassInvalid},
		{&types.ResourceNotFoundException{}, ClassNotFound},
		{&types.KMSAccessDeniedException{}, ClassKey},
		{&types.KMSDisabledException{}, ClassKey},
		{&types.KMSInvalidStateException{}, ClassKey},
		{&types.KMSNotFoundException{}, ClassKey},
		{&types.KMSOptInRequired{}, ClassKey},
		{&types.AccessDeniedException{}, ClassPermanent},
		{&types.InternalFailureException{}, ClassRetry},
		{&smithy.GenericAPIError{Code: "InvalidSignatureException"}, ClassPermanent},
		{&smithy.GenericAPIError{Code: "RequestTimeTooSkewed"}, ClassRetry},
		{&smithy.DeserializationError{Err: errors.New("cut")}, ClassRetry},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, ClassRetry},
		{context.DeadlineExceeded, ClassRetry},
	} {
		if got := Classify(fmt.Errorf("wrapped: %w", &smithy.OperationError{Err: c.err})); got != c.want {
			t.Errorf("%T: %v, want %v", c.err, got, c.want)
		}
	}
}
