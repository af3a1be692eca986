package lease

import "time"

// Instant is one reading of the monotonic and of the wall clock. The two are kept apart: a monotonic clock stands
// still while a virtual machine is suspended, a wall clock may be set.
type Instant struct {
	Mono time.Duration // since any fixed moment of this process
	Wall time.Time
}

// Since returns the most time that can have passed between the readings, by either clock.
func (i Instant) Since(j Instant) time.Duration {
	return max(i.Mono-j.Mono, i.Wall.Sub(j.Wall))
}

type systemClock struct{ epoch time.Time }

// SystemClock returns the clocks of this machine.
func SystemClock() Clock { return systemClock{time.Now()} }

func (c systemClock) Now() Instant {
	now := time.Now()
	return Instant{Mono: now.Sub(c.epoch), Wall: now.Round(0)} // Round strips the monotonic reading
}
