package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/dynamodb"
)

const openflow = "orders-openflow"

// checkpoint is a row of the Openflow connector's second generation, written some time ago.
func (b *bubble) checkpoint(shard, sequence string, ago time.Duration) item {
	at := int(time.Now().Add(-ago).UnixMilli())
	it := item{"streamName": ordersStream, "shardId": shard, "leaseOwner": "5f0c", "leaseExpiry": at + 30_000, "lastUpdateTimestamp": at}
	if sequence != "" {
		it["sequenceNumber"] = sequence
	}
	return it
}

func (b *bubble) node(ago time.Duration) item {
	return item{"streamName": ordersStream, "shardId": "__node__#5f0c", "nodeHeartbeat": int(time.Now().Add(-ago).UnixMilli())}
}

// began creates the other connector's table with its marks in it.
func (b *bubble) began(rows ...item) {
	b.t.Helper()
	b.createTable(openflow, "streamName", "shardId")
	b.write(openflow, rows...)
}

func (b *bubble) imports(more ...string) (int, string, string) {
	b.t.Helper()
	return b.leases(append([]string{"import", "-c", b.file, "--from", openflow}, more...)...)
}

// Each shard goes on after its checkpoint, and the whole of what comes is loaded once.
func TestImportGoesOnWhereTheOtherStopped(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(100)
		zero, one := b.sequences(shard0), b.sequences(shard1)
		<-time.After(10 * time.Minute)
		b.began(b.checkpoint(shard0, zero[len(zero)-1], 5*time.Minute), b.checkpoint(shard1, one[9], 5*time.Minute), b.node(5*time.Minute),
			item{"streamName": ordersStream, "shardId": "__migration__", "migrationStatus": "COMPLETE"},
			item{"streamName": "other", "shardId": shard0, "sequenceNumber": "1", "leaseExpiry": int(time.Now().Add(time.Hour).UnixMilli())})
		code, out, stderr := b.imports("--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, "from table orders-openflow into lease table orders-to-snowflake", shard1+"  "+one[9]+":9223372036854775807", "rows of other streams are passed over: other")
		if b.dynamodb.Items(ordersApp) != nil {
			t.Error("a dry run made the table")
		}
		code, out, stderr = b.imports()
		wants(t, 0, code, stderr)
		has(t, out, shard0+": lease made", "done: start the pipeline")
		it := b.item(shard1)
		if it["checkpointSubSequenceNumber"].Text != "9223372036854775807" || it["leaseCounter"].Text != "0" || it["ownerSwitchesSinceCheckpoint"].Text != "0" ||
			it["entityType"].Text != "LEASE" || it["startingHashKey"].Text == "" || it["endingHashKey"].Text != wholeKey {
			t.Errorf("not a row of KCL's: %v", it)
		}
		code, out, stderr = b.imports()
		wants(t, 0, code, stderr)
		has(t, out, "nothing is left to do: every lease is there", "(there already)")
		b.load()
		b.rows(len(one)-10, len(one)-10)

		code, _, stderr = b.imports()
		wants(t, 1, code, stderr)
		has(t, stderr, "holds leases already", "choose another source.application")
	})
}

func TestImportRefuses(t *testing.T) {
	t.Run("a connector that lives", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, b *bubble) {
			b.put(10)
			b.began(b.checkpoint(shard0, b.sequences(shard0)[3], 5*time.Minute), b.node(time.Minute))
			code, _, stderr := b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "refused: table orders-openflow was last written at", "(nodeHeartbeat of __node__#5f0c)", "stop the connector, let its queues drain")
			<-time.After(31 * time.Second) // 30 s and a minute after its last sign of life
			code, _, stderr = b.imports()
			wants(t, 0, code, stderr)
		})
		inBubble(t, 1, func(t *testing.T, b *bubble) {
			b.put(10)
			b.began(b.checkpoint(shard0, b.sequences(shard0)[3], 10*time.Second))
			code, _, stderr := b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "of "+shard0)
		})
		inBubble(t, 1, func(t *testing.T, b *bubble) {
			b.put(10)
			b.began(b.checkpoint(shard0, b.sequences(shard0)[3], -time.Hour))
			code, _, stderr := b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "lies ahead of this machine's clock", "set the clocks right")
		})
	})
	t.Run("what it cannot read", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, b *bubble) {
			code, _, stderr := b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "there is no table orders-openflow in this region")
			b.began(item{"streamName": "other", "shardId": shard0, "sequenceNumber": "1"})
			code, _, stderr = b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "has no checkpoint of stream orders; it has rows of other")
			b.write(openflow, b.checkpoint(shard0, "TRIM_HORIZON", time.Hour))
			code, _, stderr = b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, `its sequenceNumber "TRIM_HORIZON" is no number`)
			code, _, stderr = b.leases("import", "-c", b.file, "--from", ordersApp)
			wants(t, 1, code, stderr)
			has(t, stderr, `give source.application another name than "orders-to-snowflake"`)
			b.createTable("kcl", "leaseKey")
			code, _, stderr = b.leases("import", "-c", b.file, "--from", "kcl")
			wants(t, 1, code, stderr)
			has(t, stderr, `nothing needs importing, set source.application to "kcl"`)
			b.createTable("stuff", "id")
			code, _, stderr = b.leases("import", "-c", b.file, "--from", "stuff")
			wants(t, 1, code, stderr)
			has(t, stderr, "table stuff has the key schema HASH id")
		})
	})
	t.Run("what IAM denies", func(t *testing.T) {
		for op, want := range map[string]string{
			"DescribeTable": "grant dynamodb:DescribeTable on table/orders-openflow",
			"Scan":          "grant dynamodb:Scan on table/orders-openflow",
			"PutItem":       "grant dynamodb:PutItem on table/orders-to-snowflake",
			"CreateTable":   "grant dynamodb:CreateTable on table/orders-to-snowflake",
		} {
			t.Run(op, func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, b *bubble) {
					b.put(10)
					b.began(b.checkpoint(shard0, b.sequences(shard0)[3], time.Hour))
					b.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
						if c.Op == op {
							return dynamodb.Deny(op, c.Table)
						}
						return nil
					}})
					code, _, stderr := b.imports()
					wants(t, 1, code, stderr)
					has(t, stderr, want)
				})
			})
		}
	})
	t.Run("to move what it has imported", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, b *bubble) {
			b.put(10)
			b.began(b.checkpoint(shard0, b.sequences(shard0)[3], time.Hour))
			code, _, stderr := b.imports()
			wants(t, 0, code, stderr)
			b.write(openflow, b.checkpoint(shard0, b.sequences(shard0)[5], time.Hour))
			code, _, stderr = b.imports()
			wants(t, 1, code, stderr)
			has(t, stderr, "has moved on since", "delete table orders-to-snowflake")
		})
	})
	t.Run("to write into a table in use", func(t *testing.T) {
		for name, use := range map[string]func(*bubble){
			"KCL has a lease":  func(b *bubble) { b.own(shard0, "java-1", "") }, // which keeps our own attributes
			"KCL keeps others": func(b *bubble) { b.write(ordersApp, item{"leaseKey": "Leader", "entityType": "LEADER"}) },
			"somebody's leases": func(b *bubble) {
				b.write(ordersApp, item{"leaseKey": shard0, "leaseCounter": 0, "checkpoint": "LATEST"})
			},
		} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, b *bubble) {
					b.put(10)
					b.began(b.checkpoint(shard0, b.sequences(shard0)[3], time.Hour))
					code, _, stderr := b.imports()
					wants(t, 0, code, stderr)
					use(b)
					code, _, stderr = b.imports()
					wants(t, 1, code, stderr)
					has(t, stderr, "holds leases already")
				})
			})
		}
	})
}

// A migration from KCL's table that was cut short leaves the checkpoints in a second table, perhaps only there.
func TestImportReadsWhatAMigrationLeft(t *testing.T) {
	for name, both := range map[string]bool{"beside the first": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, b *bubble) {
				b.put(100)
				zero, one := b.sequences(shard0), b.sequences(shard1)
				if both {
					b.began(b.checkpoint(shard0, zero[7], time.Hour), b.checkpoint(shard1, "", time.Hour))
				}
				b.createTable(openflow+"_migration", "streamName", "shardId")
				b.write(openflow+"_migration", b.checkpoint(shard0, zero[5], time.Hour), b.checkpoint(shard1, one[2], time.Hour))
				code, out, stderr := b.imports()
				wants(t, 0, code, stderr)
				want := zero[5]
				if both {
					want = zero[7]
				}
				has(t, out, "table orders-openflow_migration is there too", shard0+"  "+want+":", shard1+"  "+one[2]+":")
			})
		})
	}
}

// openflowFamily is a stream that was split while the other connector read it: shard0 closed, shard1 and shard2 its children.
func openflowFamily(t *testing.T, f func(t *testing.T, b *bubble)) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(40)
		if _, _, err := b.kinesis.Split(ordersStream, shard0); err != nil {
			t.Fatal(err)
		}
		b.put(60)
		f(t, b)
	})
}

// A child that the other had not found yet is read from its beginning, once its parent is done, also where it would have
// begun at LATEST and lost what came before.
func TestImportOfAChildWithoutCheckpoint(t *testing.T) {
	openflowFamily(t, func(t *testing.T, b *bubble) {
		b.configure("LATEST")
		zero, one, two := b.sequences(shard0), b.sequences(shard1), b.sequences(shard2)
		b.began(b.checkpoint(shard0, zero[len(zero)-3], time.Hour), b.checkpoint(shard1, one[9], time.Hour))
		code, out, stderr := b.imports()
		wants(t, 0, code, stderr)
		has(t, out, shard2+"  later", "made when its parent is read to the end, from its beginning")
		b.load()
		want := 2 + len(one) - 10 + len(two)
		b.rows(want, want)
	})
}

func TestImportOfAClosedShardWithoutCheckpoint(t *testing.T) {
	openflowFamily(t, func(t *testing.T, b *bubble) {
		one, two := b.sequences(shard1), b.sequences(shard2)
		b.configure("LATEST") // says nothing of children
		b.began(b.checkpoint(shard1, one[9], time.Hour))
		code, _, stderr := b.imports()
		wants(t, 1, code, stderr)
		has(t, stderr, "closed without a checkpoint, while shards that came out of them have one: "+shard0+".", "--unread-closed end", "--unread-closed start")
		code, out, stderr := b.imports("--unread-closed", "end")
		wants(t, 0, code, stderr)
		has(t, out, shard0+"  SHARD_END", shard2+"  TRIM_HORIZON")
		if kids := b.item(shard0)["childShardIds"]; !strings.Contains(kids.String(), shard1) || !strings.Contains(kids.String(), shard2) {
			t.Errorf("children are %v", kids)
		}
		b.load()
		want := len(one) - 10 + len(two)
		b.rows(want, want)
	})
	openflowFamily(t, func(t *testing.T, b *bubble) {
		one := b.sequences(shard1)
		b.began(b.checkpoint(shard1, one[9], time.Hour))
		code, out, stderr := b.imports("--unread-closed", "start")
		wants(t, 0, code, stderr)
		has(t, out, shard0+"  TRIM_HORIZON", shard2+"  later")
		b.load()
		b.rows(90, 90)
	})
}

func TestImportWithAStartOfItsOwn(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.configure("LATEST")
		b.put(60)
		b.began(b.checkpoint(shard0, b.sequences(shard0)[3], time.Hour))
		code, out, stderr := b.imports("--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, shard1+"  LATEST", "no checkpoint: from source.start", "set source.start to the time it stopped")
		b.configure("2000-01-01T00:00:00Z")
		code, out, stderr = b.imports()
		wants(t, 0, code, stderr)
		has(t, out, shard1+"  AT_TIMESTAMP")
		if got := b.item(shard1)["ksfStartMillis"].Text; got != "946684800000" {
			t.Errorf("start is %s", got)
		}
	})
}

// Cut short at each of its writes, an import goes on where it ended.
func TestImportCutShortGoesOn(t *testing.T) {
	for _, at := range []string{"dynamodb CreateTable 1 before", "dynamodb CreateTable 1 after", "dynamodb PutItem 1 before", "dynamodb PutItem 1 after", "dynamodb PutItem 3 after"} {
		t.Run(at, func(t *testing.T) {
			inBubble(t, 3, func(t *testing.T, b *bubble) {
				b.put(90)
				var rows []item
				left := 0
				for _, shard := range []string{shard0, shard1, shard2} {
					all := b.sequences(shard)
					rows = append(rows, b.checkpoint(shard, all[4], time.Hour))
					left += len(all) - 5
				}
				b.began(rows...)
				b.cable = &cable{at: at}
				code, _, stderr := b.imports()
				wants(t, 1, code, stderr)
				if !b.cable.dead.Load() {
					t.Fatalf("nothing was cut: %s", stderr)
				}
				b.cable = nil
				code, out, stderr := b.imports()
				wants(t, 0, code, stderr)
				if !strings.Contains(out, "done: start the pipeline") && !strings.Contains(out, "nothing is left to do") {
					t.Error(out)
				}
				b.load()
				b.rows(left, left)
			})
		})
	}
}
