package pipeline

import (
	"fmt"
	"testing"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kcl"
	"kinesis-snowflake/internal/standin/snowflake"
)

// leave leaves the lease table as a KCL application does that stopped at these positions.
func (c *crowd) leave(at map[string]place) {
	c.t.Helper()
	client := c.dynamoClient()
	if err := kcl.CreateTable(c.t.Context(), client, application, "leaseKey"); err != nil {
		c.t.Fatal(err)
	}
	for _, s := range c.kinesis.Shards(stream) {
		p := at[s.ID]
		if err := kcl.Write(c.t.Context(), client, application, kcl.Row{
			"leaseKey": s.ID, "leaseCounter": 77, "checkpoint": p.sequence, "checkpointSubSequenceNumber": p.sub,
			"ownerSwitchesSinceCheckpoint": 0, "startingHashKey": s.Start, "endingHashKey": s.End,
		}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// halfway returns, for each shard, a user record in the middle of an aggregate in the middle of the shard.
func (c *crowd) halfway() map[string]place {
	aggregates := map[string][]place{}
	for rec := range c.kinesis.Records(stream) {
		if len(c.made[string(rec.Data)]) > 1 {
			aggregates[rec.Shard] = append(aggregates[rec.Shard], place{rec.Shard, rec.Sequence, 2})
		}
	}
	at := map[string]place{}
	for shard, list := range aggregates {
		at[shard] = list[len(list)/2]
	}
	return at
}

// after is what of the records comes after the positions.
func after(records map[place]string, at map[string]place) map[place]string {
	out := map[place]string{}
	for p, id := range records {
		from := at[p.shard]
		if p.sequence > from.sequence || p.sequence == from.sequence && p.sub > from.sub { // of one stream, equally long
			out[p] = id
		}
	}
	return out
}

func TestKCLsCheckpointInsideAnAggregateIsTakenOver(t *testing.T) {
	for _, consumer := range []config.Consumer{config.Polling, config.FanOut} {
		t.Run(string(consumer), func(t *testing.T) { takeOverInside(t, consumer) })
	}
}

func takeOverInside(t *testing.T, consumer config.Consumer) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(600)
		at := c.halfway()
		c.leave(at)
		cfg := s.config("worker")
		cfg.Source.Consumer = consumer
		s.start(cfg, true).end(t)
		all, _ := c.want()
		c.account(after(all, at))
		// Where all was committed, the lease says so with the last user record of the last aggregate.
		for _, it := range s.dynamodb.Items(application) {
			last := place{}
			for rec := range c.kinesis.Records(stream) {
				if rec.Shard == it["leaseKey"].Text {
					last = place{rec.Shard, rec.Sequence, len(c.made[string(rec.Data)]) - 1}
				}
			}
			if got := (place{it["leaseKey"].Text, it["checkpoint"].Text, 0}); got != (place{last.shard, last.sequence, 0}) || it["checkpointSubSequenceNumber"].Text != fmt.Sprint(last.sub) {
				t.Errorf("lease of %s is at %s:%s, want %s:%d", last.shard, got.sequence, it["checkpointSubSequenceNumber"].Text, last.sequence, last.sub)
			}
		}
		if p := s.catchUp(); p.Tally.Read != 0 {
			t.Errorf("the next run read %d records again", p.Tally.Read)
		}
	})
}

// A checkpoint behind the last user record of an aggregate, as KCL writes it for "all of this record".
func TestACheckpointBehindAWholeAggregate(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(60)
		at := c.halfway()
		for shard, p := range at {
			p.sub = 1<<63 - 1
			at[shard] = p
		}
		c.leave(at)
		s.catchUp()
		all, _ := c.want()
		c.account(after(all, at))
	})
}

// The worker is gone after the rows were committed and before its checkpoint was written, once and again, and began inside
// aggregates: the offsets know better than the leases.
func TestCrashBetweenCommitAndCheckpointAmongAggregates(t *testing.T) {
	inStack(t, 2, func(t *testing.T, s *stack) {
		c := newCrowd(s)
		c.put(300)
		at := c.halfway()
		c.leave(at)
		for round := range 3 {
			cable := newCable(s)
			committed := make(chan struct{})
			copied := false
			s.snowflake.SetHooks(snowflake.Hooks{After: func(e snowflake.Event) *snowflake.Fault {
				copied = copied || e.Class == "COPY"
				if copied && e.Class == "COMMIT" {
					select {
					case <-committed:
					default:
						cable.cut()
						close(committed)
					}
				}
				return nil
			}})
			gone := s.startOver(cable, s.config(fmt.Sprint("gone-", round)), false)
			<-committed
			gone.stop()
			<-gone.done // with an error: it could not release its leases
			s.snowflake.SetHooks(snowflake.Hooks{})
			c.put(100)
		}
		heir := s.start(s.config("heir"), true)
		heir.end(t)
		all, _ := c.want()
		c.account(after(all, at))
	})
}
