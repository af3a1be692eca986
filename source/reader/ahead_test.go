package reader

import (
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
)

// LATEST was remembered as the time of a clock that is ahead of the service's, which refuses the future.
func TestLatestOfAClockAheadIsWaitedFor(t *testing.T) {
	bothWays(t, standin.Options{}, func(t *testing.T, r *rig) {
		r.cfg.Start = row.Position{Sequence: row.Latest}
		r.cfg.StartTime = time.Now().Add(2 * time.Second)
		if err := r.read(time.Minute); err != nil {
			t.Fatalf("reading ended: %v", err)
		}
	})
}
