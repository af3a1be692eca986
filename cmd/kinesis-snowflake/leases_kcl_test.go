package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/internal/standin/kcl"
)

// item is a row as a program of somebody else's writes it.
type item = kcl.Row

// createTable makes a table with a hash key and perhaps a range key, both text.
func (b *bubble) createTable(name string, keys ...string) {
	b.t.Helper()
	if err := kcl.CreateTable(b.t.Context(), b.client(), name, keys...); err != nil {
		b.t.Fatal(err)
	}
}

// write puts rows into a table.
func (b *bubble) write(table string, rows ...item) {
	b.t.Helper()
	if err := kcl.Write(b.t.Context(), b.client(), table, rows...); err != nil {
		b.t.Fatal(err)
	}
}

// renew raises a lease's counter every third of a lease duration, as its owner does, until the function that it returns is
// called.
func (b *bubble) renew(shard string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(3308 * time.Millisecond):
			}
			b.raise(shard)
		}
	}()
	return func() { close(done); <-ended }
}

// raise raises a lease's counter, and changes nothing else.
func (b *bubble) raise(shard string) {
	if _, err := b.client().UpdateItem(b.t.Context(), &awsdynamodb.UpdateItemInput{
		TableName: aws.String(ordersApp), Key: item{"leaseKey": shard}.Attributes(), UpdateExpression: aws.String("ADD leaseCounter :one"),
		ExpressionAttributeValues: item{":one": 1}.Attributes(),
	}); err != nil {
		b.t.Error(err)
	}
}

// sequences returns the numbers of a shard's records, in order.
func (b *bubble) sequences(shard string) (all []string) {
	for r := range b.kinesis.Records(ordersStream) {
		if r.Shard == shard {
			all = append(all, r.Sequence)
		}
	}
	return all
}

const (
	shard4   = "shardId-000000000004"
	wholeKey = "340282366920938463463374607431768211455"
	halfKey  = "170141183460469231731687303715884105727"
)

// The rows are those that KCL writes: 1.x without children and hash keys, 2.x with a checkpoint in two steps, 3.0 with
// throughput and a hand-over, 3.5 with an entity type and with other rows in the same table.
func TestLeasesListShowsRowsOfKCL(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(20)
		if _, _, err := b.kinesis.Split(ordersStream, shard0); err != nil {
			t.Fatal(err)
		}
		b.put(60)
		if _, _, err := b.kinesis.Split(ordersStream, shard1); err != nil {
			t.Fatal(err)
		}
		<-time.After(90 * time.Second)
		b.put(20)
		one, two := b.sequences(shard1), b.sequences(shard2)
		b.createTable(ordersApp, "leaseKey")
		b.write(ordersApp,
			item{"leaseKey": shard0, "leaseCounter": 81, "checkpoint": "SHARD_END", "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 0},
			item{"leaseKey": shard1, "leaseOwner": "java-1", "leaseCounter": 7, "checkpoint": one[4], "checkpointSubSequenceNumber": 3, "ownerSwitchesSinceCheckpoint": 2,
				"parentShardId": []string{shard0}, "pendingCheckpoint": one[6], "pendingCheckpointSubSequenceNumber": 1, "pendingCheckpointState": []byte("state"),
				"startingHashKey": "0", "endingHashKey": halfKey},
			item{"leaseKey": shard2, "leaseOwner": "java-2", "checkpointOwner": "java-1", "leaseCounter": 9, "checkpoint": two[0], "checkpointSubSequenceNumber": 0,
				"ownerSwitchesSinceCheckpoint": 0, "parentShardId": []string{shard0}, "throughputKBps": 12.75},
			item{"leaseKey": shard3, "leaseCounter": 0, "checkpoint": "TRIM_HORIZON", "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 0,
				"parentShardId": []string{shard1}, "entityType": "LEASE", "leaseOwner": "java-3"},
			item{"leaseKey": "Leader", "entityType": "LEADER", "ownerName": "java-1", "leaseDuration": "120000", "recordVersionNumber": "f3"},
			item{"leaseKey": "Migration3.0", "entityType": "CLIENT_VERSION_MIGRATION", "cv": "CLIENT_VERSION_3X"},
			item{"leaseKey": "java-1", "entityType": "WORKER_METRIC_STATS", "lut": 1763800000, "sts": map[string]types.AttributeValue{}},
			item{"leaseKey": "123456789012:other:1700000000:" + shard0, "leaseCounter": 1, "checkpoint": "LATEST"},
			item{"leaseKey": shard4, "leaseCounter": 1, "checkpoint": "somewhere", "checkpointSubSequenceNumber": 0},
		)
		defer b.renew(shard1)()
		before := b.dynamodb.Counters()
		code, out, stderr := b.leases("list", "-c", b.file)
		wants(t, 0, code, stderr)
		lines := map[string]string{}
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 0 && lines[f[0]] == "" {
				lines[f[0]] = strings.Join(f, " ")
			}
		}
		for shard, parts := range map[string][]string{
			shard0:          {"finished - SHARD_END - - - - -"},
			shard1:          {"reading java-1 (alive) " + one[4] + ":3 (prepared " + one[6] + ":1) 1m3", shard0},
			shard2:          {"hand-over java-1 (alive) -> java-2 " + two[0] + ":0 1m3"},
			shard3:          {"blocked java-3 (silent) TRIM_HORIZON", ">5s >5s " + shard1},
			shard4:          {"broken - - ?"},
			"java-1":        {"java-1 alive 2 1 0 1m3"},
			"java-3":        {"java-3 silent 1 0 0"},
			"(no":           {"(no owner) - 1 0 1 -"},
			"Leader:":       {"LEADER of the Kinesis Client Library"},
			"java-1:":       {"WORKER_METRIC_STATS"},
			"stream":        {"watched for 5s"},
			"WORKER":        {"MOST LAG"},
			"SHARD":         {"SHARD STATE OWNER CHECKPOINT LAG RENEWED MOVED PARENTS CHILDREN"},
			"Migration3.0:": {"CLIENT_VERSION_MIGRATION"},
			"123456789012:other:1700000000:" + shard0 + ":": {"multi-stream"},
			shard4 + ":": {"BROKEN", `"somewhere" is neither a sequence number`},
		} {
			has(t, lines[shard], parts...)
		}
		after := b.dynamodb.Counters()
		for _, op := range []string{"PutItem", "DeleteItem", "CreateTable", "UpdateTable", "TransactWriteItems", "BatchWriteItem"} {
			if before[op].Calls != after[op].Calls {
				t.Errorf("list called %s", op)
			}
		}

		// Watched for longer than a lease, who is silent is dead.
		code, out, stderr = b.leases("list", "-c", b.file, "--watch", "15s", "--no-lag", "--json")
		wants(t, 0, code, stderr)
		has(t, out, `"shard":"shardId-000000000003","state":"blocked","owner":"java-3","owner_is":"dead","checkpoint":{"sequence":"TRIM_HORIZON","subsequence":0}`,
			`"prepared_checkpoint":{"sequence":"`+one[6]+`","subsequence":1}`, `"next_owner":"java-2"`, `{"worker":"java-3","is":"dead","leases":1,"finished":0,"reading":0}`,
			`"broken":true`)
		if strings.Contains(out, "lag_ms") || strings.Count(out, "\n") != 1 {
			t.Errorf("a line of JSON without lags, not %s", out)
		}
	})
}

func TestLeasesListWithoutATable(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		code, out, stderr := b.leases("list", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, "lease table orders-to-snowflake does not exist: no worker has run yet", shard1+"  no lease")
		if b.dynamodb.Items(ordersApp) != nil {
			t.Error("the table was made")
		}
		b.createTable(ordersApp, "id")
		code, _, stderr = b.leases("list", "-c", b.file)
		wants(t, 1, code, stderr)
		has(t, stderr, "it has the key schema HASH id (S); a KCL lease table has HASH leaseKey (S)")
	})
}
