package reader

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// callSpacing keeps to the 5 calls a second and shard that GetRecords and GetShardIterator each allow.
	callSpacing = 200 * time.Millisecond
	// readRate is the bytes a second and shard that all polling consumers share, keys included.
	readRate = 2 << 20
)

// spacing is the time between the answer to a call and the next call.
func spacing(bytes int) time.Duration {
	return max(callSpacing, time.Duration(float64(bytes)/readRate*float64(time.Second)))
}

// backoff grows with the failures in a row, and is jittered so that the shards of a stream do not come back at once.
type backoff struct{ failures int }

// next returns how long to wait after one more failure.
func (b *backoff) next(class Class) time.Duration {
	least, most := 200*time.Millisecond, 10*time.Second
	switch class {
	case ClassThrottled:
		// The service refuses for up to 5 s after an answer of 10 MiB to another consumer.
		least, most = 500*time.Millisecond, 5*time.Second
	case ClassKey:
		// Waits for a person.
		least, most = 10*time.Second, time.Minute
	}
	d := min(most, least<<min(b.failures, 10))
	b.failures++
	return d/2 + rand.N(d/2) + callSpacing/2
}

// pause waits until at, or for the end of ctx.
func pause(ctx context.Context, at time.Time) error {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause waits d, or returns ctx's error if that ends first.
func Pause(ctx context.Context, d time.Duration) error { return pause(ctx, time.Now().Add(d)) }
