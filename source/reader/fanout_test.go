package reader

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

func subscribedTo(t *testing.T, opt standin.Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, opt).subscribed()) })
}

func TestSubscriptionIsRenewed(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		var longest time.Duration
		last := time.Now()
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			longest, last = max(longest, time.Since(last)), time.Now()
			return r.handle(ctx, resp)
		}
		r.flow(3, 16*time.Minute)
		if err := r.read(17 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		if n := len(r.of("SubscribeToShard")); n != 4 {
			t.Errorf("%d subscriptions in 17 minutes, want one every 5", n)
		}
		if n := r.refused(); n > 0 || r.log.Len() > 0 {
			t.Errorf("%d calls were refused; log:\n%s", n, r.log)
		}
		if longest > 6*time.Second {
			t.Errorf("%v without an event", longest)
		}
		r.paced()
	})
}

// An idle shard's continuation goes on where its records do not; a renewed subscription begins there.
func TestIdleShard(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.put(3, 10)
		m := &meter{t: t}
		r.cfg.Budget = m
		answers := 0
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			answers++
			return r.handle(ctx, resp)
		}
		if err := r.read(20 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		for _, c := range r.of("SubscribeToShard")[1:] {
			if c.from.Type != types.ShardIteratorTypeAfterSequenceNumber || row.CompareSequence(*c.from.SequenceNumber, r.got[2].Sequence) <= 0 {
				t.Errorf("subscribes %s %s, want after the continuation", c.from.Type, *c.from.SequenceNumber)
			}
		}
		if answers < 230 || m.peak > 4<<10 || m.used != 0 {
			t.Errorf("%d answers in 20 minutes; %d bytes taken at most, %d left", answers, m.peak, m.used)
		}
	})
}

func TestSilentConnectionIsGivenUp(t *testing.T) {
	stall := func(e standin.Event) *standin.Fault { return &standin.Fault{Stall: e.Subscription == 1 && e.N == 3} }
	subscribedTo(t, inEvents(stall), func(t *testing.T, r *rig) {
		r.flow(1, 2*time.Minute)
		stop := r.start()
		defer stop()
		<-time.After(3 * time.Minute)
		r.whole()
		calls := r.of("SubscribeToShard")
		if len(calls) != 2 {
			t.Fatalf("%d subscriptions, want another after the silence", len(calls))
		}
		if d := calls[1].at.Sub(calls[0].at); d < silence || d > silence+10*time.Second {
			t.Errorf("the second came %v after the first", d)
		}
		if r.lines("no event for 30s") != 1 || r.lines("reading again") != 1 {
			t.Errorf("log:\n%s", r.log)
		}
	})
}

func TestCallWithoutAnAnswerIsGivenUp(t *testing.T) {
	hang := standin.Hooks{Before: standin.Plan{}.At("SubscribeToShard", 1, &standin.Fault{Delay: time.Hour}).Hook}
	subscribedTo(t, standin.Options{Hooks: hang}, func(t *testing.T, r *rig) {
		r.put(10, 10)
		if err := r.read(40 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
	})
}

// Whatever ends subscriptions, each record is handed over once and in order, and the service's limits are kept.
func TestBrokenSubscriptionsLoseNothing(t *testing.T) {
	kinds := []standin.Fault{
		{Cut: true}, {Tear: true}, {Corrupt: true}, {Stall: true},
		{Code: "InternalFailureException", Message: "oops"}, {Code: "KMSThrottlingException"}, {Code: "ResourceInUseException"},
		{Code: "ResourceNotFoundException"}, {Code: "LimitExceededException"}, {Code: "SomethingNewException"},
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var calm atomic.Bool
		hooks := standin.Hooks{
			Event: func(standin.Event) *standin.Fault {
				if calm.Load() || random.IntN(6) > 0 {
					return nil
				}
				return &kinds[random.IntN(len(kinds))]
			},
			Before: func(c standin.Call) *standin.Fault {
				if calm.Load() || c.Op != "SubscribeToShard" || random.IntN(4) > 0 {
					return nil
				}
				return &[]standin.Fault{{Cut: true}, {Status: 500}, {Status: 503}, {Code: "LimitExceededException"}, {Code: "ResourceInUseException"}}[random.IntN(5)]
			},
		}
		subscribedTo(t, standin.Options{Hooks: hooks, LateEnd: seed%2 == 0}, func(t *testing.T, r *rig) {
			m := &meter{t: t}
			r.cfg.Budget = m
			r.cfg.Missing = func(context.Context, error) (Verdict, error) { return Unknown, errors.New("who knows") }
			r.flow(5, 30*time.Minute)
			go func() {
				<-time.After(30 * time.Minute)
				calm.Store(true)
				if _, _, err := r.server.Split(stream, shard0); err != nil {
					t.Error(err)
				}
			}()
			if err := r.read(40 * time.Minute); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			r.whole()
			r.paced()
			if r.ends == 0 || len(r.children) != 2 || m.used != 0 {
				t.Errorf("seed %d: %d ends, %d children, %d bytes left", seed, r.ends, len(r.children), m.used)
			}
			if n := len(r.of("SubscribeToShard")); n < 20 {
				t.Errorf("only %d subscriptions: this test shows little", n)
			}
		})
	}
}

// LATEST is the place of the first subscription, also when that ends before its first event.
func TestLatestIsOneInstantAcrossSubscriptions(t *testing.T) {
	stall := func(e standin.Event) *standin.Fault { return &standin.Fault{Stall: e.Subscription == 1} }
	subscribedTo(t, inEvents(stall), func(t *testing.T, r *rig) {
		r.put(5, 10)
		before := len(collect(r.server))
		<-time.After(10 * time.Second)
		r.cfg.Start = row.Position{Sequence: row.Latest}
		go func() {
			<-time.After(2 * time.Second)
			r.put(7, 10)
		}()
		if err := r.read(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.same(collect(r.server)[before:])
	})
}

func TestUnknownContinuationFallsBackToTheLastRecord(t *testing.T) {
	hooks := standin.Hooks{Before: standin.Plan{}.At("SubscribeToShard", 2, standin.Throw("InvalidArgumentException", "StartingSequenceNumber is invalid")).Hook}
	subscribedTo(t, standin.Options{Hooks: hooks}, func(t *testing.T, r *rig) {
		r.flow(2, 6*time.Minute)
		if err := r.read(7 * time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		calls := r.of("SubscribeToShard")
		if last := calls[2].from; last.Type != types.ShardIteratorTypeAfterSequenceNumber || !slices.ContainsFunc(r.got, func(g standin.Record) bool { return g.Sequence == *last.SequenceNumber }) {
			t.Errorf("subscribes %s %s then, want after a record", last.Type, *last.SequenceNumber)
		}
	})
}

// Connections break: that alone is nothing to tell.
func TestBrokenConnectionIsReplacedQuietly(t *testing.T) {
	for _, fault := range []standin.Fault{{Cut: true}, {Tear: true}} {
		subscribedTo(t, inEvents(func(e standin.Event) *standin.Fault {
			if e.N == 10 {
				return &fault
			}
			return nil
		}), func(t *testing.T, r *rig) {
			r.flow(1, 2*time.Minute)
			if err := r.read(3 * time.Minute); err != nil {
				t.Fatal(err)
			}
			r.whole()
			if n := len(r.of("SubscribeToShard")); n < 3 || r.log.Len() > 0 {
				t.Errorf("%d subscriptions, log:\n%s", n, r.log)
			}
		})
	}
}

func TestPermanentErrorsOfSubscriptions(t *testing.T) {
	for code, want := range map[string]string{"ExpiredTokenException": "session token", "UnrecognizedClientException": "access key"} {
		subscribedTo(t, standin.Options{Hooks: faults("SubscribeToShard", 1, standin.Throw(code, "no"))}, func(t *testing.T, r *rig) {
			if err := r.read(time.Hour); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not say %q", code, err, want)
			}
		})
	}
}
