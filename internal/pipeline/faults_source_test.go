package pipeline

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
)

const (
	troubleReading = "cannot read for now"
	troubleLeasing = "calls to the lease table fail; trying again"
)

// DynamoDB refuses every call for a minute: the leases run out, and are taken again.
func TestDynamoDBThrottledForAMinute(t *testing.T) {
	inFault(t, func(t *testing.T, p *faulty) {
		p.dynamodb.SetHooks(dynamodb.Hooks{Before: func(context.Context, dynamodb.Call) *dynamodb.Fault { return dynamodb.Throttle() }})
		for range 6 {
			p.put(100)
			<-time.After(10 * time.Second)
		}
		p.complains(t, "ProvisionedThroughputExceededException")
		p.dynamodb.SetHooks(dynamodb.Hooks{})
		p.becomes(t, telemetry.Running)
		p.loadsAll(t)
		if n := p.said(troubleLeasing); n < 1 || n > 2 {
			t.Errorf("%d lines of one trouble of a minute", n)
		}
		if p.said("lease lost") == 0 {
			t.Error("the worker kept leases that it could not renew")
		}
	})
}

// Services answer nothing but errors of their own for five minutes.
func TestStormsOfServerErrors(t *testing.T) {
	kinesisStorm := func(s *stack) {
		s.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			return &kinesis.Fault{Status: http.StatusInternalServerError + 3*(c.N%2)}
		}})
	}
	dynamodbStorm := func(s *stack) {
		s.dynamodb.SetHooks(dynamodb.Hooks{
			Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
				if c.N%2 == 0 {
					return dynamodb.Internal()
				}
				return nil
			},
			After: func(context.Context, dynamodb.Call) *dynamodb.Fault { return dynamodb.Internal() }, // though it was done
		})
	}
	snowflakeStorm := func(s *stack) {
		s.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			return &snowflake.Fault{Status: http.StatusInternalServerError + e.Number%5}
		}})
	}
	for name, storms := range map[string][]func(*stack){
		"kinesis": {kinesisStorm}, "dynamodb": {dynamodbStorm}, "snowflake": {snowflakeStorm}, "all three": {kinesisStorm, dynamodbStorm, snowflakeStorm},
	} {
		t.Run(name, func(t *testing.T) {
			inFault(t, func(t *testing.T, p *faulty) {
				for _, begin := range storms {
					begin(p.stack)
				}
				p.put(500)
				p.becomes(t, telemetry.Failing)
				<-time.After(5 * time.Minute)
				if state, _ := p.state(); state != string(telemetry.Failing) {
					t.Errorf("five minutes later %s", state)
				}
				p.kinesis.SetHooks(kinesis.Hooks{})
				p.dynamodb.SetHooks(dynamodb.Hooks{})
				p.snowflake.SetHooks(snowflake.Hooks{})
				p.becomes(t, telemetry.Running)
				p.loadsAll(t)
				for _, message := range []string{troubleReading, troubleLeasing, "cannot load; trying again"} {
					if n := p.said(message); n > 9 {
						t.Errorf("%d lines %q, want one a minute", n, message)
					}
				}
			})
		})
	}
}

// The stream's key refuses for ten minutes.
func TestKMSDenied(t *testing.T) {
	for _, code := range []string{"KMSAccessDeniedException", "KMSDisabledException"} {
		t.Run(code, func(t *testing.T) {
			inFault(t, func(t *testing.T, p *faulty) {
				p.put(500)
				if err := p.kinesis.SetKMSError(stream, code); err != nil {
					t.Fatal(err)
				}
				p.complains(t, code, "allow kms:Decrypt on the stream's KMS key")
				<-time.After(10 * time.Minute)
				if n := p.said(troubleReading); n < 4 || n > 12 {
					t.Errorf("%d lines in ten minutes, want one a minute", n)
				}
				if err := p.kinesis.SetKMSError(stream, ""); err != nil {
					t.Fatal(err)
				}
				p.becomes(t, telemetry.Running)
				p.loadsAll(t)
				if n := p.said("reading again"); n != 1 {
					t.Errorf("%d lines say that it is over", n)
				}
			})
		})
	}
}

// A COPY of eight minutes keeps the readers waiting for longer than their iterators live, and the service calls others
// expired too.
func TestIteratorsExpire(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		var opened, expired atomic.Int32
		s.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			switch {
			case c.Op == "GetShardIterator":
				opened.Add(1)
			case c.Op == "GetRecords" && (c.N == 20 || c.N == 30):
				expired.Add(1)
				return kinesis.Throw("ExpiredIteratorException", "Iterator expired.")
			case c.Op == "GetRecords":
				return &kinesis.Fault{AtMost: 100}
			}
			return nil
		}})
		release := make(chan struct{})
		s.snowflake.HoldCopies(release)
		cfg := s.config("worker")
		cfg.Sink.Batch.MaxRows = 200
		s.put(3000)
		p := s.faulty(cfg, false)
		<-time.After(8 * time.Minute)
		close(release)
		p.loadsAll(t)
		p.stop()
		p.end(t)
		s.complete()
		if opened, expired := opened.Load(), expired.Load(); expired != 2 || opened-2-expired < 1 {
			t.Errorf("%d iterators were got: for 2 shards, %d refused and %d that had grown old; want some of each", opened, expired, opened-2-expired)
		}
	})
}

// What only an operator can mend on the AWS side ends the run, and says what to do; the next run goes on where it stood.
func TestAWSErrorsThatEndARun(t *testing.T) {
	refuse := func(op, code string) func(*stack) {
		return func(s *stack) {
			s.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
				if c.Op == op {
					return kinesis.Throw(code, "no")
				}
				return nil
			}})
		}
	}
	deny := func(op string) func(*stack) {
		return func(s *stack) {
			s.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
				if c.Op == op {
					return dynamodb.Deny(op, "table/"+application)
				}
				return nil
			}})
		}
	}
	for name, c := range map[string]struct {
		begin func(*stack)
		words []string
	}{
		"GetRecords not allowed": {refuse("GetRecords", "AccessDeniedException"), []string{"allow the IAM action kinesis:GetRecords on stream orders"}},
		"unknown access key":     {refuse("GetRecords", "UnrecognizedClientException"), []string{"check access key and secret key"}},
		"wrong secret key":       {refuse("GetRecords", "InvalidSignatureException"), []string{"check access key and secret key"}},
		"session token expired":  {refuse("GetRecords", "ExpiredTokenException"), []string{"give a fresh session token"}},
		"UpdateItem not allowed": {deny("UpdateItem"), []string{"grant dynamodb:UpdateItem on table/" + application}},
		"Scan not allowed":       {deny("Scan"), []string{"grant dynamodb:Scan on table/" + application}},
	} {
		t.Run(name, func(t *testing.T) {
			inStack(t, 2, func(t *testing.T, s *stack) {
				p := s.faulty(s.config("worker"), false)
				s.put(500)
				p.loadsAll(t)
				c.begin(s)
				s.put(500)
				p.fails(t, c.words...)
				s.kinesis.SetHooks(kinesis.Hooks{})
				s.dynamodb.SetHooks(dynamodb.Hooks{})
				s.put(500)
				s.catchUp()
				s.complete()
			})
		})
	}
}

// The clocks of the services are set forward and back, each by itself, while records come.
func TestClocksAreStepped(t *testing.T) {
	for _, steps := range [][]time.Duration{{time.Hour}, {-time.Hour}, {6 * time.Hour, -5 * time.Hour}, {time.Minute, -time.Minute}} {
		for _, whose := range []string{"kinesis", "dynamodb", "snowflake"} {
			if whose == "dynamodb" && steps[0] < 0 {
				continue // to the stand-in its table would not be made yet
			}
			t.Run(whose+" "+steps[0].String(), func(t *testing.T) {
				inStack(t, 2, func(t *testing.T, s *stack) {
					clocks := map[string]*stepped{"kinesis": {}, "dynamodb": {}, "snowflake": {}}
					s.kinesis = kinesis.New(kinesis.Options{Clock: clocks["kinesis"].now, Limits: &kinesis.Limits{}}) // its meters go by the same clock
					s.dynamodb = dynamodb.New(dynamodb.Options{Now: clocks["dynamodb"].now})
					s.snowflake.Close()
					s.snowflake = snowflake.New(snowflake.Options{Now: clocks["snowflake"].now})
					s.snowflake.AddUser("LOADER", "secret", nil)
					s.snowflake.CreateSchema("RAW", "KINESIS")
					if err := s.kinesis.CreateStream(stream, 2); err != nil {
						t.Fatal(err)
					}
					p := s.faulty(s.config("worker"), false)
					for range 4 {
						for _, step := range steps {
							s.put(100)
							<-time.After(7 * time.Second)
							stepOnce := s.onFirst("COPY", func() { clocks[whose].step(step) })
							s.put(100)
							p.until(t, func(Progress) bool { return closed(stepOnce) })
							p.loadsAll(t)
						}
					}
					if n := p.said("lease lost"); n > 0 {
						t.Errorf("%d leases were lost", n)
					}
					p.stop()
					p.end(t)
					s.complete()
				})
			})
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
