package reader

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

// rates checks the calls against the service's limits of a shard: no more than 5 in any second, and no call before
// the answers so far are paid for at 2 MiB/s.
func rates(t *testing.T, calls []call) {
	t.Helper()
	for i := 5; i < len(calls); i++ {
		if d := calls[i].at.Sub(calls[i-5].at); d < time.Second {
			t.Fatalf("calls %d to %d came within %v", i-5, i, d)
		}
	}
}

func TestCatchingUpKeepsToTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		const records, size = 3000, 20_000 // 57 MiB
		r.put(records, size)
		started := time.Now()
		var caughtUp time.Duration
		bytes := 0
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if bytes += resp.Bytes; caughtUp == 0 && len(resp.Records) > 0 && resp.MillisBehindLatest == 0 {
				caughtUp = time.Since(started)
			}
			// What came so far, less one answer's burst, is paid for.
			if most := int(time.Since(started).Seconds()*readRate) + 10<<20; bytes > most {
				t.Errorf("%d bytes after %v", bytes, time.Since(started))
			}
			return r.handle(ctx, resp)
		}
		if err := r.read(time.Minute); err != nil {
			t.Fatal(err)
		}
		r.whole()
		rates(t, r.of("GetRecords"))
		if n := r.refused(); n > 0 {
			t.Errorf("the service refused %d calls", n)
		}
		// 57 MiB at 2 MiB/s, less the last answer, which need not be paid for to be read.
		if least := 20 * time.Second; caughtUp < least || caughtUp > 31*time.Second {
			t.Errorf("caught up after %v", caughtUp)
		}
	})
}

func TestManySmallAnswersKeepTo5CallsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{Hooks: standin.Hooks{Before: func(standin.Call) *standin.Fault { return &standin.Fault{AtMost: 1} }}})
		r.put(40, 10)
		if err := r.read(9 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		calls := r.of("GetRecords")
		rates(t, calls)
		if n := r.refused(); n > 0 {
			t.Errorf("the service refused %d calls", n)
		}
		// As fast as allowed all the same.
		if d := calls[39].at.Sub(calls[0].at); d > 39*callSpacing {
			t.Errorf("40 calls took %v", d)
		}
	})
}

func TestIdleShardIsAskedEveryPollInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.cfg.PollInterval = 2 * time.Second
		r.put(1, 10)
		if err := r.read(21 * time.Second); err != nil {
			t.Fatal(err)
		}
		calls := r.of("GetRecords")
		if len(calls) != 11 {
			t.Errorf("%d calls in 21 s", len(calls))
		}
		for i := 1; i < len(calls); i++ {
			if d := calls[i].at.Sub(calls[i-1].at); d != r.cfg.PollInterval {
				t.Errorf("call %d came %v after the one before", i, d)
			}
		}
		r.whole()
	})
}

func TestEmptyAnswersFromBehindTheTipAreNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		r.server.SetHooks(faults("GetRecords", 20, &standin.Fault{Empty: true}))
		r.cfg.PollInterval = 10 * time.Second
		r.put(5, 10)
		<-time.After(time.Minute) // so that the records lie behind
		if err := r.read(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		r.whole()
		rates(t, r.of("GetRecords"))
	})
}

func TestAnswerOf10MiBIsFollowedBy5Seconds(t *testing.T) {
	if d := spacing(10 << 20); d != 5*time.Second {
		t.Errorf("spacing after 10 MiB is %v", d)
	}
	if d := spacing(0); d != 200*time.Millisecond {
		t.Errorf("spacing after nothing is %v", d)
	}
}

func TestBackoffGrowsToItsLimitAndIsJittered(t *testing.T) {
	for class, most := range map[Class]time.Duration{ClassRetry: 10 * time.Second, ClassThrottled: 5 * time.Second, ClassKey: time.Minute} {
		var b backoff
		seen := map[time.Duration]bool{}
		for i := range 100 {
			d := b.next(class)
			if d < callSpacing || d > most+callSpacing {
				t.Fatalf("%v, failure %d: %v", class, i, d)
			}
			if i > 20 {
				if d < most/2 {
					t.Fatalf("%v, failure %d: only %v", class, i, d)
				}
				seen[d] = true
			}
		}
		if len(seen) < 50 {
			t.Errorf("%v: only %d distinct waits", class, len(seen))
		}
	}
}
