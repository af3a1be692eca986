package simulation

import (
	"time"

	"kinesis-snowflake/internal/row"
)

// plan is what a seed draws before anything happens: sizes and paces.
type plan struct {
	workers, shards int
	lease           time.Duration // its duration, and the patience with locks
	interval        time.Duration // of batches
	maxRows         int64
	poll            time.Duration
	limit           int           // records in an answer
	every           time.Duration // mean between two records of a shard
	backlog         time.Duration // how old the stream is when the first worker comes
	produce         time.Duration // until producers stop
	calm            time.Duration // from here on nothing fails
	reshard         time.Duration // mean between reshards; 0 for none
	reshards        int           // shards that one of them touches at most
	retention       time.Duration
	lockTimeout     time.Duration
	shutdown        time.Duration
	latest          bool // the first worker begins at the tip
	kcl             bool // a stopped KCL application has left leases, checkpoints inside of aggregates among them
	quiet           bool // workers come, go and die, and nothing else happens
}

// faults are how often things go wrong: once in so many; 0 for never.
type faults struct {
	throttles int // calls refused, or failed without effect
	losses    int // requests or answers lost
	delays    int // slow ones
	spool     int // answers that could not be spooled
	hands     int // statements of a commit, after which somebody ends its transaction
	moments   int // statements that take the offsets' lock, after which their worker stops running for a while
	trouble   time.Duration
}

// kinds of faults that come of themselves.
type trouble int

const (
	pauses trouble = iota
	suspends
	crashes
	stops
	jumps
	joins
	partitions
	outages
	troubles
)

// bigEvery is how often a seed simulates a large fleet.
const bigEvery = 100

func (s *Simulation) draw() {
	r := s.rng
	p := &s.plan
	p.lease = 10 * time.Second
	p.workers, p.shards = 3+r.IntN(6), 8+r.IntN(57)
	p.produce = s.between(4*time.Minute, 8*time.Minute)
	p.poll = s.between(time.Second, 3*time.Second)
	p.every = s.between(500*time.Millisecond, 6*time.Second)
	p.interval = s.between(2*time.Second, 25*time.Second)
	p.maxRows = 50 + r.Int64N(2000)
	p.limit = 5 + r.IntN(100)
	p.backlog = 1 + s.upTo(time.Minute)
	p.reshards = 2
	p.retention = s.between(30*time.Second, 4*time.Minute)
	p.lockTimeout = s.between(3*time.Second, 15*time.Second)
	p.shutdown = 30 * time.Second
	if !s.once(4) {
		p.reshard = s.between(20*time.Second, 2*time.Minute)
	}
	p.kcl = s.once(4)
	p.latest = !p.kcl && s.once(4)
	if s.once(5) {
		p.reshards = p.shards
		p.reshard *= 3
	}
	if s.opts.Seed%bigEvery == 0 {
		p.workers, p.shards = 50, 1000
		p.produce = 3 * time.Minute
		p.poll = s.between(4*time.Second, 8*time.Second)
		p.every = s.between(2*time.Second, 10*time.Second)
		p.interval = s.between(10*time.Second, 30*time.Second)
		p.maxRows = 20000
		p.reshards = 1 + r.IntN(50)
	}
	p.calm = p.produce
	p.quiet = s.opts.Seed%8 == 3
	s.faults = faults{trouble: s.between(3*time.Second, 30*time.Second)}
	if p.quiet {
		s.faults.trouble *= 2
		return
	}
	rate := func() int {
		if s.once(4) {
			return 0
		}
		return 20 + r.IntN(400)
	}
	s.faults.throttles, s.faults.losses, s.faults.delays = rate(), rate(), rate()
	if s.once(3) {
		s.faults.hands = 50 + r.IntN(200)
	}
	if s.once(2) {
		s.faults.moments = 10 + r.IntN(100)
	}
	if s.once(2) {
		s.faults.spool = 20 + r.IntN(500)
	}
}

// pace returns the time between two records of a new shard: some shards are busy, some are nearly idle.
func (s *Simulation) pace() time.Duration {
	switch s.rng.IntN(5) {
	case 0:
		return s.plan.every * 20
	case 1:
		return s.plan.every / 4
	default:
		return s.between(s.plan.every/2, s.plan.every*2)
	}
}

// start returns where the stream is begun.
func (p *plan) start() string {
	if p.latest {
		return row.Latest
	}
	return row.TrimHorizon
}

// latency returns how long a call takes one way.
func (s *Simulation) latency() time.Duration { return s.between(time.Millisecond, 30*time.Millisecond) }
