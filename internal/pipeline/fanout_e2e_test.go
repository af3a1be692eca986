package pipeline

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/sink/loadfile"
)

func (s *stack) fanOutConfig(worker string) *config.Pipeline {
	cfg := s.config(worker)
	cfg.Source.Consumer = config.FanOut
	return cfg
}

// fanOutCable is a cable that, when it is cut, also ends what is on its way.
func fanOutCable(s *stack) *cable {
	c := newCable(s)
	c.kinesis.next = severing{c.kinesis.next, c.kinesis}
	return c
}

type severing struct {
	next http.RoundTripper
	wire *wire
}

func (t severing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &severedBody{resp.Body, t.wire}
	}
	return resp, err
}

type severedBody struct {
	io.ReadCloser
	wire *wire
}

func (b *severedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.wire.broken.Load() {
		return 0, errors.New("connection reset by peer")
	}
	return n, err
}

// calls counts those of Kinesis, by operation.
type calls struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *calls) hook(call kinesis.Call) *kinesis.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[call.Op]++
	return nil
}

func (c *calls) of(op string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[op]
}

func TestFanOutUntilCaughtUpLoadsEverythingOnce(t *testing.T) {
	inStack(t, 4, func(t *testing.T, s *stack) {
		c := new(calls)
		s.kinesis.SetHooks(kinesis.Hooks{Before: c.hook})
		for _, n := range []int{20_000, 0, 1000} {
			if n > 0 {
				s.put(n)
			}
			p := s.start(s.fanOutConfig("catcher"), true).end(t)
			s.complete()
			if p.Tally.Read != int64(n) || p.Pending != 0 {
				t.Errorf("progress %+v, want %d read", p, n)
			}
		}
		if c.of("GetRecords") > 0 || c.of("RegisterStreamConsumer") != 1 || c.of("SubscribeToShard") < 8 {
			t.Errorf("calls %v", c.n)
		}
		if p := s.catchUp(); p.Tally.Read != 0 { // by polling
			t.Errorf("the other way reads %d records again", p.Tally.Read)
		}
	})
}

// Three workers, of whom one vanishes and one is stopped, while the stream is resharded and its subscriptions end in every way
// that they can.
func TestFanOutFleetLoadsEverythingOnce(t *testing.T) {
	for seed := range uint64(3) {
		inStack(t, 4, func(t *testing.T, s *stack) {
			random := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			faults := []kinesis.Fault{{Cut: true}, {Tear: true}, {Corrupt: true}, {Stall: true}, {Code: "InternalFailureException"}, {Code: "ResourceInUseException"}, {Code: "KMSThrottlingException"}}
			s.kinesis.SetHooks(kinesis.Hooks{Event: func(kinesis.Event) *kinesis.Fault {
				mu.Lock()
				defer mu.Unlock()
				if random.IntN(10) > 0 {
					return nil
				}
				return &faults[random.IntN(len(faults))]
			}})
			s.put(2000)
			cut := fanOutCable(s)
			vanishing := s.startOver(cut, s.fanOutConfig("vanishing"), false)
			stopped := s.start(s.fanOutConfig("stopped"), false)
			var last *running
			for i := range 100 {
				s.put(50)
				switch i {
				case 20:
					last = s.start(s.fanOutConfig("last"), false)
				case 40:
					cut.cut()
				case 60:
					if err := s.kinesis.UpdateShardCount(stream, 6); err != nil {
						t.Error(err)
					}
				case 80:
					stopped.stop()
					stopped.end(t)
				}
				<-time.After(5 * time.Second)
			}
			vanishing.stop()
			<-vanishing.done
			s.kinesis.SetHooks(kinesis.Hooks{})
			<-time.After(2 * time.Minute)
			last.stop()
			last.end(t)
			s.start(s.fanOutConfig("sweeper"), true).end(t)
			s.complete()
		})
	}
}

// A batch that cannot be loaded is read again, by another subscription.
func TestFanOutReadsAgainWhatCouldNotBeLoaded(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		var write atomic.Int64
		write.Store(1)
		s.files = rotting{loadfile.OS(), &write}
		s.put(5000)
		r := s.start(s.fanOutConfig("one"), false)
		r.until(t, func(p Progress) bool { return p.Tally.Loaded >= int64(s.sent-s.bad) })
		s.put(100)
		<-time.After(time.Minute)
		r.stop()
		r.end(t)
		s.complete()
		if !strings.Contains(r.log.String(), "reading the shard again") {
			t.Error("nothing was read again: this test shows nothing")
		}
	})
}

func TestFanOutThatIsNotAllowedLoadsByPolling(t *testing.T) {
	inStack(t, 3, func(t *testing.T, s *stack) {
		s.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "SubscribeToShard" && c.N > 5 {
				return kinesis.Throw("AccessDeniedException", "somebody changed the policy")
			}
			return nil
		}})
		r := s.start(s.fanOutConfig("one"), false)
		for range 100 {
			s.put(50)
			<-time.After(5 * time.Second)
		}
		<-time.After(time.Minute)
		r.stop()
		r.end(t)
		s.complete()
		if n := strings.Count(r.log.String(), "fan-out is not to be had"); n != 1 {
			t.Errorf("%d lines; log:\n%s", n, r.log)
		}
	})
}
