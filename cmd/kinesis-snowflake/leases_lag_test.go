package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

// The lag of a checkpoint is asked of the stream. What keeps it from being known is said in its place, and keeps nothing
// else from being shown.
func TestLeasesListAsksForTheLag(t *testing.T) {
	for name, tt := range map[string]struct {
		hook func(kinesis.Call) *kinesis.Fault
		want string
	}{
		"at once":   {nil, "  3m10s "},
		"throttled": {throws("GetRecords", "ProvisionedThroughputExceededException", 1), "  3m1"},
		"denied":    {throws("GetRecords", "AccessDeniedException", 99), "\n\n? AccessDeniedException: the lag of 1 shard is not known: get records of shard " + shard0 + ": AccessDeniedException: no; allow the IAM action kinesis:GetRecords on stream orders\n"},
		"gone":      {throws("GetShardIterator", "ResourceNotFoundException", 99), "? gone: the lag of 1 shard is not known: gone from the stream\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, b *bubble) {
				b.put(20)
				b.load()
				b.put(1)
				<-time.After(3*time.Minute + 10*time.Second)
				b.kinesis.SetHooks(kinesis.Hooks{Before: tt.hook})
				code, out, stderr := b.leases("list", "-c", b.file)
				wants(t, 0, code, stderr)
				has(t, out, tt.want, shard0)
			})
		})
	}
}

// A stream that is not there is a fault of the file, not of each of its shards.
func TestLeasesListOfAStreamThatIsNotThere(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(1)
		b.load()
		b.kinesis.SetHooks(kinesis.Hooks{Before: func(kinesis.Call) *kinesis.Fault {
			return kinesis.Throw("ResourceNotFoundException", "Stream orders not found.")
		}})
		code, out, stderr := b.leases("list", "-c", b.file)
		wants(t, 1, code, stderr)
		has(t, stderr, "stream orders does not exist in us-east-1: ", "not found; check the name of stream orders, region and account\n")
		if out != "" {
			t.Error(out)
		}
		b.kinesis.SetHooks(kinesis.Hooks{Before: throws("ListShards", "AccessDeniedException", 99)})
		code, out, stderr = b.leases("list", "-c", b.file)
		wants(t, 0, code, stderr)
		has(t, out, "note: the stream's shards could not be listed: ", shard0)
	})
}

// However long an error is, the table stays as wide as its cells, and the worst of lags that are not all known is not told as
// if it were.
func TestLagsThatAreNotKnownLeaveTheTableReadable(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(20)
		b.load()
		list := func(lost string) string {
			b.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
				if c.Op == "GetRecords" && strings.HasSuffix(c.Shard, lost) {
					return kinesis.Throw("ProvisionedThroughputExceededException", strings.Repeat("rate exceeded ", 20))
				}
				return nil
			}})
			code, out, stderr := b.leases("list", "-c", b.file)
			wants(t, 0, code, stderr)
			table, _, _ := strings.Cut(out, "\n? ")
			for line := range strings.Lines(table) {
				if len(line) > 220 {
					t.Errorf("%d characters: %s", len(line), line)
				}
			}
			return out
		}
		out := list("")
		has(t, out, "  ? throttled  ", "\n? throttled: the lag of 2 shards is not known: get records of shard "+shard0)
		if !regexp.MustCompile(`\(no owner\) +- +2 +0 +0 +\?\n`).MatchString(out) {
			t.Errorf("MOST LAG is not ?:\n%s", out)
		}
		if out = list("1"); !regexp.MustCompile(`\(no owner\) +- +2 +0 +0 +>=0s\n`).MatchString(out) {
			t.Errorf("MOST LAG is not the least it can be:\n%s", out)
		}
	})
}

// throws answers the first n calls of an operation with an error.
func throws(op, code string, n int) func(kinesis.Call) *kinesis.Fault {
	return func(c kinesis.Call) *kinesis.Fault {
		if c.Op != op || n == 0 {
			return nil
		}
		n--
		return kinesis.Throw(code, "no")
	}
}
