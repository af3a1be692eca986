package simulation

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// loop is the one thread of a simulation: what is to happen next, in the order of time, and of begin at equal times.
type loop struct {
	now    time.Duration
	rng    *rand.Rand
	queue  []event
	seq    uint64
	hash   uint64    // of all that has happened
	trace  io.Writer // nil when nobody reads it
	events int
}

// event is something that will happen: to a process, if there is one and it still lives then.
type event struct {
	at  time.Duration
	seq uint64
	to  *process
	do  func()
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.seq < f.seq }

// after has do called in d.
func (l *loop) after(d time.Duration, do func()) { l.push(event{at: l.now + max(d, 0), do: do}) }

func (l *loop) push(e event) {
	l.seq++
	e.seq = l.seq
	l.queue = append(l.queue, e)
	q := l.queue
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !q[i].before(&q[up]) {
			break
		}
		q[i], q[up] = q[up], q[i]
		i = up
	}
}

func (l *loop) pop() event {
	q := l.queue
	top := q[0]
	last := len(q) - 1
	moved := q[last]
	q[last] = event{}
	q = q[:last]
	i := 0
	for {
		least := 4*i + 1
		if least >= last {
			break
		}
		for c := least + 1; c < min(4*i+5, last); c++ {
			if q[c].before(&q[least]) {
				least = c
			}
		}
		if !q[least].before(&moved) {
			break
		}
		q[i] = q[least]
		i = least
	}
	if last > 0 {
		q[i] = moved
	}
	l.queue = q
	return top
}

// until lets everything happen that is due by then, or until failed says so.
func (l *loop) until(then time.Duration, failed func() bool) {
	for len(l.queue) > 0 && l.queue[0].at <= then && !failed() {
		e := l.pop()
		l.now = e.at
		l.events++
		l.mix(uint64(e.at))
		l.mix(e.seq)
		if p := e.to; p != nil {
			switch {
			case p.dead:
				continue
			case l.now < p.w.until:
				p.deferred = append(p.deferred, e.do)
				continue
			}
		}
		e.do()
	}
	l.now = max(l.now, then)
}

// mix adds a number to the hash.
func (l *loop) mix(n uint64) { l.hash = (l.hash ^ n) * 0x9E3779B97F4A7C15; l.hash ^= l.hash >> 29 }

// note adds numbers to the hash; the first says what happened.
func (l *loop) note(what int, ns ...int64) {
	l.mix(uint64(what))
	for _, n := range ns {
		l.mix(uint64(n))
	}
}

// say writes a line of the trace. Callers ask first whether there is one, as arguments cost.
func (l *loop) say(format string, args ...any) {
	fmt.Fprintf(l.trace, "%12s  %s\n", l.now, fmt.Sprintf(format, args...))
}

// upTo returns a random duration below d.
func (l *loop) upTo(d time.Duration) time.Duration { return time.Duration(l.rng.Int64N(int64(d))) }

// between returns a random duration from a to below b.
func (l *loop) between(a, b time.Duration) time.Duration { return a + l.upTo(b-a) }

// often returns a random exponentially distributed pause of that mean.
func (l *loop) often(mean time.Duration) time.Duration {
	return time.Duration(l.rng.ExpFloat64() * float64(mean))
}

// once is true once in n times on average; never when n is 0.
func (l *loop) once(n int) bool { return n > 0 && l.rng.IntN(n) == 0 }
