package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
)

func TestEveryRecordOnceWhileTheStreamIsResharded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		w.put(500)
		a := w.start("a")
		wait(5 * time.Second)
		for _, reshard := range []func() error{
			func() error { _, _, err := w.kinesis.Split(stream, "shardId-000000000001"); return err },
			func() error {
				_, err := w.kinesis.Merge(stream, "shardId-000000000000", "shardId-000000000003")
				return err
			},
			func() error { return w.kinesis.UpdateShardCount(stream, 6) },
			func() error { return w.kinesis.UpdateShardCount(stream, 2) },
		} {
			w.put(300)
			if err := reshard(); err != nil {
				t.Fatal(err)
			}
			w.put(300)
			wait(20 * time.Second)
		}
		w.put(100)
		wait(time.Minute)
		if s := a.Status(); !s.Synced || s.Pending != 0 || s.Open != 2 || s.Held != 2 {
			t.Errorf("status %+v", s)
		}
		w.mu.Lock()
		if len(w.reading) != 2 {
			t.Errorf("consumers of finished shards are still open: %v", w.reading)
		}
		w.mu.Unlock()
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
		w.parentsFirst()
	})
}

func TestChildrenComeWithTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.put(10)
		a := w.start("a")
		wait(5 * time.Second)
		w.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "ListShards" {
				return &kinesis.Fault{Status: 500}
			}
			return nil
		}})
		if _, _, err := w.kinesis.Split(stream, "shardId-000000000000"); err != nil {
			t.Fatal(err)
		}
		w.put(10)
		wait(10 * time.Second)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
	})
}

// stripper takes the child shards out of the last answers.
type stripper struct{ to http.RoundTripper }

func (s stripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := s.to.RoundTrip(req)
	if err != nil || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetRecords") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte(`"ChildShards"`), []byte(`"X"`), 1)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func TestChildrenAreLookedUpWhereTheLastAnswerHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(10)
		o := w.options("a")
		o.KinesisTransport = stripper{w.kinesis.RoundTripper()}
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(5 * time.Second)
		if _, err := w.kinesis.Merge(stream, "shardId-000000000000", "shardId-000000000001"); err != nil {
			t.Fatal(err)
		}
		w.put(10)
		wait(time.Minute)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		for _, c := range a.sink.shards {
			if c.shard.children.Load() != nil {
				t.Error("the last answer told children: this test shows nothing")
			}
		}
		w.whole(false)
		w.parentsFirst()
	})
}

func TestTwoWorkersNeverReadOneShardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 8)
		w.put(1000)
		// Each in turn is cut off from the lease table for longer than a lease, while it goes on reading Kinesis.
		names := []string{"a", "b"}
		cables := map[string]*cable{}
		workers := map[string]*worker{}
		for _, name := range names {
			cables[name] = &cable{to: w.dynamo.RoundTripper()}
			o := w.options(name)
			o.DynamoDBTransport = cables[name]
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			workers[name] = w.run(s, &sink{world: w, name: name})
		}
		for i := range 8 {
			w.put(200)
			wait(5 * time.Second)
			cables[names[i%2]].cut.Store(true)
			w.put(200)
			wait(14 * time.Second)
			w.put(200)
			cables[names[i%2]].cut.Store(false)
			if i == 4 {
				if err := w.kinesis.UpdateShardCount(stream, 5); err != nil {
					t.Fatal(err)
				}
			}
			wait(10 * time.Second)
		}
		wait(time.Minute)
		a, b := workers["a"], workers["b"]
		if sa, sb := a.Status(), b.Status(); sa.Held+sb.Held != 5 || sa.Pending+sb.Pending != 0 || sa.Others != sb.Held {
			t.Errorf("a %+v, b %+v", sa, sb)
		}
		// a stops in an orderly way, b takes over at once.
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.put(500)
		wait(30 * time.Second)
		if s := b.Status(); s.Open != 5 || s.Pending != 0 {
			t.Errorf("b alone: %+v", s)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(true)
		w.parentsFirst()
		if len(w.opened) < 30 {
			t.Errorf("leases changed hands only %d times", len(w.opened))
		}
	})
}

func TestRestartResumesAtTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		for _, name := range []string{"a", "b", "c"} {
			w.put(100)
			worker := w.start(name)
			wait(10 * time.Second)
			w.put(100)
			wait(5 * time.Second)
			if err := worker.stop(); err != nil {
				t.Fatal(err)
			}
		}
		// A released lease is taken at once, and what was committed is not read again.
		w.whole(false)
	})
}

func TestUncommittedRecordsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(100)
		a := w.run(w.source("a"), &sink{world: w, name: "a", hold: true})
		wait(10 * time.Second)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
		b := w.start("b")
		wait(10 * time.Second)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, list := range w.seen {
			total += len(list)
		}
		if total != 200 {
			t.Errorf("%d records handed over in two runs, want 200", total)
		}
	})
}

func TestDrainKeepsTheLeasesForTheLastCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(100)
		var last = map[string]row.Position{}
		k := &sink{world: w, name: "a", hold: true}
		k.handle = func(c *shardSink, r *row.Response) error {
			if r.Last.IsNumber() {
				w.mu.Lock()
				defer w.mu.Unlock()
				last[r.Shard] = r.Last
			}
			return nil
		}
		a := w.run(w.source("a"), k)
		wait(10 * time.Second)
		if err := a.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range k.shards {
			if !c.closed {
				t.Errorf("%s is not closed after Drain", c.shard.ID())
			}
		}
		w.put(10)
		wait(time.Minute) // far beyond a lease's duration
		for id, c := range k.shards {
			if err := c.shard.MarkOffsets(t.Context()); err != nil {
				t.Error(err)
			}
			if err := c.shard.Confirm(t.Context()); err != nil {
				t.Error(err)
			}
			c.shard.Checkpoint(last[id])
		}
		a.cancel()
		if err := <-a.done; err != nil {
			t.Fatal(err)
		}
		for _, c := range k.shards {
			if err := c.shard.Confirm(t.Context()); !errors.Is(err, ErrLost) {
				t.Errorf("confirm after the end: %v", err)
			}
		}
		b := w.start("b")
		wait(5 * time.Second)
		for _, c := range b.sink.shards {
			if !c.shard.HasOffsets() {
				t.Error("the mark of the offsets is lost")
			}
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		w.whole(false)
	})
}

func TestLatestIsRememberedFromTheFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		w.put(50)
		before := map[string]int{}
		for _, s := range w.kinesis.Shards(stream) {
			before[s.ID] = s.Put
		}
		wait(5 * time.Second)
		o := w.options("a")
		o.Start = row.Latest
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a", hold: true})
		wait(5 * time.Second)
		w.put(100)
		if err := a.stop(); err != nil { // and nothing of it was committed
			t.Fatal(err)
		}
		w.put(100)
		wait(5 * time.Second)
		clear(w.seen)
		o.WorkerID = "b"
		if s, err = New(o); err != nil {
			t.Fatal(err)
		}
		b := w.run(s, &sink{world: w, name: "b"})
		wait(10 * time.Second)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.kinesis.Shards(stream) {
			if got, want := len(w.seen[s.ID]), s.Put-before[s.ID]; got != want {
				t.Errorf("%s: %d records, want the %d put since the first start", s.ID, got, want)
			}
		}
	})
}

func TestStartAtTimestampReadsChildrenFromTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.put(50)
		wait(10 * time.Second)
		o := w.options("a")
		o.Start, o.StartTime = row.AtTimestamp, time.Now()
		wait(10 * time.Second)
		w.put(30)
		if _, _, err := w.kinesis.Split(stream, "shardId-000000000000"); err != nil {
			t.Fatal(err)
		}
		w.put(40)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a := w.run(s, &sink{world: w, name: "a"})
		wait(time.Minute)
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(w.seen["shardId-000000000000"]); n != 30 {
			t.Errorf("parent: %d records, want 30", n)
		}
		if n := len(w.seen["shardId-000000000001"]) + len(w.seen["shardId-000000000002"]); n != 40 {
			t.Errorf("children: %d records, want 40", n)
		}
		w.parentsFirst()
	})
}

func TestStreamOfManyPagesOfShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2100)
		listing, err := w.source("a").control.ListShards(t.Context(), nil)
		if err != nil || len(listing.Shards) != 2100 {
			t.Fatalf("%d shards, error %v", len(listing.Shards), err)
		}
		if listing.Time.After(time.Now()) || listing.Time.Before(time.Now().Add(-2*time.Second)) {
			t.Errorf("listing began %v, now %v", listing.Time, time.Now())
		}
	})
}

func TestListingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1001)
		// The second page's token expires once, after a throttled and a broken call.
		w.kinesis.SetHooks(kinesis.Hooks{Before: kinesis.Plan{}.
			At("ListShards", 1, kinesis.Throw("LimitExceededException", "Rate exceeded")).At("ListShards", 2, kinesis.Cut()).
			At("ListShards", 4, kinesis.Throw("ExpiredNextTokenException", "NextToken expired")).Hook})
		listing, err := w.source("a").control.ListShards(t.Context(), nil)
		if err != nil || len(listing.Shards) != 1001 {
			t.Fatalf("%d shards, error %v", len(listing.Shards), err)
		}
	})
}

func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		for _, name := range []string{stream, "arn:aws:kinesis:us-east-1:000000000000:stream/" + stream} {
			o := w.options("a")
			o.Stream, o.Region = name, "us-east-1"
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			info, err := s.Prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if info.Name != stream || info.OpenShards != 3 || info.Retention != 24*time.Hour || info.MaxRecordBytes != 1<<20 || info.Encrypted ||
				!strings.HasPrefix(info.ID(), "arn:aws:kinesis:us-east-1:000000000000:stream/orders@9") {
				t.Errorf("%+v, id %s", info, info.ID())
			}
		}
	})
}

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
