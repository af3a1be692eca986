package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

// Workers come, are stopped and are killed, shards are split and merged, and each service fails now and then, for some
// minutes.
func TestFleetComesAndGoesWhileEveryServiceFails(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inStack(t, 3, func(t *testing.T, s *stack) {
				(&churn{stack: s, rng: rand.New(rand.NewPCG(seed, 2))}).run(t)
			})
		})
	}
}

// churn is a fleet that does not come to rest.
type churn struct {
	*stack
	rng    *rand.Rand
	alive  []*member
	killed []*member
	names  int
}

func (c *churn) run(t *testing.T) {
	c.fail()
	c.join()
	for range 15 {
		for range 10 {
			c.put(c.rng.IntN(100))
			<-time.After(time.Second)
		}
		switch n := c.rng.IntN(10); {
		case n < 4 && len(c.alive) < 4 || len(c.alive) == 0:
			c.join()
		case n < 6:
			c.take().leaves(t)
		case n < 8:
			m := c.take()
			m.cable.cut()
			c.killed = append(c.killed, m)
		default:
			c.reshard(t)
		}
	}
	c.stack.kinesis.SetHooks(kinesis.Hooks{})
	c.stack.dynamodb.SetHooks(dynamodb.Hooks{})
	c.stack.snowflake.SetHooks(snowflake.Hooks{})
	for _, m := range c.alive {
		m.leaves(t)
	}
	c.catchUp()
	c.complete()
	for _, m := range c.killed {
		m.stop()
		<-m.done
	}
	c.complete()
}

func (c *churn) join() {
	c.names++
	cfg := c.config(fmt.Sprint("worker-", c.names))
	cfg.Sink.Batch.Interval = time.Duration(1+c.rng.IntN(20)) * time.Second
	if c.rng.IntN(2) == 0 {
		cfg.Source.Consumer = config.FanOut
	}
	w := newCable(c.stack)
	c.alive = append(c.alive, &member{c.startOver(w, cfg, false), w})
}

// take takes a worker out of the fleet.
func (c *churn) take() *member {
	i := c.rng.IntN(len(c.alive))
	m := c.alive[i]
	c.alive = slices.Delete(c.alive, i, i+1)
	return m
}

func (c *churn) reshard(t *testing.T) {
	var open []string
	for _, s := range c.stack.kinesis.Shards(stream) {
		if s.Open {
			open = append(open, s.ID)
		}
	}
	if c.rng.IntN(2) == 0 {
		if _, _, err := c.stack.kinesis.Split(stream, open[c.rng.IntN(len(open))]); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := c.stack.kinesis.UpdateShardCount(stream, 2+c.rng.IntN(3)); err != nil {
		t.Fatal(err)
	}
}

// fail makes one call in some dozens fail, in the ways that each service knows.
func (c *churn) fail() {
	c.stack.kinesis.SetHooks(kinesis.Hooks{After: func(k kinesis.Call) *kinesis.Fault {
		if k.Op == "GetRecords" && k.N%17 == 0 {
			return kinesis.Cut()
		}
		return nil
	}})
	c.stack.dynamodb.SetHooks(dynamodb.Hooks{After: func(_ context.Context, k dynamodb.Call) *dynamodb.Fault {
		if k.N%23 == 0 {
			return dynamodb.Internal()
		}
		return nil
	}})
	c.stack.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
		if e.Class != "LOGIN" && e.ClassNumber%7 == 0 {
			return &snowflake.Fault{Cut: true}
		}
		return nil
	}})
}
