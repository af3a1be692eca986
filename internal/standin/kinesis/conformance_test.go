package kinesis_test

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// clock stands still until it is advanced.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	alarms map[chan time.Time]time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 5, 4, 3, 2, 1, 500_000_000, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for alarm, at := range c.alarms {
		if !c.now.Before(at) {
			delete(c.alarms, alarm)
			close(alarm)
		}
	}
}

// Alarm is what subscriptions wait for.
func (c *clock) Alarm(at time.Time) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	alarm := make(chan time.Time)
	if c.now.Before(at) {
		if c.alarms == nil {
			c.alarms = map[chan time.Time]time.Time{}
		}
		c.alarms[alarm] = at
	} else {
		close(alarm)
	}
	return alarm, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.alarms[alarm]
		delete(c.alarms, alarm)
		return waiting
	}
}

func target(opt kinesis.Options) (*kinesis.Server, kinesistest.Target) {
	c := newClock()
	opt.Clock, opt.Alarm = c.Now, c.Alarm
	if opt.ConsumerDelay == 0 {
		opt.ConsumerDelay = 2 * time.Second
	}
	s := kinesis.New(opt)
	return s, kinesistest.Target{HTTP: s.RoundTripper(), Offers: kinesistest.All, Advance: c.Advance, Now: c.Now}
}

func TestConformance(t *testing.T) {
	t.Run("in process", func(t *testing.T) {
		kinesistest.Run(t, func(*testing.T) kinesistest.Target {
			_, tg := target(kinesis.Options{})
			return tg
		})
	})
	t.Run("over a socket", func(t *testing.T) {
		kinesistest.Run(t, func(t *testing.T) kinesistest.Target {
			s, tg := target(kinesis.Options{})
			srv := httptest.NewServer(s.Handler())
			t.Cleanup(srv.Close)
			tg.HTTP, tg.Endpoint = srv.Client().Transport, srv.URL
			return tg
		})
	})
	t.Run("with delays and a late end", func(t *testing.T) {
		kinesistest.Run(t, func(*testing.T) kinesistest.Target {
			_, tg := target(kinesis.Options{CreateDelay: 3 * time.Second, UpdateDelay: 2 * time.Second, LateEnd: true})
			advance := tg.Advance
			tg.Poll = func() { advance(time.Second) }
			return tg
		})
	})
}
