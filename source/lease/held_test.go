package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

func TestHeld(t *testing.T) {
	bubble(t, "CheckpointIsWrittenWithinASecond", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")
		for _, s := range []string{"9", "10", "8", row.ShardEnd, ""} {
			h.Checkpoint(row.Position{Sequence: s})
		}
		f.pass(checkpointDelay + 10*time.Millisecond)
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "10" {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "ConfirmIsAWriteThatBeganLater", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")

		hold := make(chan struct{})
		var entered atomic.Int64
		f.server.SetHooks(standin.Hooks{Before: func(ctx context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" && entered.Add(1) == 1 {
				<-hold
			}
			return nil
		}})
		f.within(lease10, "a renewal is under way", func() bool { return entered.Load() == 1 })
		done := make(chan error, 1)
		go func() { done <- h.Confirm(t.Context()) }()
		synctest.Wait()
		close(hold)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := entered.Load(); n < 2 {
			t.Errorf("confirmed by %d writes, one of which began earlier", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Confirm(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		f.stop(a)
		if err := h.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
	})
	bubble(t, "DrainKeepsWhatIsHeld", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		a.Drain()
		if _, err := a.Next(t.Context()); !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
		h := a.held("shardId-000000000000")
		h.Close()
		f.pass(3 * lease10)
		h.Checkpoint(row.Position{Sequence: "5"})
		if err := h.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "5" || l.Owner != "a" {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "AHandOverOfKCLIsAnswered", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")
		h.Checkpoint(row.Position{Sequence: "42"})
		// initiateGracefulLeaseHandoff of KCL 3.5.1: the counter is not changed.
		_, err := client(f.server.RoundTripper()).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(table), Key: item{"leaseKey": text(h.Shard())},
			UpdateExpression:          aws.String("SET leaseOwner = :java, checkpointOwner = :a"),
			ConditionExpression:       aws.String("leaseOwner = :a AND attribute_not_exists(checkpointOwner) AND attribute_exists(leaseKey)"),
			ExpressionAttributeValues: item{":java": text("java"), ":a": text("a")},
		})
		if err != nil {
			t.Fatal(err)
		}
		before := f.rows()[h.Shard()].Counter
		f.within(lease10/renewals+time.Second, "the lease is java's", func() bool {
			l := f.rows()[h.Shard()]
			return l.Owner == "java" && l.CheckpointOwner == "" && l.Checkpoint.Sequence == "42" && l.Counter > before
		})
		<-h.Lost()
		// A dead java's lease comes back.
		f.within(2*lease10, "a has it again", func() bool { return len(a.open()) == 1 })
		f.stop(a)
	})
}
