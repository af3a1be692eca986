package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
)

func TestPermanentErrorsEndRunAndSayWhatToDo(t *testing.T) {
	denied := func(op string) kinesis.Hooks {
		return kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == op {
				return kinesis.Throw("AccessDeniedException", "User x is not authorized")
			}
			return nil
		}}
	}
	for op, after := range map[string]time.Duration{"DescribeStreamSummary": 0, "ListShards": 0, "GetShardIterator": 0, "GetRecords": 5 * time.Second} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3)
				w.put(10)
				if after == 0 {
					w.kinesis.SetHooks(denied(op))
				}
				a := w.start("a")
				if after > 0 {
					wait(after)
					w.kinesis.SetHooks(denied(op))
				}
				err := <-a.done
				if err == nil || !strings.Contains(err.Error(), "kinesis:"+op) {
					t.Fatalf("error %v does not name kinesis:%s", err, op)
				}
				for _, c := range a.sink.shards {
					if !c.closed {
						t.Errorf("%s is not closed", c.shard.ID())
					}
				}
				if err := a.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestConsumersErrorsEndRun(t *testing.T) {
	want := errors.New("disk full")
	for name, k := range map[string]*sink{
		"open":   {open: func(*Shard) error { return want }},
		"handle": {handle: func(*shardSink, *row.Response) error { return want }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2)
				k.world, k.name = w, "a"
				a := w.run(w.source("a"), k)
				if err := <-a.done; !errors.Is(err, want) {
					t.Errorf("error %v", err)
				}
				// The leases were given up: another worker has them at once.
				b := w.start("b")
				wait(3 * time.Second)
				if s := b.Status(); s.Held != 2 {
					t.Errorf("b %+v", s)
				}
				if err := b.stop(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestStreamThatIsGoneOrMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		again int // shards of the new stream
		want  string
	}{
		"deleted":             {0, "is gone"},
		"made again":          {3, "made again"},
		"again, fewer shards": {1, "made again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3)
				w.put(50)
				a := w.start("a")
				wait(5 * time.Second)
				if err := w.kinesis.DeleteStream(stream); err != nil {
					t.Fatal(err)
				}
				if c.again > 0 {
					if err := w.kinesis.CreateStream(stream, c.again); err != nil {
						t.Fatal(err)
					}
				}
				err := <-a.done
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v does not say %q", err, c.want)
				}
				if strings.Contains(w.log.String(), "shard finished") {
					t.Error("a shard of the old stream was finished")
				}
			})
		})
	}
}

// The service says for a while of shards that are there that they are not: they are read on once it knows them again, and
// nothing of them is taken for finished.
func TestShardsThatTheServiceForgetsForAWhile(t *testing.T) {
	for _, op := range []string{"GetRecords", "GetShardIterator"} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 3)
				w.put(50)
				forgets := kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
					if c.Op == op {
						return kinesis.Throw("ResourceNotFoundException", "Shard shardId-000000000000 in stream orders under account 123456789012 does not exist")
					}
					return nil
				}}
				if op == "GetShardIterator" {
					w.kinesis.SetHooks(forgets)
				}
				a := w.start("a")
				wait(5 * time.Second)
				w.kinesis.SetHooks(forgets)
				wait(2 * time.Minute)
				w.put(50)
				w.kinesis.SetHooks(kinesis.Hooks{})
				wait(2 * time.Minute)
				w.whole(false)
				if err := a.stop(); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(w.log.String(), "no longer in the stream") {
					t.Errorf("a shard that is listed as open was given up:\n%s", w.log.String())
				}
			})
		})
	}
}

func TestLostLeaseClosesItsConsumerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		w.put(100)
		a := w.start("a")
		wait(10 * time.Second)
		// DynamoDB fails for longer than a lease: the worker fences itself, and comes back.
		w.dynamo.SetHooks(dynamodb.Hooks{Before: func(context.Context, dynamodb.Call) *dynamodb.Fault { return dynamodb.Cut() }})
		wait(15 * time.Second)
		w.mu.Lock()
		if len(w.reading) != 0 {
			t.Errorf("still reads %v without its leases", w.reading)
		}
		w.mu.Unlock()
		w.dynamo.SetHooks(dynamodb.Hooks{})
		w.put(100)
		wait(time.Minute)
		if s := a.Status(); s.Open != 4 {
			t.Errorf("status %+v", s)
		}
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(true)
	})
}

func TestRunEndsWithItsContextAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		a := w.start("a")
		wait(5 * time.Second)
		a.cancel()
		if err := <-a.done; err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.reading) != 0 || len(w.opened) != 2 {
			t.Errorf("open %v of %v", w.reading, w.opened)
		}
		if err := a.Run(context.Background(), a.sink); err == nil {
			t.Error("a source runs twice")
		}
	})
}

func TestRunEndsWhileTheServiceIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		o := w.options("a")
		o.KinesisTransport, o.DynamoDBTransport = &cable{}, &cable{}
		o.KinesisTransport.(*cable).cut.Store(true)
		o.DynamoDBTransport.(*cable).cut.Store(true)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(500 * time.Millisecond)
		a.cancel()
		if err := <-a.done; err != nil {
			t.Errorf("error %v", err)
		}
	})
}
