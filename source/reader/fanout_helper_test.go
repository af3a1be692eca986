package reader

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

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
