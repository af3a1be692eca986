package reader

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	standin "kinesis-snowflake/internal/standin/kinesis"
)

const consumerName = "orders-to-snowflake"

// named is a Consumer that a test registered.
type named struct {
	mu      sync.Mutex
	arn     string
	doubts  int
	refused []error
}

func (n *named) ARN(ctx context.Context) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.arn, ctx.Err()
}

func (n *named) Doubt(string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doubts++
}

func (n *named) Refuse(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refused, n.arn = append(n.refused, err), ""
}

func (n *named) set(arn string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.arn = arn
}

// subscribed makes the rig's reader one of enhanced fan-out.
func (r *rig) subscribed() *rig {
	r.t.Helper()
	arn, err := r.server.RegisterConsumer(stream, consumerName)
	if err != nil {
		r.t.Fatal(err)
	}
	r.as = &named{arn: arn}
	r.fan = NewFanOut(r.cfg.Service.(*kinesis.Client), r.as)
	return r
}

// peer is the reader of another process, as the same consumer.
func (r *rig) peer() *rig {
	p := rigOf(r.t, r.server)
	p.as = &named{arn: r.as.arn}
	p.fan = NewFanOut(p.cfg.Service.(*kinesis.Client), p.as)
	return p
}

// bothWays runs a test once with a reader that polls and once with one that subscribes.
func bothWays(t *testing.T, opt standin.Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("polling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newRig(t, opt)) })
	})
	t.Run("fan-out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newRig(t, opt).subscribed()) })
	})
}

// subscriptions are those whose client is still there.
func (r *rig) subscriptions() []standin.Subscription {
	r.t.Helper()
	for _, c := range r.server.Consumers(stream) {
		if c.Name == consumerName {
			return c.Subscriptions
		}
	}
	return nil
}

// openBody is a subscription's answer that counts itself out when it is closed.
type openBody struct {
	io.ReadCloser
	open *atomic.Int32
	once sync.Once
	gone atomic.Bool
	rate int // bytes a second
}

func (b *openBody) Read(p []byte) (int, error) {
	if b.gone.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.rate > 0 {
		p = p[:min(len(p), b.rate)]
	}
	n, err := b.ReadCloser.Read(p)
	if b.rate > 0 {
		<-time.After(time.Duration(n) * time.Second / time.Duration(b.rate))
	}
	return n, err
}

func (b *openBody) Close() error {
	b.once.Do(func() { b.open.Add(-1) })
	b.gone.Store(true)
	return b.ReadCloser.Close()
}

// paced checks that the reader kept to what the service allows: a call a second, and none within 5 s of a successful one.
func (r *rig) paced() {
	r.t.Helper()
	var last, granted time.Time
	for i, c := range r.of("SubscribeToShard") {
		if d := c.at.Sub(last); i > 0 && d < time.Second {
			r.t.Errorf("call %d comes %v after the one before it", i+1, d)
		}
		if d := c.at.Sub(granted); !granted.IsZero() && d < 5*time.Second {
			r.t.Errorf("call %d comes %v after the last successful one", i+1, d)
		}
		if last = c.at; c.status == 200 {
			granted = c.at
		}
	}
}

// flow puts n records every second, for d.
func (r *rig) flow(n int, d time.Duration) {
	go func() {
		for range int(d / time.Second) {
			r.put(n, 10)
			<-time.After(time.Second)
		}
	}()
}

// inEvents makes f of the events that it is told of.
func inEvents(f func(standin.Event) *standin.Fault) standin.Options {
	return standin.Options{Hooks: standin.Hooks{Event: f}}
}

// startingPosition reads it from a request, which stays as it was.
func (r *rig) startingPosition(req *http.Request) types.StartingPosition {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		StartingPosition struct{ Type, SequenceNumber string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		r.t.Error(err)
	}
	return types.StartingPosition{Type: types.ShardIteratorType(in.StartingPosition.Type), SequenceNumber: &in.StartingPosition.SequenceNumber}
}
