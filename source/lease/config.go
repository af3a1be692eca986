package lease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Lister lists the shards of the stream.
type Lister interface {
	// ListShards returns all pages of ListShards: with a nil start every shard that the stream still has, else those
	// that were open at the start (AT_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP). A stream without shards is an error.
	// Errors that repeating does not cure wrap ErrPermanent; all others are tried again.
	ListShards(ctx context.Context, start *Start) (Listing, error)
}

// Listing is an answer of a [Lister].
type Listing struct {
	Shards []Shard
	// Time is when the listing began, by the earlier of this machine's clock and the service's Date header. It is
	// remembered as the start of a LATEST reader.
	Time time.Time
}

// Clock reads both clocks of the machine.
type Clock interface{ Now() Instant }

// Config configures a [Coordinator].
type Config struct {
	// Worker is this worker's id, unique among the workers of the table. Required.
	Worker string
	// Duration of a lease: 10s when zero, 1s at least. All workers of a table, KCL's included (failoverTimeMillis), must
	// have the same; a shorter one takes leases from living workers.
	Duration time.Duration
	// Start is where a stream without leases is begun; TRIM_HORIZON when zero.
	Start Start
	// StreamCreated is the stream's creation time in Unix seconds, written into the rows; rows of another one are
	// refused. 0 leaves it out and checks nothing.
	StreamCreated int64
	// Offsets names shards that have offsets in Snowflake. A first sync makes leases for those of them that the
	// stream still lists, also where Start alone would not.
	Offsets []string
	// Logger receives what happens to leases; slog.Default() when nil.
	Logger *slog.Logger
	// Trouble hears why calls fail, again and again while they do, and nil once one succeeds. It is called from several
	// goroutines and must not block. May be nil.
	Trouble func(error)
	// Clock is the machine's own clock when nil.
	Clock Clock
	// Seed of the jitter of renewals, scans and back-off; random when zero.
	Seed uint64
	// Instance is a string that no other process ever had, the first part of every write's nonce; random when empty.
	Instance string
	// Broken names rules that a test breaks.
	Broken mutant.Set
}

// DefaultDuration is KCL's failoverTimeMillis.
const DefaultDuration = 10 * time.Second

// MinDuration keeps a third of the duration, within which a renewal must be answered, far above DynamoDB's latency.
const MinDuration = time.Second

func (c *Config) validate() error {
	c.Duration = cmp.Or(c.Duration, DefaultDuration)
	c.Start.Position = cmp.Or(c.Start.Position, row.TrimHorizon)
	switch {
	case c.Worker == "":
		return errors.New("worker id is empty")
	case c.Duration < MinDuration:
		return fmt.Errorf("lease duration %v is below %v", c.Duration, MinDuration)
	}
	switch c.Start.Position {
	case row.TrimHorizon, row.Latest:
	case row.AtTimestamp:
		if c.Start.Time.IsZero() {
			return errors.New("start position AT_TIMESTAMP has no time")
		}
	default:
		return fmt.Errorf("start position %q is not one of TRIM_HORIZON, LATEST, AT_TIMESTAMP", c.Start.Position)
	}
	return nil
}
