package lease

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kinesis-snowflake/internal/row"
)

type simWorker struct {
	s       *simulation
	id      int
	name    string
	life    int // counts restarts
	m       *Machine
	dead    bool
	until   time.Duration // paused or suspended until then
	frozen  time.Duration // how far the monotonic clock lies behind because of suspensions
	skew    time.Duration // of the wall clock
	fooled  time.Duration // until then one clock is wrong, so the other is left alone: no worker survives both at once
	version int           // of the wake-up that counts
	reads   map[string]*simReader
	stopped bool
}

// simReader is the user of one held lease.
type simReader struct {
	gen uint64
	at  int
	end bool
	// asked: another worker asked for it, so it reads no more.
	asked bool
	done  bool // what it has read is committed, or it was told that the lease is gone
}

// checkHandOver holds that a lease that is asked for goes over only when its user is done.
func (w *simWorker) checkHandOver(write Write) {
	u := write.Update
	if u == nil || u.If.CheckpointOwner != w.name || !u.Set.EndHandover || u.Set.Owner != nil || w.dead || !u.Holds(w.s.store.row(u.Key)) {
		return
	}
	if r := w.reads[u.Key]; r != nil && !r.done && !w.stopped {
		w.s.fail("%s hands %s over before what was read is committed", w.name, u.Key)
	}
}

func (w *simWorker) clock() Instant {
	at := w.s.now
	if at < w.until {
		at = w.until
	}
	return Instant{Mono: at - w.frozen + time.Hour, Wall: simEpoch.Add(at + w.skew)}
}

// alive runs do when the worker runs, if its process is still the same then.
func (w *simWorker) alive(do func()) func() {
	life := w.life
	var try func()
	try = func() {
		switch {
		case w.dead || w.life != life:
		case w.s.now < w.until:
			w.s.after(w.until-w.s.now, try)
		default:
			do()
		}
	}
	return try
}

func (w *simWorker) start() {
	w.life++
	w.dead, w.stopped, w.reads = false, false, map[string]*simReader{}
	w.m = NewMachine(Config{Worker: w.name, Duration: w.s.duration, Start: Start{Position: row.TrimHorizon}, StreamCreated: 1,
		Seed: w.s.rng.Uint64(), Broken: w.s.broken, Instance: fmt.Sprintf("%s.%d", w.name, w.life)})
	w.advance()
}

func (w *simWorker) advance() {
	s, now := w.s, w.clock()
	out := w.m.Advance(now)
	if out.Fatal != nil {
		s.fail("%s: %v", w.name, out.Fatal)
	}
	fmt.Fprintln(s.trace, s.now, w.name, len(out.Writes), len(out.Events), out.Scan, out.Wake)
	for _, write := range out.Writes {
		w.send(write)
	}
	for _, e := range out.Events {
		w.event(e)
	}
	if out.Scan {
		w.call(func() func(Instant, error) {
			scan, _ := s.store.Scan(context.Background())
			return func(now Instant, err error) { w.m.Scanned(now, scan, err) }
		})
	}
	if out.List != nil {
		w.call(func() func(Instant, error) {
			l := s.list(out.List.Start)
			return func(now Instant, err error) { w.m.Listed(now, *out.List, l, err) }
		})
	}
	if out.Stopped {
		w.dead = true
		s.after(s.duration, func() {
			if w.dead {
				w.start()
			}
		})
		return
	}
	w.version++
	version := w.version
	s.after(out.Wake-now.Mono, w.alive(func() {
		if version == w.version {
			w.advance()
		}
	}))
}

// call runs a reading with a delay each way.
func (w *simWorker) call(read func() func(Instant, error)) {
	w.s.after(w.s.latency(), func() {
		done := read()
		var err error
		if w.s.chance(20) {
			err = errors.New("reading failed")
		}
		w.s.after(w.s.latency(), w.alive(func() {
			done(w.clock(), err)
			w.advance()
		}))
	})
}

// send makes one attempt at a write. It may be refused at the door, may arrive late, and its answer may be lost.
func (w *simWorker) send(write Write) {
	s := w.s
	answered := false
	answer := func(l Lease, err error) func() {
		return w.alive(func() {
			if !answered {
				answered = true
				w.m.Wrote(w.clock(), write.ID, l, err)
				w.advance()
			}
		})
	}
	delay := s.latency()
	if s.chance(20) {
		delay = time.Duration(s.rng.IntN(int(s.duration))) // stuck in the network
	}
	if s.chance(15) {
		s.after(delay, answer(Lease{}, &Error{Op: "write", Class: ClassThrottled, Err: errors.New("throttled")}))
		return
	}
	s.after(s.duration/4, answer(Lease{}, &Error{Op: "write", Class: ClassRetry, Err: context.DeadlineExceeded}))
	if s.chance(30) {
		return // the request is lost
	}
	s.after(delay, func() {
		w.checkHandOver(write)
		l, err := s.apply(write)
		if s.chance(15) {
			return // the answer is lost
		}
		s.after(s.latency(), answer(l, err))
	})
}

func (w *simWorker) event(e Event) {
	s := w.s
	switch e.Kind {
	case Opened:
		for _, p := range s.stream[e.Key].Parents {
			if !s.store.row(p).Finished() {
				s.fail("%s opened %s before its parent %s ended", w.name, e.Key, p)
			}
		}
		if r := w.reads[e.Key]; r != nil {
			s.fail("%s opened %s again before it was closed", w.name, e.Key)
		}
		if e.Lease.Checkpoint.Compare(s.written[e.Key]) < 0 {
			s.fail("%s begins %s at %v, and %v was written", w.name, e.Key, e.Lease.Checkpoint, s.written[e.Key])
		}
		s.taken[e.Key] = true
		at, _ := strconv.Atoi(e.Lease.Checkpoint.Sequence)
		r := &simReader{gen: e.Gen, at: at}
		w.reads[e.Key] = r
		w.read(e.Key, r)
	case Asked:
		r := w.reads[e.Key]
		if r == nil || r.gen != e.Gen || r.asked {
			s.fail("%s was asked for %s that it does not read, or twice", w.name, e.Key)
			return
		}
		r.asked = true
		drain := time.Duration(s.rng.IntN(int(4 * time.Second)))
		if s.chance(8) {
			drain = HandOverTimeout + time.Duration(s.rng.IntN(int(s.duration)))
		}
		s.after(drain, w.alive(func() {
			r.done = true
			w.m.HandOver(w.clock(), e.Key, e.Gen)
			w.advance()
		}))
	case Gone, Ended:
		if r := w.reads[e.Key]; r != nil {
			r.done = true
		}
		if e.Kind == Ended && !s.store.row(e.Key).Finished() {
			s.fail("%s was told that %s has ended", w.name, e.Key)
		}
		s.after(time.Duration(s.rng.IntN(int(3*time.Second))), w.alive(func() {
			delete(w.reads, e.Key)
			w.m.Closed(w.clock(), e.Key, e.Gen)
			w.advance()
		}))
	}
}

// read commits a record now and then, and ends a shard that is read to its end.
func (w *simWorker) read(key string, r *simReader) {
	s := w.s
	s.after(time.Duration(s.rng.IntN(int(2*time.Second))), w.alive(func() {
		if w.reads[key] != r || r.end || r.asked {
			return
		}
		end, ends := s.ends[key]
		switch {
		case ends && r.at >= end:
			r.end = true
			var children []Shard
			for _, id := range sortedKeys(s.stream) {
				if slices.Contains(s.stream[id].Parents, key) && s.rng.IntN(2) == 0 {
					children = nil // as from a server that names no children
					break
				} else if slices.Contains(s.stream[id].Parents, key) {
					children = append(children, s.stream[id])
				}
			}
			w.m.Finish(w.clock(), key, r.gen, children)
		default:
			r.at++
			w.m.Checkpoint(w.clock(), key, r.gen, row.Position{Sequence: strconv.Itoa(r.at)})
		}
		w.advance()
		w.read(key, r)
	}))
}
