package pipeline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

func TestRunUntilCaughtUpLoadsEverythingOnce(t *testing.T) {
	inStack(t, 4, func(t *testing.T, s *stack) {
		s.put(20_000)
		p := s.catchUp()
		s.complete()
		if p.Tally.Loaded != int64(s.sent-s.bad) || p.Tally.Failed != int64(s.bad) || p.Tally.Read != int64(s.sent) || p.Pending != 0 {
			t.Errorf("progress %+v, want %d read and %d failed", p, s.sent, s.bad)
		}
		if _, ok, _ := s.snowflake.Table(snowflake.TableName{Database: "RAW", Schema: "KINESIS", Table: "ORDERS"}); !ok {
			t.Error("no table ORDERS")
		}
		r := s.rows()[0]
		if got, want := slices.Sorted(maps.Keys(r.metadata)), []string{"approximateArrival", "partitionKey", "sequenceNumber", "shardId", "stream"}; !subset(want, got) {
			t.Errorf("KINESISMETADATA has %v, want %v", got, want)
		}
		if r.metadata["stream"] != stream || r.metadata["partitionKey"] != "key-"+r.id {
			t.Errorf("KINESISMETADATA %v of row %s", r.metadata, r.id)
		}

		before := s.snowflake.Stats()
		if p := s.catchUp(); p.Tally.Read != 0 || p.Tally.Loaded != 0 {
			t.Errorf("a run with nothing new: %+v", p.Tally)
		}
		if after := s.snowflake.Stats(); after.Warehouse != before.Warehouse {
			t.Errorf("a run with nothing new used the warehouse %d times", after.Warehouse-before.Warehouse)
		}
		s.put(1000)
		if p := s.catchUp(); p.Tally.Read != 1000 {
			t.Errorf("read %d, want what is new", p.Tally.Read)
		}
		s.complete()
	})
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

func TestGracefulStopCommitsWhatWasRead(t *testing.T) {
	inStack(t, 3, func(t *testing.T, s *stack) {
		cfg := s.config("first")
		cfg.Sink.Batch.Interval = 10 * time.Minute // nothing is committed before the stop
		s.put(3000)
		first := s.start(cfg, false)
		first.until(t, func(p Progress) bool { return p.Tally.Read == 3000 })
		first.stop()
		p := first.end(t)
		if p.Tally.Loaded != int64(s.sent-s.bad) || p.Pending != 0 {
			t.Fatalf("at the end %+v, want all loaded", p)
		}
		s.complete()
		if p := s.catchUp(); p.Tally.Read != 0 {
			t.Errorf("the next run read %d records again", p.Tally.Read)
		}
		for _, it := range s.dynamodb.Items(application) {
			if owner := it["leaseOwner"].Text; owner != "" {
				t.Errorf("lease %s still belongs to %s", it["leaseKey"].Text, owner)
			}
		}
	})
}

// Two workers run at once while records keep coming; one is stopped in the middle, then the other, each after a third has
// come.
func TestWorkersComeAndGo(t *testing.T) {
	inStack(t, 4, func(t *testing.T, s *stack) {
		s.put(2000)
		flow := func(stop *running) {
			for i := range 20 {
				s.put(200)
				if i == 10 {
					stop.stop()
				}
				<-time.After(time.Second)
			}
			stop.end(t)
		}
		one, two := s.start(s.config("one"), false), s.start(s.config("two"), false)
		flow(one)
		two.until(t, func(p Progress) bool { return len(p.Shards) == 4 })
		three := s.start(s.config("three"), false)
		flow(two)
		three.until(t, func(p Progress) bool { return len(p.Shards) == 4 && p.Tally.Loaded > 0 })
		three.stop()
		three.end(t)
		s.catchUp()
		s.complete()
	})
}

// A worker is gone without a word: its connections are cut in the middle of a batch, and nobody releases its leases.
func TestHeirOfAWorkerThatVanished(t *testing.T) {
	for _, class := range []string{"PUT", "COPY", "UPDATE", "COMMIT"} {
		t.Run(class, func(t *testing.T) {
			inStack(t, 3, func(t *testing.T, s *stack) {
				s.put(3000)
				vanished := newCable(s)
				gone := s.startOver(vanished, s.config("gone"), false)
				gone.until(t, func(p Progress) bool { return p.Tally.Loaded > 0 })
				cut := make(chan struct{})
				s.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
					if e.Class != class {
						return nil
					}
					select {
					case <-cut:
						return nil
					default:
						vanished.cut()
						close(cut)
						return &snowflake.Fault{Cut: true}
					}
				}})
				s.put(3000)
				<-cut
				heir := s.start(s.config("heir"), true)
				heir.end(t)
				s.complete()
				gone.stop()
				<-gone.done // with an error or none: its leases may be known to be lost
				s.complete()
			})
		})
	}
}

// A worker cannot reach DynamoDB for longer than its leases live, but Snowflake it can: a zombie.
func TestZombieAndHeirLoadEverythingOnce(t *testing.T) {
	inStack(t, 3, func(t *testing.T, s *stack) {
		s.put(1500)
		c := newCable(s)
		zombie := s.startOver(c, s.config("zombie"), false)
		zombie.until(t, func(p Progress) bool { return p.Tally.Loaded > 0 })
		c.cutDynamoDB()
		heir := s.start(s.config("heir"), false)
		for range 30 {
			s.put(100)
			<-time.After(time.Second)
		}
		heir.until(t, func(p Progress) bool { return len(p.Shards) == 3 })
		c.mend()
		for range 30 {
			s.put(100)
			<-time.After(time.Second)
		}
		heir.stop()
		heir.end(t)
		zombie.until(t, func(p Progress) bool { return len(p.Shards) == 3 })
		zombie.stop()
		zombie.end(t)
		s.catchUp()
		s.complete()
	})
}

func TestReshardWhileRunning(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		s.put(2000)
		r := s.start(s.config("worker"), false)
		r.until(t, func(p Progress) bool { return p.Tally.Loaded > 0 })
		shards := s.kinesis.Shards(stream)
		left, right, err := s.kinesis.Split(stream, shards[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		s.put(2000)
		r.until(t, func(p Progress) bool { return p.Tally.Loaded == int64(s.sent-s.bad) })
		child, err := s.kinesis.Merge(stream, left, right)
		if err != nil {
			t.Fatal(err)
		}
		s.put(2000)
		r.until(t, func(p Progress) bool {
			return p.Tally.Loaded == int64(s.sent-s.bad) && slices.ContainsFunc(p.Shards, func(h ShardProgress) bool { return h.ID == child })
		})
		if err := s.kinesis.UpdateShardCount(stream, 5); err != nil {
			t.Fatal(err)
		}
		s.put(2000)
		r.stop()
		r.end(t)
		s.catchUp()
		s.complete()
		if strings.Contains(r.log.String(), "fenced") {
			t.Errorf("a worker that nobody disturbs was fenced:\n%s", r.log)
		}
		ends := map[string]string{}
		for _, it := range s.dynamodb.Items(application) {
			ends[it["leaseKey"].Text] = it["checkpoint"].Text
		}
		finished := func(id string) bool { end, kept := ends[id]; return !kept || end == "SHARD_END" }
		for _, h := range s.kinesis.Shards(stream) {
			if h.Open {
				continue
			}
			if !finished(h.ID) {
				t.Errorf("checkpoint of closed shard %s is %q, want SHARD_END", h.ID, ends[h.ID])
			}
			for _, child := range h.Children { // the lease is deleted once theirs are finished
				if _, kept := ends[h.ID]; !kept && !finished(child) {
					t.Errorf("the lease of %s is gone before %s is finished", h.ID, child)
				}
			}
		}
	})
}

func TestShutdownDeadlineLosesNothing(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		cfg := s.config("slow")
		cfg.ShutdownTimeout = 20 * time.Second
		s.put(2000)
		release := make(chan struct{})
		s.snowflake.HoldCopies(release)
		r := s.start(cfg, false)
		r.until(t, func(p Progress) bool { return p.Tally.Read == 2000 })
		r.stop()
		began := time.Now()
		err := <-r.done
		if took := time.Since(began); !errors.Is(err, ErrDeadline) || took > 30*time.Second {
			t.Fatalf("ended after %v with %v, want %v at 20 s", took, err, ErrDeadline)
		}
		if !strings.Contains(err.Error(), fmt.Sprint(s.sent-s.bad)+" rows are not committed") {
			t.Errorf("error %q does not say how many rows are not committed", err)
		}
		close(release)
		s.snowflake.HoldCopies(nil)
		s.catchUp()
		s.complete()
	})
}

// Each service fails now and then, in whichever way.
func TestNothingIsLostWhileEveryServiceFailsNowAndThen(t *testing.T) {
	inStack(t, 3, func(t *testing.T, s *stack) {
		s.kinesis.SetHooks(kinesis.Hooks{After: func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "GetRecords" && c.N%7 == 0 {
				return kinesis.Cut()
			}
			return nil
		}})
		s.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
			if e.Class != "LOGIN" && e.ClassNumber%3 == 0 {
				return &snowflake.Fault{Cut: true}
			}
			return nil
		}})
		r := s.start(s.config("worker"), false)
		for range 30 {
			s.put(300)
			<-time.After(4 * time.Second)
		}
		r.until(t, func(p Progress) bool { return p.Tally.Loaded == int64(s.sent-s.bad) })
		r.stop()
		r.end(t)
		s.complete()
	})
}
