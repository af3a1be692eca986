package lease

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kinesis-snowflake/internal/row"
)

// update runs a raw write of another program, KCL's in these tests.
func (f *fleet) update(key, set, condition string, values item) {
	f.t.Helper()
	_, err := client(f.server.RoundTripper()).UpdateItem(f.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(table), Key: item{"leaseKey": text(key)},
		UpdateExpression: aws.String(set), ConditionExpression: aws.String(condition), ExpressionAttributeValues: values,
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// request is initiateGracefulLeaseHandoff of KCL 3.5.1: the counter is not changed.
func (f *fleet) request(key, from, to string) {
	f.t.Helper()
	f.update(key, "SET leaseOwner = :to, checkpointOwner = :from", "leaseOwner = :from AND attribute_not_exists(checkpointOwner) AND attribute_exists(leaseKey)",
		item{":to": text(to), ":from": text(from)})
}

func (f *fleet) withdraw(key, from, to string) {
	f.t.Helper()
	f.update(key, "SET leaseOwner = :from REMOVE checkpointOwner", "leaseOwner = :to AND checkpointOwner = :from", item{":to": text(to), ":from": text(from)})
}

func closedChan(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestHandOver(t *testing.T) {
	const shard = "shardId-000000000000"
	// one has a worker with one lease whose user takes long to drain.
	one := func(t *testing.T, drain time.Duration) (*fleet, *worker, *Held) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		a.drain = drain
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		return f, a, a.held(shard)
	}
	bubble(t, "EverythingWorksUntilItIsDrained", func(t *testing.T) {
		f, a, h := one(t, 8*time.Second)
		f.request(shard, "a", "java")
		f.within(lease10/renewals+time.Second, "a is asked", func() bool { return closedChan(h.Asked()) })
		before := f.rows()[shard]
		f.pass(5 * time.Second)
		h.Checkpoint(row.Position{Sequence: "41"})
		if err := h.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		if err := h.MarkOffsets(t.Context()); err != nil {
			t.Error(err)
		}
		l := f.rows()[shard]
		if closedChan(h.Lost()) || l.Owner != "java" || l.CheckpointOwner != "a" || l.Counter <= before.Counter || l.Checkpoint.Sequence != "41" || !l.Offsets {
			t.Errorf("while it drains: lost %v, %+v", closedChan(h.Lost()), l)
		}
		h.Checkpoint(row.Position{Sequence: "42"})
		f.within(4*time.Second, "it is handed over", func() bool { return closedChan(h.Lost()) })
		if l := f.rows()[shard]; l.Owner != "java" || l.CheckpointOwner != "" || l.Checkpoint.Sequence != "42" {
			t.Errorf("handed over: %+v", l)
		}
		f.within(2*lease10, "the silent owner's lease comes back", func() bool { return len(a.open()) == 1 })
		f.stop(a)
	})
	bubble(t, "NotForLongerThanTheTimeout", func(t *testing.T) {
		f, a, h := one(t, time.Hour)
		f.request(shard, "a", "java")
		f.within(lease10/renewals+time.Second, "a is asked", func() bool { return closedChan(h.Asked()) })
		f.pass(HandOverTimeout - time.Second)
		if closedChan(h.Lost()) {
			t.Error("lost too early")
		}
		f.within(2*time.Second, "it is handed over", func() bool { return f.rows()[shard].CheckpointOwner == "" })
		if !closedChan(h.Lost()) || f.rows()[shard].Owner != "java" {
			t.Errorf("lost %v: %+v", closedChan(h.Lost()), f.rows()[shard])
		}
		f.stop(a)
	})
	bubble(t, "AStopIsAHandOver", func(t *testing.T) {
		f, a, h := one(t, time.Hour)
		f.request(shard, "a", "java")
		f.within(lease10/renewals+time.Second, "a is asked", func() bool { return closedChan(h.Asked()) })
		h.Checkpoint(row.Position{Sequence: "42"})
		f.stop(a)
		if l := f.rows()[shard]; l.Owner != "java" || l.CheckpointOwner != "" || l.Checkpoint.Sequence != "42" {
			t.Errorf("%+v", l)
		}
	})
	bubble(t, "WhatIsNoLongerAskedForIsReadOn", func(t *testing.T) {
		f, a, h := one(t, 20*time.Second)
		f.request(shard, "a", "java")
		f.within(lease10/renewals+time.Second, "a is asked", func() bool { return closedChan(h.Asked()) })
		h.Checkpoint(row.Position{Sequence: "42"})
		f.pass(time.Second)
		f.withdraw(shard, "a", "java")
		f.within(25*time.Second, "it is opened anew", func() bool { n := a.held(shard); return n != nil && n != h })
		again := a.held(shard)
		if !closedChan(h.Lost()) || again.Start().Sequence != "42" {
			t.Errorf("starts at %v", again.Start())
		}
		if err := again.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		if l := f.rows()[shard]; l.Owner != "a" || l.OwnerSwitches != 0 {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "AnAskerThatStopsTakesItsRequestsBack", func(t *testing.T) {
		f := newFleet(t, tiles(10)...)
		a := f.start("a", nil)
		a.drain = 20 * time.Second
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 10 })
		b := f.start("b", nil)
		f.within(lease10, "b has asked for its share", func() bool {
			n := 0
			for _, l := range f.rows() {
				if l.Owner == "b" && l.CheckpointOwner == "a" {
					n++
				}
			}
			return n == 5
		})
		f.stop(b)
		for key, l := range f.rows() {
			if l.Owner != "a" || l.CheckpointOwner != "" {
				t.Errorf("%s: %+v", key, l)
			}
		}
		f.pass(time.Minute)
		if len(a.open()) != 10 {
			t.Errorf("a reads %v", a.open())
		}
		f.stop(a)
	})
	bubble(t, "AnAskerThatDiesIsSucceeded", func(t *testing.T) {
		f := newFleet(t, tiles(10)...)
		a := f.start("a", nil)
		a.drain = 5 * time.Second
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 10 })
		b := f.start("b", nil)
		f.within(lease10, "b has asked", func() bool {
			return slices.ContainsFunc(f.list(), func(l Lease) bool { return l.Owner == "b" && l.CheckpointOwner == "a" })
		})
		b.kill()
		f.pass(10 * time.Second)
		f.within(2*lease10, "a has all again", func() bool { return len(a.open()) == 10 })
		f.stop(a)
	})
	bubble(t, "AHolderThatDiesIsSucceededByItsAsker", func(t *testing.T) {
		f := newFleet(t, tiles(10)...)
		a := f.start("a", nil)
		a.drain = 25 * time.Second
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 10 })
		b := f.start("b", nil)
		f.within(lease10, "b has asked", func() bool {
			return slices.ContainsFunc(f.list(), func(l Lease) bool { return l.Owner == "b" && l.CheckpointOwner == "a" })
		})
		f.pass(5 * time.Second)
		a.kill()
		f.within(lease10+3*time.Second, "b has all", func() bool { return len(b.open()) == 10 })
		f.stop(b)
	})
}

func (f *fleet) list() (list []Lease) {
	for _, l := range f.rows() {
		list = append(list, l)
	}
	return list
}
