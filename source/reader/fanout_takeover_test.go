package reader

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

// start reads until the returned function is called, which waits for the end.
func (r *rig) start() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.fan.Read(ctx, r.cfg) }()
	return func() {
		r.t.Helper()
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

// from has the rig read on where another stopped.
func (r *rig) from(other *rig) {
	synctest.Wait()
	r.got = slices.Clone(other.got)
	r.cfg.Start = row.Position{Sequence: other.got[len(other.got)-1].Sequence}
}

// A lease changes hands in good order. The old owner subscribed a second ago, or long ago.
func TestShardChangesHands(t *testing.T) {
	for _, age := range []time.Duration{time.Second, 3 * time.Second, time.Minute, 5*time.Minute + time.Second} {
		subscribedTo(t, standin.Options{}, func(t *testing.T, one *rig) {
			one.flow(5, 10*time.Minute)
			stop := one.start()
			<-time.After(age + time.Millisecond)
			stop()
			two := one.peer()
			two.from(one)
			taken := time.Now()
			if err := two.read(11 * time.Minute); err != nil {
				t.Fatal(err)
			}
			two.whole()
			two.paced()
			if n := one.lines("") + two.lines(""); n > 0 {
				t.Errorf("after %v: log:\n%s%s", age, one.log, two.log)
			}
			for _, c := range two.of("SubscribeToShard") {
				if c.status == 200 {
					if d := c.at.Sub(taken); d > 7*time.Second {
						t.Errorf("after %v: it took %v to subscribe", age, d)
					}
					break
				}
			}
		})
	}
}

// The old owner does not know yet that it lost its lease: its subscription is ended, and it leaves the new one alone.
func TestOldOwnerGivesWay(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, one *rig) {
		one.flow(5, 2*time.Minute)
		stop := one.start()
		<-time.After(10 * time.Second)
		two := one.peer()
		two.from(one)
		stopTwo := two.start()
		<-time.After(time.Second)
		if list := one.subscriptions(); len(list) != 1 || list[0].Number != 2 {
			t.Errorf("subscriptions %+v, want that of the second alone", list)
		}
		<-time.After(3 * time.Second) // a lease tells by then
		stop()
		if n := len(one.of("SubscribeToShard")); n != 1 {
			t.Errorf("the old owner called %d times", n)
		}
		<-time.After(3 * time.Minute)
		stopTwo()
		two.whole()
		if n := len(two.of("SubscribeToShard")); n != 1 {
			t.Errorf("the new owner needed %d calls", n)
		}
	})
}

// Two applications with one consumer's name: each gets all records all the same, they take turns ever more slowly, and say
// what is wrong.
func TestTwoReadersOfOneShardDoNotFight(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, one *rig) {
		one.flow(5, 30*time.Minute)
		two := one.peer()
		stopOne := one.start()
		<-time.After(3 * time.Second)
		stopTwo := two.start()
		<-time.After(31 * time.Minute)
		one.as.set("") // by polling both come to the end
		two.as.set("")
		<-time.After(2 * time.Minute)
		stopOne()
		stopTwo()
		one.whole()
		two.whole()
		for _, r := range []*rig{one, two} {
			r.paced()
			if n := len(r.of("SubscribeToShard")); n < 5 || n > 60 {
				t.Errorf("%d calls in half an hour", n)
			}
			if n := r.lines("source.consumer_name"); n == 0 || n > 31 {
				t.Errorf("%d lines about it; log:\n%s", n, r.log)
			}
		}
	})
}

// Who is taken over now and then, by workers that come and go, is not made to wait longer each time.
func TestRareTakeoversAreForgotten(t *testing.T) {
	subscribedTo(t, standin.Options{}, func(t *testing.T, r *rig) {
		stop := r.start()
		for range 6 {
			<-time.After(3 * time.Minute)
			taken := time.Now()
			leave := r.peer().start()
			<-time.After(time.Second)
			leave()
			<-time.After(10 * time.Second)
			calls := r.of("SubscribeToShard")
			if back := calls[len(calls)-1].at.Sub(taken); back <= 0 || back > 7*time.Second {
				t.Errorf("back after %v", back)
			}
		}
		stop()
	})
}

func TestLinesAboutTakeoversAreOneAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFanOut(nil, nil)
		lines := 0
		for range 600 { // shards and times
			if f.warn() {
				lines++
			}
			<-time.After(time.Second)
		}
		if lines != 10 {
			t.Errorf("%d lines in ten minutes", lines)
		}
	})
}
