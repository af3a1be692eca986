package pipeline

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/snowflake"
)

// member is a worker of a fleet.
type member struct {
	*running
	cable *cable
}

// join starts a worker whose batches are an hour apart, so that what is committed early is committed for a hand-over.
func (s *stack) join(name string, consumer config.Consumer) *member {
	cfg := s.config(name)
	cfg.Sink.Batch.Interval, cfg.Source.Consumer = time.Hour, consumer
	c := newCable(s)
	return &member{s.startOver(c, cfg, false), c}
}

func (m *member) holds(t *testing.T, shards int) {
	t.Helper()
	m.until(t, func(p Progress) bool { return len(p.Shards) == shards })
}

func (m *member) progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}

func (m *member) leaves(t *testing.T) Progress {
	t.Helper()
	m.stop()
	return m.end(t)
}

// flow sends records for some seconds.
func (s *stack) flow(seconds int) {
	for range seconds {
		s.put(100)
		<-time.After(time.Second)
	}
}

// A worker that joins takes its share from one that lives, which commits first: no record is read twice. Likewise the
// share of a worker that is stopped.
func TestSharesAreHandedOverWithoutReadingTwice(t *testing.T) {
	for _, consumer := range []config.Consumer{config.Polling, config.FanOut} {
		t.Run(string(consumer), func(t *testing.T) { sharesAreHandedOver(t, consumer) })
	}
}

func sharesAreHandedOver(t *testing.T, consumer config.Consumer) {
	inStack(t, 8, func(t *testing.T, s *stack) {
		one := s.join("one", consumer)
		s.flow(20)
		one.holds(t, 8)
		two := s.join("two", consumer)
		s.flow(40)
		one.holds(t, 4)
		two.holds(t, 4)
		three := s.join("three", consumer)
		s.flow(40)
		for _, m := range []*member{one, two, three} {
			if n := len(m.progress().Shards); n < 2 || n > 3 {
				t.Errorf("a worker of three holds %d of 8 shards", n)
			}
		}
		if n := one.progress().Tally.Batches; n < 1 || n > 5 {
			t.Errorf("%d batches were committed for hand-overs of 5 or 6 shards", n)
		}
		read := two.leaves(t).Tally.Read
		s.flow(30)
		one.holds(t, 4)
		three.holds(t, 4)
		read += one.leaves(t).Tally.Read
		s.flow(30)
		three.holds(t, 8)
		read += three.leaves(t).Tally.Read
		if read != int64(s.sent) {
			t.Errorf("%d records were read, %d were sent", read, s.sent)
		}
		s.complete()
		for _, m := range []*member{one, two, three} {
			if log := m.log.String(); strings.Contains(log, "fenced") || strings.Contains(log, "lease lost") {
				t.Errorf("a worker that nobody disturbs:\n%s", log)
			}
		}
	})
}

// fatal kills a worker before a statement of a batch is sent.
type fatal struct {
	next http.RoundTripper
	at   string
	kill func()

	mu    sync.Mutex
	armed bool
	batch bool // its COPY was seen
}

func (f *fatal) RoundTrip(r *http.Request) (*http.Response, error) {
	statement, err := snowflake.StatementOf(r)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.batch = f.batch || strings.HasPrefix(statement, "COPY")
	hit := f.armed && f.batch && strings.HasPrefix(statement, f.at)
	f.mu.Unlock()
	if hit {
		f.kill()
		return nil, errReset
	}
	return f.next.RoundTrip(r)
}

// One of two workers is gone without a word, between two statements of a batch. The other takes its share.
func TestWorkerOfAFleetVanishes(t *testing.T) {
	for _, at := range []string{"COPY", "UPDATE", "COMMIT"} {
		t.Run("before "+at, func(t *testing.T) {
			inStack(t, 4, func(t *testing.T, s *stack) {
				one := s.start(s.config("one"), false)
				s.flow(20)
				c, dead := newCable(s), make(chan struct{})
				f := &fatal{next: c.snowflake.next, at: at}
				f.kill = sync.OnceFunc(func() { c.cut(); close(dead) })
				c.snowflake.next = f
				two := &member{s.startOver(c, s.config("two"), false), c}
				s.flow(20)
				two.holds(t, 2)
				f.mu.Lock()
				f.armed, f.batch = true, false
				f.mu.Unlock()
				s.flow(10)
				<-dead
				s.flow(30)
				one.until(t, func(p Progress) bool { return len(p.Shards) == 4 })
				one.stop()
				one.end(t)
				s.catchUp()
				s.complete()
				two.stop()
				<-two.done
				s.complete()
			})
		})
	}
}

// Snowflake is away while a second worker joins: nothing can be committed, so the shards are handed over as they are,
// and their new owner reads again what was not committed.
func TestHandOverWhileSnowflakeIsAway(t *testing.T) {
	inStack(t, 4, func(t *testing.T, s *stack) {
		one := s.start(s.config("one"), false)
		s.flow(10)
		one.until(t, func(p Progress) bool { return len(p.Shards) == 4 && p.Tally.Loaded > 0 })
		two := s.start(s.config("two"), false)
		s.snowflake.SetHooks(snowflake.Hooks{Before: func(snowflake.Event) *snowflake.Fault {
			return &snowflake.Fault{Status: http.StatusServiceUnavailable}
		}})
		s.flow(90)
		for _, r := range []*running{one, two} {
			r.until(t, func(p Progress) bool { return len(p.Shards) == 2 })
		}
		s.snowflake.SetHooks(snowflake.Hooks{})
		s.flow(60)
		for _, r := range []*running{one, two} {
			r.stop()
			r.end(t)
		}
		s.catchUp()
		s.complete()
	})
}
