package lease

import (
	"fmt"
	"time"

	"kinesis-snowflake/internal/mutant"
	"kinesis-snowflake/internal/row"
)

// Reasons of a Gone event; all of them are ErrLost.
var (
	errFenced   = fmt.Errorf("%w: no renewal succeeded in time, so this worker stopped by itself", ErrLost)
	errReleased = fmt.Errorf("%w: this worker released it", ErrLost)
	errHanded   = fmt.Errorf("%w: it was handed over to another worker", ErrLost)
	errReopened = fmt.Errorf("%w: it was asked for and is no longer, so it is opened anew", ErrLost)
)

// step decides what is due for one row and returns when to look again.
func (m *Machine) step(now Instant, e *entry) time.Duration {
	wake := never
	fence := m.fence()
	if h := e.held; h != nil {
		if left := fence - m.since(now, h.renewed); left <= 0 {
			m.lose(e, errFenced)
			m.offer(e, now)
		} else {
			// By the clock that says the most: after a suspension the monotonic one alone would look too late.
			wake = now.Mono + min(left, never-now.Mono)
		}
	}
	if h := e.held; h != nil && h.asker != "" && !h.handing {
		if limit := h.askedAt + HandOverTimeout; now.Mono < limit {
			wake = min(wake, limit)
		} else {
			m.gone(e, errHanded)
			h.handing = true
		}
	}
	if h := e.held; h != nil && h.handing && h.asker == "" && e.op == nil {
		m.reopen(e)
	}
	if o := e.op; o != nil {
		switch {
		case o.inFlight:
		case o.kind == opTake && m.drains && !o.doubt:
			m.drop(e)
		case now.Mono < e.retryAt:
			wake = min(wake, e.retryAt)
		default:
			m.send(now, o)
		}
		return wake
	}
	if e.held == nil {
		if back := m.giveBack(e); back == nil {
		} else if now.Mono < e.retryAt {
			wake = min(wake, e.retryAt)
		} else {
			m.requests++
			m.begin(now, e, back)
		}
		return wake
	}
	m.tryOpen(now, e)
	if now.Mono < e.retryAt {
		return min(wake, e.retryAt)
	}
	o, due := m.compose(now, e)
	if o == nil {
		return min(wake, due)
	}
	m.begin(now, e, o)
	return wake
}

// fence is how long after the start of its last renewal a holder stops.
func (m *Machine) fence() time.Duration {
	if m.cfg.Broken.Has(mutant.NoSelfFence) {
		return never
	}
	return m.cfg.Duration - m.cfg.Duration/fenceParts
}

// since returns how long ago a write began, by the clock that says the most.
func (m *Machine) since(now, then Instant) time.Duration {
	if m.cfg.Broken.Has(mutant.MonotonicFence) {
		return now.Mono - then.Mono
	}
	return now.Since(then)
}

// compose returns the write that is due for a held lease, or when one will be. Whatever waits rides on it.
func (m *Machine) compose(now Instant, e *entry) (*op, time.Duration) {
	h, l := e.held, e.lease
	due := h.due
	if h.pending.Sequence != "" {
		due = min(due, h.pendingAt+checkpointDelay)
	}
	u := Update{Key: e.key, If: Condition{Counter: l.Counter, Owner: m.cfg.Worker}}
	if h.asker != "" {
		u.If.Owner, u.If.CheckpointOwner = h.asker, m.cfg.Worker
	}
	o := &op{kind: opRenew, wants: h.wants}
	if h.pending.Sequence != "" {
		u.Set.Checkpoint = &row.Position{Sequence: h.pending.Sequence, Subsequence: h.pending.Subsequence}
	}
	ended := m.stepFinish(now, e)
	nobody := ""
	switch {
	case ended:
		o.kind = opEnd
		u.Set.Checkpoint = &row.Position{Sequence: row.ShardEnd}
		u.Set.Children = h.finish.ids()
		u.Set.Owner, u.Set.EndHandover = &nobody, h.asker != ""
	case h.asker != "" && (h.handing || m.stops):
		o.kind = opRelease
		u.Set.EndHandover, u.Set.OwnerSwitched = true, true
	case m.stops, l.Finished():
		o.kind = opRelease
		u.Set.Owner, u.Set.EndHandover = &nobody, h.asker != ""
	case len(h.wants) > 0, l.Checkpoint.Sequence == row.Latest && l.StartMillis == 0:
	case now.Mono < due:
		return nil, due
	}
	for _, w := range h.wants {
		u.Set.Offsets = u.Set.Offsets || w.want == markOffsets
	}
	m.remember(now, l, &u.Set)
	u.Nonce = m.nonce()
	o.write.Update = &u
	h.wants = nil
	return o, never
}

// remember adds the attributes that a row of KCL lacks.
func (m *Machine) remember(now Instant, l Lease, set *Changes) {
	if l.Checkpoint.Sequence == row.Latest && l.StartMillis == 0 {
		set.StartMillis = now.Wall.Add(m.serverAhead).UnixMilli()
	}
	if l.StreamCreated == 0 {
		set.StreamCreated = m.cfg.StreamCreated
	}
}
