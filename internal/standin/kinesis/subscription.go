package kinesis

import (
	"context"
	"errors"
	"io"
	"time"
)

// subscription is one answer to SubscribeToShard. Its next method makes the frames, one at a time and only when one is
// asked for, so what a slow client leaves unread is records in the log, never frames in memory.
type subscription struct {
	server      *Server
	incarnation uint64
	shard       *shard
	consumer    *consumer
	seat        *seat
	number      int // running number of the server's subscriptions
	began       time.Time

	started bool // the initial response is sent
	stalled bool
	over    bool // the last frame is sent

	// Guarded by the stream's lock.
	index  uint64    // least index of the records still to be sent
	due    time.Time // an event, be it empty, is sent by then
	events int
	sent   int // records
	ending *Error
}

// end has the subscription close with an exception. The caller holds the stream's lock.
func (u *subscription) end(why *Error) {
	if u.ending == nil {
		u.ending = why
	}
	if u.seat.sub == u {
		u.seat.sub = nil
	}
	u.shard.wake()
}

// leave gives the seat up when the client is gone. The time of the call that took it stays.
func (u *subscription) leave() {
	st, _ := u.server.lockIncarnation(u.incarnation, u.server.opt.Clock())
	if st == nil {
		return
	}
	defer st.mu.Unlock()
	if u.seat.sub == u {
		u.seat.sub = nil
	}
}

// next appends the next frame to dst, when it is due. It returns io.EOF after the last one, errCut where the connection is
// to be broken after what it returns, and the context's error when the client is gone.
func (u *subscription) next(ctx context.Context, dst []byte) ([]byte, error) {
	switch {
	case u.stalled:
		<-ctx.Done()
		return dst, ctx.Err()
	case u.over:
		return dst, io.EOF
	case !u.started:
		u.started = true
		return initialFrame(dst), nil
	}
	for {
		e, err := u.poll()
		if err != nil {
			u.over = true
			u.leave()
			if exception, ok := errors.AsType[*Error](err); ok {
				return exceptionFrame(dst, exception), nil
			}
			return dst, err
		}
		if e.ready {
			return u.write(ctx, e, dst)
		}
		alarm, stop := u.server.opt.Alarm(e.until)
		select {
		case <-e.woken:
		case <-alarm:
		case <-ctx.Done():
			stop()
			return dst, ctx.Err()
		}
		stop()
	}
}

// event is a frame to be, or what to wait for until there is one.
type event struct {
	batch
	ready bool
	last  bool
	n     int // in its subscription, from 1

	until time.Time
	woken <-chan struct{}
}

// poll looks whether an event is due, and takes its records. Its error is io.EOF when the subscription's time is up.
func (u *subscription) poll() (event, error) {
	now := u.server.opt.Clock()
	st, name := u.server.lockIncarnation(u.incarnation, now)
	if st == nil {
		return event{}, notFound("Stream %s under account %s not found.", name, u.server.opt.Account)
	}
	defer st.mu.Unlock()
	h := u.shard
	switch expires := u.began.Add(subscriptionLife); {
	case u.ending != nil:
		return event{}, u.ending
	case !now.Before(expires):
		return event{}, io.EOF
	case st.kmsError() != nil:
		return event{}, st.kmsError()
	case h.expired:
		return event{}, st.noShard(h.id)
	}
	limited := u.server.enforced().Reads
	u.seat.meter.fill(now, readRate)
	from := h.log.from(u.index)
	pending := from < len(h.log.entries)
	on := now
	if pending {
		if on = time.UnixMilli(h.log.entries[from].arrival).Add(u.server.opt.Propagation); limited {
			on = latest(on, now.Add(u.seat.meter.until(readRate)))
		}
	}
	switch {
	case (pending || !h.open()) && !on.After(now):
		most := eventBytes
		if limited {
			most = max(1, min(most, int(u.seat.meter.tokens)))
		}
		return u.take(st, from, most, now), nil
	case !now.Before(u.due):
		return u.take(st, from, 0, now), nil
	}
	e := event{until: earliest(u.due, u.began.Add(subscriptionLife)), woken: h.woken()}
	if pending {
		e.until = earliest(e.until, on)
	}
	for _, at := range []int64{st.updating, st.deleting} {
		if at != 0 {
			e.until = earliest(e.until, time.UnixMilli(at))
		}
	}
	return e, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// take makes an event of the records from a place in the log on, of at most so many bytes, or one.
func (u *subscription) take(st *stream, from, most int, now time.Time) event {
	h := u.shard
	to, size := from, 0
	for to < len(h.log.entries) && to-from < maxAnswerCount && most > 0 {
		n := h.log.entries[to].size()
		if to > from && size+n > most {
			break
		}
		size += n
		to++
	}
	if u.server.enforced().Reads {
		u.seat.meter.tokens -= float64(size)
	}
	u.due = now.Add(idleEvent)
	u.events++
	u.sent += to - from
	e := event{ready: true, n: u.events, batch: batch{view: h.log.view(from, to), shard: h}}
	if to > from {
		u.index = h.log.entries[to-1].index + 1
	}
	unread := to < len(h.log.entries)
	if unread {
		e.behind = max(1, now.UnixMilli()-h.log.entries[max(from, to-1)].arrival)
	}
	if !h.open() && !unread && (to == from || !u.server.opt.LateEnd) {
		e.last = true
		e.children = h.childShards()
		if u.seat.sub == u {
			u.seat.sub = nil
		}
		return e
	}
	// A caught-up consumer gets a number of its own, that no record has: there is progress where nothing is written.
	arrival := now.UnixMilli()
	if !unread && h.open() {
		st.index++
		u.index = st.index + 1
	} else if to > from {
		arrival = h.log.entries[to-1].arrival
	}
	e.next = h.sequence(max(u.index, 1)-1, arrival).String()
	return e
}

// write puts an event into its frame, or does what the hook for it wants.
func (u *subscription) write(ctx context.Context, e event, dst []byte) ([]byte, error) {
	start := len(dst)
	u.over = e.last
	dst = eventFrame(dst, e.appendEvent)
	hook := u.server.faults.current().Event
	if hook == nil {
		return dst, nil
	}
	f := hook(Event{Stream: u.name(), Shard: u.shard.id, Consumer: u.consumer.name, Subscription: u.number, N: e.n, Records: len(e.entries), Last: e.last})
	cut, err := f.meet(ctx)
	switch {
	case ctx.Err() != nil:
		return dst[:start], ctx.Err()
	case cut:
		u.over = true
		return dst[:start], errCut
	case err != nil:
		u.over = true
		return exceptionFrame(dst[:start], err), nil
	case f == nil:
	case f.Stall:
		u.stalled = true
		return u.next(ctx, dst[:start])
	case f.Tear:
		u.over = true
		return dst[:start+(len(dst)-start)/2], errCut
	case f.Corrupt:
		dst[len(dst)-5] ^= 1 // the last byte of the payload
	}
	return dst, nil
}

func (u *subscription) name() string { return u.server.nameOf(u.incarnation) }
