package main

import (
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
		"denied":    {throws("GetRecords", "AccessDeniedException", 99), "? (get records of shard " + shard0 + ": AccessDeniedException: no; allow the IAM action kinesis:GetRecords on stream orders)"},
		"gone":      {throws("GetShardIterator", "ResourceNotFoundException", 99), "? (gone from the stream)"},
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
