package source

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

// fanOutWorld is a world whose Kinesis has other options, and counts its calls.
func fanOutWorld(t *testing.T, shards int, opt kinesis.Options) *world {
	w := newWorld(t, 1)
	w.kinesis = kinesis.New(opt)
	if err := w.kinesis.CreateStream(stream, shards); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) startFanOut(name string) *worker {
	w.t.Helper()
	o := w.options(name)
	o.FanOut, o.PollInterval = true, 20*time.Second // some tests poll for an hour
	s, err := New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(s, &sink{world: w, name: name})
}

// lines counts those of all workers' logs.
func (w *world) lines(containing string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, containing) {
			n++
		}
	}
	return n
}

func (w *world) subscriptions() (n int) {
	for _, c := range w.kinesis.Consumers(stream) {
		n += len(c.Subscriptions)
	}
	return n
}

func TestWorkersShareOneConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fanOutWorld(t, 8, kinesis.Options{ConsumerDelay: 40 * time.Second})
		w.put(500)
		workers := []*worker{w.startFanOut("one"), w.startFanOut("two"), w.startFanOut("three")}
		wait(2 * time.Minute)
		consumers := w.kinesis.Consumers(stream)
		if len(consumers) != 1 || consumers[0].Name != application || w.subscriptions() != 8 {
			t.Fatalf("consumers %+v", consumers)
		}
		w.put(500)
		wait(10 * time.Second)
		w.whole(false)
		for _, r := range workers {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}
		if n := w.lines("registered a consumer"); n != 1 {
			t.Errorf("%d workers say that they registered it", n)
		}
		if n := w.lines("level=WARN"); n > 0 {
			t.Errorf("log:\n%s", w.log.String())
		}
		if c := w.kinesis.Consumers(stream); len(c) != 1 || c[0].Status != "ACTIVE" || len(c[0].Subscriptions) > 0 {
			t.Errorf("afterwards %+v, want the consumer, and nobody subscribed", c)
		}
	})
}

func TestConsumerOfAnotherName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fanOutWorld(t, 1, kinesis.Options{})
		o := w.options("one")
		o.FanOut, o.ConsumerName = true, "reader"
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		r := w.run(s, &sink{world: w, name: "one"})
		wait(time.Minute)
		if c := w.kinesis.Consumers(stream); len(c) != 1 || c[0].Name != "reader" {
			t.Errorf("consumers %+v", c)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// Where there is no consumer to be had, one line says so and how to mend it, records come by polling, and fan-out is tried
// again later.
func TestPollingInPlaceOfFanOut(t *testing.T) {
	always := func(op, code string) func(kinesis.Call) *kinesis.Fault {
		return func(c kinesis.Call) *kinesis.Fault {
			if c.Op == op {
				return kinesis.Throw(code, "because")
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		before func(kinesis.Call) *kinesis.Fault
		delay  time.Duration
		world  func(*world)
		within time.Duration // of the start records are read
		again  time.Duration // after the hindrance is gone
		say    []string
	}{
		"not allowed to look":      {before: always("DescribeStreamConsumer", "AccessDeniedException"), within: 20 * time.Second, again: time.Hour, say: []string{"kinesis:DescribeStreamConsumer", "/consumer/*", "source.consumer: polling", "because"}},
		"not allowed to register":  {before: always("RegisterStreamConsumer", "AccessDeniedException"), within: 20 * time.Second, again: time.Hour, say: []string{"kinesis:RegisterStreamConsumer"}},
		"not allowed to subscribe": {before: always("SubscribeToShard", "AccessDeniedException"), within: 20 * time.Second, again: time.Hour, say: []string{"kinesis:SubscribeToShard"}},
		"not known":                {before: always("DescribeStreamConsumer", "UnknownOperationException"), within: 20 * time.Second, again: time.Hour, say: []string{"kinesis_endpoint"}},
		"not offered":              {before: always("RegisterStreamConsumer", "UnsupportedOperationException"), within: 20 * time.Second, again: time.Hour, say: []string{"UnsupportedOperationException"}},
		"not valid":                {before: always("RegisterStreamConsumer", "InvalidArgumentException"), within: 20 * time.Second, again: time.Hour, say: []string{"because"}},
		"stream not known":         {before: always("RegisterStreamConsumer", "ResourceNotFoundException"), within: 20 * time.Second, again: time.Minute, say: []string{"ResourceNotFoundException"}},
		"no answer":                {before: always("DescribeStreamConsumer", "InternalFailureException"), within: time.Minute, again: time.Minute, say: []string{"InternalFailureException"}},
		"throttled":                {before: always("DescribeStreamConsumer", "ThrottlingException"), within: time.Minute, again: time.Minute, say: []string{"because"}},
		"never active":             {delay: 10 * time.Hour, within: 6 * time.Minute, say: []string{"CREATING after 5m"}},
		"too many consumers": {within: time.Minute, say: []string{"20 consumers", "deregister-stream-consumer"}, world: func(w *world) {
			for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
				if _, err := w.kinesis.RegisterConsumer(stream, name); err != nil {
					w.t.Fatal(err)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := fanOutWorld(t, 3, kinesis.Options{ConsumerDelay: c.delay, Hooks: kinesis.Hooks{Before: c.before}})
				if c.world != nil {
					c.world(w)
				}
				r := w.startFanOut("one")
				w.put(100)
				wait(c.within)
				w.whole(false)
				if n := w.lines("fan-out is not to be had; reading by polling"); n != 1 {
					t.Fatalf("%d lines; log:\n%s", n, w.log.String())
				}
				for _, want := range c.say {
					if w.lines(want) == 0 {
						t.Errorf("the log does not say %q:\n%s", want, w.log.String())
					}
				}
				if c.again > 0 {
					w.kinesis.SetHooks(kinesis.Hooks{})
					wait(c.again + time.Minute)
					if n := w.subscriptions(); n != 3 {
						t.Errorf("%d subscriptions afterwards", n)
					}
					w.put(100)
					wait(10 * time.Second)
					w.whole(false)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestConsumerIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct{ before, during bool }{"deleted before the start": {before: true}, "deleted meanwhile": {during: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := fanOutWorld(t, 2, kinesis.Options{ConsumerDelay: 30 * time.Second})
				w.put(100)
				if c.before {
					if _, err := w.kinesis.RegisterConsumer(stream, application); err != nil {
						t.Fatal(err)
					}
					w.delete(application)
				}
				r := w.startFanOut("one")
				if c.during {
					wait(time.Minute)
					w.delete(application)
				}
				looks := 0
				w.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
					if c.Op == "DescribeStreamConsumer" {
						looks++
					}
					return nil
				}})
				for range 100 {
					w.put(10)
					wait(10 * time.Second)
				}
				if looks > 60 {
					t.Errorf("looked for the consumer %d times", looks)
				}
				w.whole(false)
				if n := w.subscriptions(); n != 2 || w.lines("by polling") > 0 {
					t.Errorf("%d subscriptions, log:\n%s", n, w.log.String())
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Another worker registers the consumer between our look and our call, and the service fails now and then while it is made.
func TestConsumerIsWaitedForThroughErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errors := kinesis.Plan{}.At("DescribeStreamConsumer", 1, kinesis.Throw("InternalFailureException", "")).
			At("DescribeStreamConsumer", 2, kinesis.Throw("InternalFailureException", "")).At("DescribeStreamConsumer", 40, kinesis.Throw("ThrottlingException", ""))
		w := fanOutWorld(t, 1, kinesis.Options{ConsumerDelay: 2 * time.Minute, Hooks: kinesis.Hooks{
			Before: errors.Hook, After: kinesis.Plan{}.At("RegisterStreamConsumer", 1, kinesis.Throw("ResourceInUseException", "exists")).Hook,
		}})
		r := w.startFanOut("one")
		w.put(100)
		wait(3 * time.Minute)
		w.whole(false)
		if n := w.subscriptions(); n != 1 || w.lines("by polling") > 0 {
			t.Errorf("%d subscriptions, log:\n%s", n, w.log.String())
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusalIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fanOutWorld(t, 1, kinesis.Options{})
		c := newConsumer(w.source("one"))
		for range 3 { // shards
			c.Refuse(ErrLost)
		}
		if n := w.lines("by polling"); n != 1 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestPermanentErrorOfTheConsumerEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fanOutWorld(t, 1, kinesis.Options{Hooks: kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "DescribeStreamConsumer" {
				return kinesis.Throw("ExpiredTokenException", "old")
			}
			return nil
		}}})
		r := w.startFanOut("one")
		if err := <-r.done; err == nil || !strings.Contains(err.Error(), "session token") {
			t.Errorf("error %v", err)
		}
	})
}

// Workers come and go, the stream is resharded, and each record is read once while leases are handed over in good order.
func TestFanOutFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fanOutWorld(t, 4, kinesis.Options{ConsumerDelay: 10 * time.Second})
		w.put(100)
		one, two := w.startFanOut("one"), w.startFanOut("two")
		for i := range 60 {
			w.put(20)
			wait(5 * time.Second)
			switch i {
			case 10:
				if err := one.stop(); err != nil {
					t.Error(err)
				}
			case 20:
				if err := w.kinesis.UpdateShardCount(stream, 6); err != nil {
					t.Error(err)
				}
			case 30:
				one = w.start("three") // polls: the two ways go together
			}
		}
		wait(2 * time.Minute)
		if err := one.stop(); err != nil {
			t.Error(err)
		}
		wait(time.Minute)
		if err := two.stop(); err != nil {
			t.Error(err)
		}
		w.whole(false)
		w.parentsFirst()
	})
}
