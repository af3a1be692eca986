package lease

import (
	"container/heap"
	"slices"
	"time"
)

func (m *Machine) nextWake(now Instant) time.Duration {
	wake := never
	if len(m.wakes) > 0 {
		wake = m.wakes[0].wake
	}
	if !m.scan.running && !m.stops {
		wake = min(wake, m.scan.next)
	}
	if m.takes < maxTakes {
		wake = min(wake, m.takeAt)
	}
	if m.held == 0 {
		wake = min(wake, m.stopBy)
	}
	if !m.list.running && m.scan.done && !m.stops && !m.creating() {
		wake = min(wake, m.list.next)
	}
	if m.held > 0 {
		// Timers stand still with the monotonic clock while a machine is suspended; look at the wall clock often enough
		// to fence within the margin after it wakes.
		wake = min(wake, now.Mono+m.cfg.Duration/fenceParts)
	}
	return wake
}

// compareClocks makes every held lease look at its fence when the wall clock ran away from the monotonic one, by more
// than a hundredth of the duration since the last comparison.
func (m *Machine) compareClocks(now Instant) {
	ahead := time.Duration(now.Wall.UnixNano()) - now.Mono
	if m.clock.started && (ahead-m.clock.base).Abs() <= m.cfg.Duration/100 {
		return
	}
	if m.clock.started {
		for _, e := range m.ordered() {
			if e.held != nil {
				m.touch(e)
			}
		}
	}
	m.clock.base, m.clock.started = ahead, true
}

// touch makes the next Advance look at e.
func (m *Machine) touch(e *entry) {
	if !e.dirty {
		e.dirty = true
		m.dirty = append(m.dirty, e)
	}
}

// wait has e looked at whenever another row changes that it may wait for.
func (m *Machine) wait(e *entry) {
	e.waiting = true
	if !e.listed {
		e.listed = true
		m.waiting = append(m.waiting, e)
	}
}

// touchWaiting looks again at all leases that wait for other rows.
func (m *Machine) touchWaiting() {
	m.waiting = slices.DeleteFunc(m.waiting, func(e *entry) bool {
		e.listed = e.waiting
		return !e.waiting
	})
	for _, e := range m.waiting {
		m.touch(e)
	}
}

func (m *Machine) schedule(e *entry, wake time.Duration) {
	e.wake = wake
	switch {
	case e.slot >= 0 && wake == never:
		heap.Remove(&m.wakes, e.slot)
	case e.slot >= 0:
		heap.Fix(&m.wakes, e.slot)
	case wake != never:
		heap.Push(&m.wakes, e)
	}
}
