//go:build interop

package kcl_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestInteropShare has workers of KCL 2.x's ways join the connector's worker, and it join them. Each worker comes to its
// share of the leases, to one, and then nothing moves.
func TestInteropShare(t *testing.T) {
	t.Parallel()
	for _, v := range []version{
		{number: "2.7.2"},
		// Waits for every worker to be of 3.x before it changes its ways, which the connector's never is.
		{number: "3.5.1", args: []string{"client=COMPATIBLE_WITH_2X"}},
	} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 12, "")
			w.put(240)
			o := w.start("ours-1")
			w.eventually("the connector to load all", func() bool { return len(w.loaded()) == 240 })

			// KCL 3.5.1 gives up now and then when two workers make the state of a migration at the same time.
			one := w.java(v, "java-1")
			one.until(t, "a first lease", func(events []event) bool { return last(events, "began") != nil })
			two := w.java(v, "java-2")
			w.shared("KCL joined", "ours-1", "java-1", "java-2")
			w.put(240)
			w.processed(480, one, two)

			o.stop()
			w.shared("the connector left", "java-1", "java-2")
			w.put(240)
			w.processed(720, one, two)

			o = w.start("ours-2")
			w.shared("the connector joined", "ours-2", "java-1", "java-2")
			w.put(240)
			w.processed(960, one, two)

			two.kill()
			w.shared("a worker of KCL was killed", "ours-2", "java-1")
			w.put(240)
			w.processed(1200, one, two)
			o.stop()
			one.stop(t)
			one.content(t)
			two.content(t)
			w.once()
		})
	}
}

// owners are the owners of the unfinished leases, "" for none.
func (w *world) owners() map[string]string {
	owners := map[string]string{}
	for key, l := range w.leases() {
		if !l.finished() {
			owners[key] = l.text("leaseOwner")
			if l.text("checkpointOwner") != "" {
				owners[key] += " from " + l.text("checkpointOwner")
			}
		}
	}
	return owners
}

// shared waits until the workers have equal shares, to one, and insists that these stand for three lease durations.
func (w *world) shared(when string, workers ...string) {
	w.t.Helper()
	began := time.Now()
	least := len(w.open()) / len(workers)
	fair := func(owners map[string]string) bool {
		shares := map[string]int{}
		for _, o := range owners {
			shares[o]++
		}
		for _, name := range workers {
			if n := shares[name]; n < least || n > least+1 {
				return false
			}
		}
		return len(shares) == len(workers)
	}
	defer func() {
		if w.t.Failed() {
			w.t.Logf("leases: %v", w.owners())
		}
	}()
	var stood time.Time
	var before map[string]string
	w.eventually("equal shares after "+when, func() bool {
		now := w.owners()
		if !fair(now) || !maps.Equal(now, before) {
			before, stood = now, time.Now()
			return false
		}
		return time.Since(stood) > 3*w.lease
	})
	w.t.Logf("%s: %s after %s", when, strings.Join(workers, ", "), (time.Since(began) - 3*w.lease).Round(100*time.Millisecond))
}

// processed waits until each of the first n records was processed, by whomever. A lease that KCL 2.x takes from a living
// worker, or that is taken from it, may have records processed by both.
func (w *world) processed(n int, workers ...*worker) {
	w.t.Helper()
	w.eventually(fmt.Sprint(n, " records to be processed"), func() bool {
		all := append(w.printed(workers...), w.loaded()...)
		slices.Sort(all)
		return len(slices.Compact(all)) == n
	})
}

// once insists that the table has no record twice.
func (w *world) once() {
	w.t.Helper()
	ids := w.loaded()
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		w.t.Errorf("%d records are in the table twice", len(ids)-len(unique))
	}
}
