package kinesis

import "time"

// Limits says which of the service's rates are enforced over the wire.
type Limits struct {
	Reads   bool // per shard: 5 GetRecords and 5 GetShardIterator calls a second, 2 MiB/s; per consumer and shard: 2 MiB/s
	Writes  bool // per shard: 1,000 records/s and 1 MiB/s
	Control bool // per account or stream: calls a second of the other operations; per consumer and shard: 1 SubscribeToShard
}

// AllLimits is the default: the service as it is.
func AllLimits() Limits { return Limits{Reads: true, Writes: true, Control: true} }

const (
	readRate       = 2 << 20 // bytes a second and shard
	writeRate      = 1 << 20
	recordRate     = 1000
	shardCallRate  = 5
	maxAnswer      = 10 << 20
	maxAnswerCount = 10_000
	maxRequest     = 10 << 20
	maxEntries     = 500
)

// controlRates are calls a second, as the API reference gives them on each operation's page; per stream for those in
// streamRates, per account for the rest. 0 or absent means not limited here.
var controlRates = map[string]int{
	"CreateStream": 5, "DeleteStream": 5, "ListStreams": 5, "DescribeStream": 10, "DescribeStreamSummary": 20,
	"SplitShard": 5, "MergeShards": 5, "UpdateShardCount": 10, "ListShards": 1000,
	"IncreaseStreamRetentionPeriod": 5, "DecreaseStreamRetentionPeriod": 5,
	"RegisterStreamConsumer": 5, "DeregisterStreamConsumer": 5, "ListStreamConsumers": 5, "DescribeStreamConsumer": 20,
}

var streamRates = map[string]bool{"ListShards": true, "DeregisterStreamConsumer": true, "ListStreamConsumers": true, "DescribeStreamConsumer": true}

// callWindow admits n calls in any second. Refused calls do not count.
type callWindow struct {
	at   []time.Time
	next int
}

func (w *callWindow) allow(now time.Time, n int) bool {
	if len(w.at) < n {
		w.at = append(w.at, now)
		return true
	}
	if now.Sub(w.at[w.next]) < time.Second {
		return false
	}
	w.at[w.next] = now
	w.next = (w.next + 1) % n
	return true
}

// bucket holds up to one second's worth of a rate. It may go below zero: a record above the rate is let through
// when the bucket is full and blocks what follows, as the service describes bursts of large records.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) fill(now time.Time, rate float64) {
	if b.at.IsZero() {
		b.tokens = rate
	} else if d := now.Sub(b.at); d > 0 {
		b.tokens = min(rate, b.tokens+d.Seconds()*rate)
	}
	b.at = now
}

// until is how long it takes until something can be spent, 0 when it can now.
func (b *bucket) until(rate float64) time.Duration {
	if b.tokens > 0 {
		return 0
	}
	return max(time.Nanosecond, time.Duration(-b.tokens/rate*float64(time.Second))+time.Nanosecond)
}

// holds reports whether cost can be paid now.
func (b *bucket) holds(cost, rate float64) bool { return b.tokens >= min(cost, rate) }

// readMeter enforces a shard's read throughput. An answer is never cut short for it; the calls after it pay.
type readMeter struct {
	bucket
	blocked time.Time
}

func (m *readMeter) allow(now time.Time) bool {
	m.fill(now, readRate)
	return !now.Before(m.blocked) && m.tokens > 0
}

// spend books an answer. One above a second's worth blocks the shard for as long as its bytes take at the limit: 5 s
// after 10 MiB.
func (m *readMeter) spend(now time.Time, n int) {
	m.tokens -= float64(n)
	if n >= readRate {
		m.blocked = now.Add(time.Duration(float64(n) / readRate * float64(time.Second)))
		m.tokens = max(m.tokens, 0)
	}
}
