package lease

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

// javaWrite is a conditional write of KCL in its own terms, and what it makes of a row.
type javaWrite struct {
	name              string
	condition, update string
	values            item
	holds             func(Lease) bool
	change            func(*Lease)
}

// javaWrites are the writes of DynamoDBLeaseRefresher of KCL 3.5.1 for a worker that knows the row as seen.
func javaWrites(me string, seen Lease) []javaWrite {
	counter := item{":c": number(seen.Counter), ":n": number(seen.Counter + 1)}
	with := func(extra item) item {
		all := item{}
		for k, v := range counter {
			all[k] = v
		}
		for k, v := range extra {
			all[k] = v
		}
		return all
	}
	same := func(l Lease) bool { return l.Counter == seen.Counter }
	take := javaWrite{name: "takeLease", condition: "leaseCounter = :c", holds: same,
		update: "SET leaseCounter = :n, leaseOwner = :me REMOVE checkpointOwner", values: with(item{":me": text(me)}),
		change: func(l *Lease) { l.Counter++; l.Owner, l.CheckpointOwner = me, "" }}
	if seen.Owner != "" && seen.Owner != me {
		take.update += " ADD ownerSwitchesSinceCheckpoint :one"
		take.values[":one"] = number(1)
		old := take.change
		take.change = func(l *Lease) { old(l); l.OwnerSwitches++ }
	}
	writes := []javaWrite{take,
		{name: "renewLease 2", condition: "leaseCounter = :c", update: "SET leaseCounter = :n", values: counter, holds: same,
			change: func(l *Lease) { l.Counter++ }},
		{name: "renewLease 3", condition: "leaseCounter = :c AND attribute_not_exists(checkpointOwner)",
			update: "SET leaseCounter = :n, throughputKBps = :t", values: with(item{":t": &types.AttributeValueMemberN{Value: "1.5"}}),
			holds:  func(l Lease) bool { return same(l) && l.CheckpointOwner == "" },
			change: func(l *Lease) { l.Counter++; l.Measured = true }},
		{name: "updateLease", condition: "leaseCounter = :c", holds: same,
			update: "SET leaseCounter = :n, checkpoint = :s, checkpointSubSequenceNumber = :u, ownerSwitchesSinceCheckpoint = :zero REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState",
			values: with(item{":s": text("88"), ":u": number(2), ":zero": number(0)}),
			change: func(l *Lease) {
				l.Counter++
				l.Checkpoint, l.OwnerSwitches = row.Position{Sequence: "88", Subsequence: 2}, 0
			}},
		{name: "updateLeaseWithMetaInfo", condition: "leaseKey = :k", update: "SET childShardIds = :ss",
			values: item{":k": text(seen.Key), ":ss": set([]string{"c1", "c2"})}, holds: func(Lease) bool { return true },
			change: func(l *Lease) { l.Children = []string{"c1", "c2"} }},
	}
	if seen.Owner == "" {
		return writes
	}
	writes = append(writes, javaWrite{name: "initiateGracefulLeaseHandoff",
		condition: "leaseOwner = :old AND attribute_not_exists(checkpointOwner) AND leaseKey = :k", update: "SET leaseOwner = :next, checkpointOwner = :old",
		values: item{":old": text(seen.Owner), ":k": text(seen.Key), ":next": text("java-9")},
		holds:  func(l Lease) bool { return l.Owner == seen.Owner && l.CheckpointOwner == "" },
		change: func(l *Lease) { l.Owner, l.CheckpointOwner = "java-9", seen.Owner }})
	if seen.CheckpointOwner != "" {
		writes = append(writes, javaWrite{name: "assignLease",
			condition: "leaseOwner = :o AND checkpointOwner = :holder AND leaseKey = :k",
			update:    "SET leaseOwner = :me REMOVE checkpointOwner ADD leaseCounter :one, ownerSwitchesSinceCheckpoint :one",
			values:    item{":o": text(seen.Owner), ":holder": text(seen.CheckpointOwner), ":k": text(seen.Key), ":me": text(me), ":one": number(1)},
			holds:     func(l Lease) bool { return l.Owner == seen.Owner && l.CheckpointOwner == seen.CheckpointOwner },
			change:    func(l *Lease) { l.Owner, l.CheckpointOwner = me, ""; l.Counter++; l.OwnerSwitches++ }})
	}
	return writes
}

// ourWrites are the updates that a Machine composes for a worker that knows the row as seen.
func ourWrites(me, nonce string, seen Lease) []Update {
	nobody, holder := "", seen.CheckpointOwner
	as := Condition{Counter: seen.Counter, Owner: seen.Owner, CheckpointOwner: seen.CheckpointOwner}
	us := []Update{
		{Nonce: nonce, If: as},
		{Nonce: nonce, If: as, Set: Changes{Owner: &me, Worker: me, EndHandover: seen.CheckpointOwner != "", OwnerSwitched: seen.Owner != "" && seen.Owner != me}},
		{Nonce: nonce, If: as, Set: Changes{Checkpoint: &row.Position{Sequence: "99"}, Offsets: true}},
		{Nonce: nonce, If: as, Set: Changes{Owner: &nobody, EndHandover: seen.CheckpointOwner != ""}},
		{Nonce: nonce, If: as, Set: Changes{Checkpoint: &row.Position{Sequence: row.ShardEnd}, Children: []string{"c2", "c1"}, Owner: &nobody}},
	}
	if seen.CheckpointOwner == "" && seen.Owner != "" {
		us = append(us, Update{Request: true, If: Condition{Owner: seen.Owner}, Set: Changes{Owner: &me, CheckpointOwner: seen.Owner}})
	}
	if holder != "" {
		us = append(us, Update{Nonce: nonce, If: as, Set: Changes{EndHandover: true, OwnerSwitched: true}},
			Update{Request: true, If: Condition{Owner: seen.Owner, CheckpointOwner: holder}, Set: Changes{Owner: &holder, EndHandover: true}})
	}
	return us
}

// Two programs write one row by turns, each from an image of it that may be out of date. Whatever they do, the service's
// row is what the conditions of both say; of two writes from the same counter one takes effect; and a row never loses an
// attribute that is not the writer's.
func TestTwoProgramsOnOneRow(t *testing.T) {
	server := standin.New(standin.Options{})
	raw := client(server.RoundTripper())
	store := NewDynamoDB(raw, table, quiet())
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := 0
	rapid.Check(t, func(r *rapid.T) {
		rows++
		key := fmt.Sprintf("shardId-%012d", rows)
		model := Lease{Key: key, Checkpoint: row.Position{Sequence: row.TrimHorizon}, Parents: []string{"p"}, StartHash: "0", EndHash: "9", StartMillis: 7, StreamCreated: 8}
		if err := store.Create(t.Context(), model); err != nil {
			r.Fatal(err)
		}
		images := []Lease{model} // what a program may still believe
		won := map[int64]string{}
		for i := range rapid.IntRange(1, 12).Draw(r, "writes") {
			seen := images[max(0, len(images)-1-rapid.IntRange(0, 3).Draw(r, "age"))]
			before := model
			var name string
			var err error
			if rapid.Bool().Draw(r, "ours") {
				us := ourWrites(rapid.SampledFrom([]string{"go-1", "go-2"}).Draw(r, "me"), fmt.Sprint(rows, ".", i), seen)
				u := us[rapid.IntRange(0, len(us)-1).Draw(r, "which")]
				u.Key = key
				name = fmt.Sprintf("%+v", u)
				var got Lease
				got, err = store.Update(t.Context(), u)
				if holds := u.Holds(model) || u.Written(model); holds != (err == nil) {
					r.Fatalf("%s on %+v: %v", name, model, err)
				}
				if err == nil && u.Holds(model) {
					model = u.Apply(model)
				}
				if e, ok := errors.AsType[*Error](err); err == nil && diff.Diff(model, got) != "" || ok && (e.Class != ClassLost || diff.Diff(model, *e.Found) != "") {
					r.Fatalf("%s: answer %+v, %v; row %+v", name, got, err, model)
				}
			} else {
				ws := javaWrites(rapid.SampledFrom([]string{"java-1", "java-2"}).Draw(r, "me"), seen)
				w := ws[rapid.IntRange(0, len(ws)-1).Draw(r, "which")]
				name = w.name
				_, err = raw.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String(table), Key: item{attrKey: text(key)},
					ConditionExpression: &w.condition, UpdateExpression: &w.update, ExpressionAttributeValues: w.values})
				if w.holds(model) != (err == nil) {
					r.Fatalf("%s from %+v on %+v: %v", name, seen, model, err)
				}
				if err == nil {
					w.change(&model)
				}
			}
			if model.Counter != before.Counter {
				if other := won[before.Counter]; other != "" || model.Counter != before.Counter+1 {
					r.Fatalf("two writes from counter %d: %s and %s", before.Counter, other, name)
				}
				won[before.Counter] = name
			}
			out, err := raw.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(table), Key: item{attrKey: text(key)}, ConsistentRead: aws.Bool(true)})
			if err != nil {
				r.Fatal(err)
			}
			got, err := decode(out.Item)
			if d := diff.Diff(model, got); err != nil || d != "" {
				r.Fatalf("after %s: %v %s", name, err, d)
			}
			images = append(images, model)
		}
	})
}
