package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// family is a stream whose first shard was split, all of it loaded: shard0 is finished, shard1 and shard2 are its children.
func family(t *testing.T, f func(t *testing.T, b *bubble)) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(40)
		if _, _, err := b.kinesis.Split(ordersStream, shard0); err != nil {
			t.Fatal(err)
		}
		b.put(60)
		b.load()
		b.rows(100, 100)
		f(t, b)
	})
}

func TestResetOfAFamilyReadsParentsFirst(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		if strings.Index(out, shard0+": reset") > strings.Index(out, shard1+": reset") {
			t.Errorf("the child was reset before its parent:\n%s", out)
		}
		code, out, stderr = b.leases("list", "-c", b.file, "--no-lag")
		wants(t, 0, code, stderr)
		has(t, out, shard0+"  unread", shard1+"  blocked", shard2+"  blocked")
		b.load()
		b.rows(200, 100)
		if got := b.item(shard0)["checkpoint"].Text; got != "SHARD_END" {
			t.Errorf("the parent's checkpoint is %s", got)
		}
	})
}

func TestResetOfAParentTakesItsChildrenAlong(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--shard", shard0, "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "add --shard "+shard1+" --shard "+shard2)
		code, _, stderr = b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--shard", shard0, "--shard", shard1, "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "add --shard "+shard2+",")
		if got := b.item(shard0)["checkpoint"].Text; got != "SHARD_END" {
			t.Errorf("the parent's checkpoint is %s", got)
		}
		// A child alone: its parent stays finished.
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--shard", shard2, "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "snowflake: the offsets of 1 shards are reset")
		b.load()
		b.rows(100+len(b.sequences(shard2)), 100)
	})
}

// Two generations on, the first shard's lease is deleted while the stream still has the shard. A reset brings it back.
func TestResetOfShardsWhoseLeasesWereDeleted(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		for _, shard := range []string{shard1, shard2} {
			if _, _, err := b.kinesis.Split(ordersStream, shard); err != nil {
				t.Fatal(err)
			}
		}
		b.put(80)
		end := b.start("host-a", false)
		<-time.After(15 * time.Minute)
		end()
		b.rows(180, 180)
		for _, it := range b.dynamodb.Items(ordersApp) {
			if it["leaseKey"].Text == shard0 {
				t.Fatal("the lease is still there, so this proves nothing")
			}
		}
		code, out, stderr := b.leases("list", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, shard0+"  cleaned", shard1+"  finished")
		code, _, stderr = b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--shard", shard0, "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "add --shard "+shard1+" --shard "+shard2+" --shard "+shard3+" --shard "+shard4)
		code, out, stderr = b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, shard0+": lease made", shard1+": reset")
		b.load()
		b.rows(360, 180)
		code, _, stderr = b.leases("reset", "-c", b.file, "--to", "LATEST", "--yes")
		wants(t, 0, code, stderr)
		b.put(20)
		b.load()
		b.rows(380, 200)
	})
}

func TestResetOfShardsThatCannotBe(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		for want, args := range map[string][]string{
			"has no shard shardId-7": {"--to", "TRIM_HORIZON", "--shard", "shardId-7"},
			"shard " + shard0 + " is finished, so nothing new comes in it": {"--to", "LATEST", "--shard", shard0},
		} {
			code, _, stderr := b.leases(append([]string{"reset", "-c", b.file, "--yes"}, args...)...)
			wants(t, 1, code, stderr)
			has(t, stderr, want)
		}
		b.write(ordersApp, item{"leaseKey": "shardId-000000000098", "leaseCounter": 1, "checkpoint": "somewhere"})
		code, _, stderr := b.leases("reset", "-c", b.file, "--yes", "--to", "TRIM_HORIZON")
		wants(t, 1, code, stderr)
		has(t, stderr, `row "shardId-000000000098" of the lease table cannot be read`, "mend it or delete it first")
	})
}

// LATEST leaves finished shards finished; open ones begin at the reset's time.
func TestResetOfAFamilyToLatest(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		b.put(30)
		<-time.After(5 * time.Second)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "LATEST", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "left as it is: finished, so nothing new comes in it")
		<-time.After(5 * time.Second)
		b.put(30)
		b.load()
		b.rows(130, 130)
	})
}

// Shards that were split while nobody read them have no leases yet. What they hold is left out too.
func TestResetToLatestOfShardsThatNobodyHasSeen(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(20)
		b.load()
		for _, shard := range []string{shard0, shard1} {
			if _, _, err := b.kinesis.Split(ordersStream, shard); err != nil {
				t.Fatal(err)
			}
			b.put(40)
		}
		<-time.After(5 * time.Second)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "LATEST", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, shard1+": lease made")
		<-time.After(5 * time.Second)
		b.put(30)
		<-time.After(5 * time.Second)
		b.load()
		b.rows(50, 50)
	})
}

// A lease table that was deleted is made again, and the offsets that stand in the way of a second load go back.
func TestResetWithoutALeaseTable(t *testing.T) {
	family(t, func(t *testing.T, b *bubble) {
		b.drop(ordersApp)
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "lease table orders-to-snowflake does not exist, and is made", shard1+": lease made", "no lease")
		b.load()
		b.rows(200, 100)
	})
}

// A stream that was deleted and made again has shards of the same names. Its leases are taken over by the new one.
func TestResetAfterTheStreamWasMadeAgain(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bubble) {
		b.put(60)
		b.load()
		if err := b.kinesis.DeleteStream(ordersStream); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		if err := b.kinesis.CreateStream(ordersStream, 2); err != nil {
			t.Fatal(err)
		}
		b.put(50)
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--shard", shard0, "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "some shards alone cannot be reset: leave --shard out")
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, "was deleted and made again", shard2+": lease removed", shard0+": reset", "No row of "+ordersTable+" comes a second time.")
		b.load()
		b.rows(110, 110)
	})
}

// Offsets that were dropped stop a pipeline for good; a reset is the way on.
func TestResetAfterTheOffsetsWereDropped(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(30)
		b.load()
		if _, err := b.snowflake.Exec(t.Context(), `DROP TABLE "RAW"."KINESIS"."ORDERS$OFFSETS"`); err != nil {
			t.Fatal(err)
		}
		code, out, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 0, code, stderr)
		has(t, out, `the leases remember offsets, and "RAW"."KINESIS"."ORDERS$OFFSETS" is not there`, "UNDROP TABLE", "the offsets of 0 shards are reset")
		b.load()
		b.rows(60, 30)
	})
}

func TestResetLeavesAnotherApplicationsTableAlone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(30)
		b.load()
		if _, err := b.snowflake.Exec(t.Context(), `UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "APPLICATION" = 'theirs'`); err != nil {
			t.Fatal(err)
		}
		counter := b.item(shard0)["leaseCounter"].Text
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, `belongs to application "theirs"`)
		if got := b.item(shard0)["leaseCounter"].Text; got != counter {
			t.Error("the lease was written")
		}
	})
}

// A worker that lost its way to DynamoDB, and counts as dead, may still take a shard's offset in Snowflake while the leases
// are reset. The reset finds it out.
func TestResetMeetsAZombie(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(30)
		b.load()
		b.meanwhile(func() {
			if _, err := b.snowflake.Exec(t.Context(), `UPDATE "RAW"."KINESIS"."ORDERS$OFFSETS" SET "EPOCH" = "EPOCH" + 1, "OWNER" = 'zombie' WHERE "SHARD" <> '*'`); err != nil {
				t.Error(err)
			}
		})
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, fmt.Sprintf("a worker took the offset of shard %s while it was reset", shard0))
	})
}

// A lease that was written to meanwhile, whoever has it now, is not written.
func TestResetMeetsAnotherWrite(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(30)
		b.load()
		b.meanwhile(func() { b.raise(shard0) })
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, "row has changed", "0 of 1 shards are done")
		if got := b.item(shard0)["checkpoint"].Text; got == "TRIM_HORIZON" {
			t.Error("the lease was written")
		}
	})
}

// A worker that takes a lease between the offsets' reset and the lease's own keeps it.
func TestResetMeetsAWorkerThatStarts(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(30)
		b.load()
		b.meanwhile(func() { b.own(shard1, "starter", "") })
		code, _, stderr := b.leases("reset", "-c", b.file, "--to", "TRIM_HORIZON", "--yes")
		wants(t, 1, code, stderr)
		has(t, stderr, `owner "starter"`, "a worker was started meanwhile; stop it", "1 of 2 shards are done")
		if got := b.item(shard1); got["leaseOwner"].Text != "starter" || got["checkpoint"].Text == "TRIM_HORIZON" {
			t.Errorf("the started worker's lease was written: %v", got)
		}
	})
}
