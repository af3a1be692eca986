package dynamodbtest

import (
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// lease is a row as the Kinesis Client Library writes it (amazon-kinesis-client
// 3.5.1, DynamoDBLeaseSerializer), owned by "me".
func lease(changes item) item {
	it := item{
		"leaseKey": str("k"), "leaseOwner": str("me"), "leaseCounter": num("7"), "checkpoint": str("TRIM_HORIZON"),
		"checkpointSubSequenceNumber": num("0"), "ownerSwitchesSinceCheckpoint": num("1"),
		"parentShardId":   strs("shardId-000000000001", "shardId-000000000000"),
		"startingHashKey": str("0"), "endingHashKey": str("340282366920938463463374607431768211455"),
	}
	for k, v := range changes {
		if it[k] = v; v == nil {
			delete(it, k)
		}
	}
	return it
}

// leaseWrite is one conditional write of a lease, a row on which it succeeds
// with what it changes, and rows on which it fails. The expressions are those
// of a consumer that shares a table with the Kinesis Client Library
// (amazon-kinesis-client 3.5.1, DynamoDBLeaseRefresher, with stricter conditions).
type leaseWrite struct {
	name   string
	u      update
	before item
	after  item // changes to before
	fails  []item
}

var leaseWrites = []leaseWrite{
	{
		name:   "renew",
		u:      update{u: "SET leaseCounter=:n, snkToken=:tok, throughputKBps=:t", c: "leaseCounter=:c AND leaseOwner=:me AND attribute_not_exists(checkpointOwner)", values: item{":n": num("8"), ":tok": str("x"), ":t": num("1.5"), ":c": num("7"), ":me": str("me")}},
		before: lease(nil), after: item{"leaseCounter": num("8"), "snkToken": str("x"), "throughputKBps": num("1.5")},
		fails: []item{lease(item{"leaseCounter": num("8")}), lease(item{"leaseOwner": str("other")}), lease(item{"leaseOwner": nil}), lease(item{"checkpointOwner": str("me")}), nil},
	},
	{
		name:   "renew during a hand-over",
		u:      update{u: "SET leaseCounter=:n, snkToken=:tok", c: "leaseCounter=:c AND checkpointOwner=:me", values: item{":n": num("8"), ":tok": str("x"), ":c": num("7"), ":me": str("me")}},
		before: lease(item{"leaseOwner": str("next"), "checkpointOwner": str("me")}), after: item{"leaseCounter": num("8"), "snkToken": str("x")},
		fails: []item{lease(nil), lease(item{"checkpointOwner": str("other")})},
	},
	{
		name:   "take from an owner",
		u:      update{u: "SET leaseCounter=:n, leaseOwner=:me, snkToken=:tok REMOVE checkpointOwner ADD ownerSwitchesSinceCheckpoint :one", c: "leaseCounter=:c AND leaseOwner=:old", values: item{":n": num("8"), ":me": str("me"), ":tok": str("x"), ":one": num("1"), ":c": num("7"), ":old": str("old")}, returns: types.ReturnValueAllNew},
		before: lease(item{"leaseOwner": str("old"), "checkpointOwner": str("older")}),
		after:  item{"leaseCounter": num("8"), "leaseOwner": str("me"), "snkToken": str("x"), "checkpointOwner": nil, "ownerSwitchesSinceCheckpoint": num("2")},
		fails:  []item{lease(item{"leaseOwner": str("third")}), lease(item{"leaseOwner": str("old"), "leaseCounter": num("8")}), lease(item{"leaseOwner": nil})},
	},
	{
		name:   "take a free lease",
		u:      update{u: "SET leaseCounter=:n, leaseOwner=:me, snkToken=:tok REMOVE checkpointOwner", c: "leaseCounter=:c AND attribute_not_exists(leaseOwner)", values: item{":n": num("8"), ":me": str("me"), ":tok": str("x"), ":c": num("7")}, returns: types.ReturnValueAllNew},
		before: lease(item{"leaseOwner": nil}), after: item{"leaseCounter": num("8"), "leaseOwner": str("me"), "snkToken": str("x")},
		fails: []item{lease(nil), nil},
	},
	{
		name: "checkpoint",
		u: update{u: "SET leaseCounter=:n, #cp=:seq, checkpointSubSequenceNumber=:sub, ownerSwitchesSinceCheckpoint=:zero, snkToken=:tok REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState",
			c:     "leaseCounter=:c AND leaseOwner=:me AND attribute_not_exists(checkpointOwner)",
			names: map[string]string{"#cp": "checkpoint"}, values: item{":n": num("8"), ":seq": str("4957"), ":sub": num("3"), ":zero": num("0"), ":tok": str("x"), ":c": num("7"), ":me": str("me")}},
		before: lease(item{"pendingCheckpoint": str("1"), "pendingCheckpointState": bin("s")}),
		after:  item{"leaseCounter": num("8"), "checkpoint": str("4957"), "checkpointSubSequenceNumber": num("3"), "ownerSwitchesSinceCheckpoint": num("0"), "snkToken": str("x"), "pendingCheckpoint": nil, "pendingCheckpointState": nil},
		fails:  []item{lease(item{"leaseCounter": num("9")}), lease(item{"leaseOwner": str("other")}), lease(item{"checkpointOwner": str("me")})},
	},
	{
		name: "checkpoint during a hand-over",
		u: update{u: "SET leaseCounter=:n, #cp=:seq, checkpointSubSequenceNumber=:sub, ownerSwitchesSinceCheckpoint=:zero, snkToken=:tok REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState",
			c:     "leaseCounter=:c AND (leaseOwner=:me OR checkpointOwner=:me)",
			names: map[string]string{"#cp": "checkpoint"}, values: item{":n": num("8"), ":seq": str("4957"), ":sub": num("3"), ":zero": num("0"), ":tok": str("x"), ":c": num("7"), ":me": str("me")}},
		before: lease(item{"leaseOwner": str("next"), "checkpointOwner": str("me")}),
		after:  item{"leaseCounter": num("8"), "checkpoint": str("4957"), "checkpointSubSequenceNumber": num("3"), "ownerSwitchesSinceCheckpoint": num("0"), "snkToken": str("x")},
		fails:  []item{lease(item{"leaseOwner": str("next"), "checkpointOwner": str("other")})},
	},
	{
		name:   "transfer",
		u:      update{u: "SET leaseOwner=:next REMOVE checkpointOwner ADD leaseCounter :one", c: "leaseOwner=:next AND checkpointOwner=:me", values: item{":next": str("next"), ":one": num("1"), ":me": str("me")}},
		before: lease(item{"leaseOwner": str("next"), "checkpointOwner": str("me")}), after: item{"checkpointOwner": nil, "leaseCounter": num("8")},
		fails: []item{lease(nil), lease(item{"leaseOwner": str("third"), "checkpointOwner": str("me")})},
	},
	{
		name:   "evict",
		u:      update{u: "REMOVE leaseOwner ADD leaseCounter :one", c: "leaseOwner=:me AND attribute_not_exists(checkpointOwner)", values: item{":one": num("1"), ":me": str("me")}},
		before: lease(nil), after: item{"leaseOwner": nil, "leaseCounter": num("8")},
		fails: []item{lease(item{"leaseOwner": nil}), lease(item{"checkpointOwner": str("me")})},
	},
	{
		name:   "ask",
		u:      update{u: "SET leaseOwner=:me, checkpointOwner=:old", c: "leaseOwner=:old AND attribute_not_exists(checkpointOwner) AND attribute_exists(leaseKey)", values: item{":me": str("me"), ":old": str("old")}},
		before: lease(item{"leaseOwner": str("old")}), after: item{"leaseOwner": str("me"), "checkpointOwner": str("old")},
		fails: []item{lease(nil), lease(item{"leaseOwner": str("old"), "checkpointOwner": str("third")}), nil},
	},
	{
		name:   "kids",
		u:      update{u: "SET childShardIds=:ss", c: "attribute_exists(leaseKey)", values: item{":ss": strs("b", "a")}},
		before: lease(nil), after: item{"childShardIds": strs("a", "b")},
		fails: []item{nil},
	},
}

var leaseRules = append(leaseWriteRules(),
	rule{name: "create", run: func(e *env) {
		table := e.table()
		in := &dynamodb.PutItemInput{TableName: &table, Item: lease(item{"leaseOwner": nil}), ConditionExpression: aws.String("attribute_not_exists(leaseKey)")}
		if e.Can.OldOnFailure {
			in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		}
		_, err := e.Client.PutItem(e.Context(), in)
		e.ok(err)
		_, err = e.Client.PutItem(e.Context(), in)
		e.conditionFailed(err, in.Item)
	}},
	rule{name: "delete", run: func(e *env) {
		table := e.table()
		e.put(table, lease(item{"checkpoint": str("SHARD_END")}))
		in := &dynamodb.DeleteItemInput{TableName: &table, Key: item{"leaseKey": str("k")},
			ConditionExpression: aws.String("leaseCounter=:c AND #cp=:end"), ExpressionAttributeNames: map[string]string{"#cp": "checkpoint"},
			ExpressionAttributeValues: item{":c": num("6"), ":end": str("SHARD_END")}}
		if e.Can.OldOnFailure {
			in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		}
		_, err := e.Client.DeleteItem(e.Context(), in)
		e.conditionFailed(err, lease(item{"checkpoint": str("SHARD_END")}))
		in.ExpressionAttributeValues[":c"] = num("7")
		_, err = e.Client.DeleteItem(e.Context(), in)
		e.ok(err)
		e.same(e.get(table, "k"), nil)
	}},
	// Conditional writes are atomic for an item (developer guide, "Working with
	// items": "conditional writes ... are idempotent" and serialised).
	rule{name: "race", run: func(e *env) {
		table := e.table()
		e.put(table, item{"leaseKey": str("k"), "leaseCounter": num("0")})
		const workers, rounds = 8, 25
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for done := 0; done < rounds; {
					now := e.get(table, "k")["leaseCounter"]
					_, err := e.update(table, update{u: "SET leaseCounter = leaseCounter + :one", c: "leaseCounter = :c", values: item{":c": now, ":one": num("1")}})
					if err == nil {
						done++
					} else if !isConditionFailed(err) {
						e.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		e.same(e.get(table, "k"), item{"leaseKey": str("k"), "leaseCounter": num("200")})
	}},
)

func leaseWriteRules() (rules []rule) {
	for _, w := range leaseWrites {
		rules = append(rules, rule{name: w.name, run: func(e *env) {
			table := e.table()
			e.put(table, w.before)
			want := maps.Clone(w.before)
			for k, v := range w.after {
				if want[k] = v; v == nil {
					delete(want, k)
				}
			}
			out, err := e.update(table, w.u)
			e.ok(err)
			if w.u.returns == types.ReturnValueAllNew {
				e.same(out.Attributes, want)
			}
			e.same(e.get(table, "k"), want)
			for _, before := range w.fails {
				if before == nil {
					_, err := e.Client.DeleteItem(e.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: item{"leaseKey": str("k")}})
					e.ok(err)
				} else {
					e.put(table, before)
				}
				_, err := e.update(table, w.u)
				e.conditionFailed(err, before)
				e.same(e.get(table, "k"), before)
			}
		}})
	}
	return rules
}
