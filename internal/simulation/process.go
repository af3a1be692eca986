package simulation

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source/lease"
)

// service is one that a worker can be cut off from.
type service int

const (
	toDynamoDB service = iota
	toKinesis
	toSnowflake
	services
)

// worker is a machine with its clocks, on which one process after another runs.
type worker struct {
	s    *Simulation
	n    int
	name string
	p    *process // the last one; it may be dead
	life int

	until  time.Duration           // stopped by a signal, or suspended, until then
	asleep bool                    // suspended
	frozen time.Duration           // how far the monotonic clock lies behind because of suspensions
	skew   time.Duration           // of the wall clock
	fooled time.Duration           // until then one clock is wrong, so the other is left alone: nothing survives both at once
	cut    [services]time.Duration // cut off until then
	leaves bool                    // does not come back
}

// process is one life of a worker: the connector's own machines and what drives them. Whatever happens to it later is
// an event to it, so a crash ends it and a pause delays it.
type process struct {
	s         *Simulation
	w         *worker
	life      int
	dead      bool
	leases    *lease.Machine
	delivery  *delivery.Machine
	loader    *loader
	sessions  []*session
	acquiring map[string]bool // the shards of an Acquire that is under way
	aborted   bool            // others have ended its transaction
	deferred  []func()        // what happened to it while it did not run
	tipListed time.Duration   // when the stream last told it which shards are open

	readers map[string]*reader // by shard
	byGen   map[uint64]*reader // until its holding is over
	byRef   map[delivery.Ref]*reader
	batches map[delivery.BatchID]*batch
	byToken map[uint64]func(error)
	tokens  uint64

	pumping       bool
	leasesDue     bool
	deliveryDue   bool
	leaseAlarm    alarm
	deliveryAlarm alarm
	stopping      bool // SIGTERM came
	flushed       bool // and everything is committed
	dropped       bool // a batch, so some of what was read is not committed, and not told either
}

// start begins a new process.
func (w *worker) start() {
	s := w.s
	w.life++
	p := &process{
		s: s, w: w, life: w.life, readers: map[string]*reader{}, byGen: map[uint64]*reader{}, byRef: map[delivery.Ref]*reader{}, batches: map[delivery.BatchID]*batch{},
		byToken: map[uint64]func(error){},
	}
	w.p = p
	p.loader = &loader{p: p}
	p.leases = lease.NewMachine(lease.Config{
		Worker: w.name, Duration: s.plan.lease, Start: lease.Start{Position: s.plan.start()}, StreamCreated: 1,
		Seed: s.rng.Uint64(), Instance: fmt.Sprintf("%s.%d", w.name, w.life), Broken: s.opts.Broken,
	})
	p.delivery = delivery.New(delivery.Config{
		Interval: s.plan.interval, MaxBytes: 1 << 40, MaxRows: s.plan.maxRows, Gather: time.Second,
		Retry: 500 * time.Millisecond, MaxRetry: 30 * time.Second, Sort: severity, Broken: s.opts.Broken,
	})
	ids := 0
	p.loader.client = snowflake.NewClient(p, discard)
	p.loader.ledger = snowflake.NewLedger(p.loader.client, snowflake.LedgerOptions{
		Table: snowflake.Name{Database: "D", Schema: "S", Object: "T"}, Stream: streamID, Application: application,
		LockPatience: s.plan.lease, Log: discard, Broken: s.opts.Broken,
		NewID: func() string { ids++; return w.name + "." + strconv.Itoa(w.life) + "-" + strconv.Itoa(ids) },
		Watch: p.watch, Sleep: p.loader.sleep,
	})
	s.oracle.member()
	s.note(noteStart, int64(w.n), int64(w.life))
	if s.trace != nil {
		s.say("w%d starts, life %d", w.n, w.life)
	}
	p.leasesDue = true
	p.pump()
}

const (
	streamID    = "arn@1"
	application = "app"
)

var discard = slog.New(slog.DiscardHandler)

func severity(err error) delivery.Severity {
	switch {
	case sink.IsFinal(err):
		return delivery.Stop
	case sink.NeedsOperator(err):
		return delivery.Operator
	default:
		return delivery.Transient
	}
}

// after has do called in d, if the process lives then and once it runs.
func (p *process) after(d time.Duration, do func()) {
	p.s.push(event{at: p.s.now + max(d, 0), to: p, do: do})
}

// halt keeps a worker from running until then.
func (w *worker) halt(until time.Duration) {
	w.until = until
	w.s.after(until-w.s.now, func() {
		if w.s.now < w.until {
			return // halted again
		}
		w.asleep = false
		if p := w.p; p != nil {
			for _, do := range p.deferred {
				p.after(0, do)
			}
			p.deferred = nil
		}
	})
}

// clock reads the worker's clocks.
func (p *process) clock() lease.Instant {
	w := p.w
	return lease.Instant{Mono: w.s.now - w.frozen + time.Hour, Wall: epoch.Add(w.s.now + w.skew)}
}

func (p *process) mono() time.Duration { return p.clock().Mono }

// watch is the ledger's stopwatch.
func (p *process) watch() func() time.Duration {
	start := p.clock()
	return func() time.Duration { return p.clock().Since(start) }
}

// alarm is a timer by the worker's monotonic clock.
type alarm struct {
	mono  time.Duration // never when it is off
	fires time.Duration // the reading at which the event that is under way comes
	armed bool
	life  int
}

func (p *process) set(a *alarm, mono time.Duration, do func()) {
	a.mono = mono
	if mono == never || a.armed && a.fires <= mono {
		return
	}
	a.life++
	a.armed, a.fires = true, mono
	life := a.life
	p.after(mono-p.mono(), func() {
		if a.life != life {
			return
		}
		a.armed = false
		switch {
		case a.mono == never:
		case p.mono() < a.mono:
			p.set(a, a.mono, do)
		default:
			do()
		}
	})
}

// crash ends the process where it stands. What it has sent is on its way.
func (p *process) crash() {
	if p.dead {
		return
	}
	s := p.s
	s.note(noteCrash, int64(p.w.n))
	if s.trace != nil {
		s.say("w%d crashes", p.w.n)
	}
	s.oracle.died(p)
	p.dead = true
	p.loader.kill()
	for _, ss := range p.sessions {
		if !ss.cut {
			ss.cut = true
			ss.detach()
		}
	}
}

// terminate begins the graceful stop.
func (p *process) terminate() {
	if p.dead || p.stopping {
		return
	}
	s := p.s
	if s.trace != nil {
		s.say("w%d is told to stop", p.w.n)
	}
	p.stopping = true
	p.leases.Drain()
	for _, id := range sortedKeys(p.readers) {
		p.readers[id].end()
	}
	p.deliveryDue = true
	p.after(s.plan.shutdown, func() { // what is left is abandoned
		p.crash()
		s.again(p.w, s.upTo(20*time.Second))
	})
	p.ended()
	p.leasing()
}

// ended goes on with the graceful stop once every reader is closed.
func (p *process) ended() {
	if !p.stopping {
		return
	}
	for _, r := range p.readers {
		if !r.closed {
			return
		}
	}
	p.delivery.Stop(p.mono())
	p.deliveryDue = true
}

// stopped is the end of a graceful stop.
func (p *process) stopped() {
	s := p.s
	if s.trace != nil {
		s.say("w%d has stopped", p.w.n)
	}
	p.dead = true
	p.loader.kill()
	for _, ss := range p.sessions {
		ss.Close()
	}
	s.oracle.left(p)
}
