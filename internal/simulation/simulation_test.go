package simulation

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds   = flag.Int("seeds", 200, "how many seeds TestSimulation runs")
	first   = flag.Uint64("first", 1, "the first of them")
	verbose = flag.Bool("verbose", false, "a line for every seed")
	stopAt  = flag.Int("failures", 10, "stop after so many seeds that fail")
	trace   = flag.String("trace", "", "with -seed: write what happens to this file")
	one     = flag.Int64("seed", -1, "run this seed alone")
)

// Whatever happens to a fleet: every record is in the table once, and every shard in one worker's hands.
func TestSimulation(t *testing.T) {
	if *one >= 0 {
		began := time.Now()
		res := Run(Options{Seed: uint64(*one), Trace: traceFile(t)})
		t.Logf("seed %d: %+v in %v", *one, res, time.Since(began))
		if res.Err != nil {
			t.Fatal(report(uint64(*one), res.Err))
		}
		return
	}
	began := time.Now()
	var events, rows atomic.Int64
	var failed atomic.Int64
	var done atomic.Int64
	many(*first, *seeds, func(seed uint64) bool {
		res := Run(Options{Seed: seed})
		if n := done.Add(1); n%500 == 0 {
			t.Logf("%d seeds in %v", n, time.Since(began).Round(time.Second))
		}
		events.Add(int64(res.Events))
		rows.Add(res.Rows)
		if *verbose {
			t.Logf("seed %d: rested %v reread %v latest %v moves %d changes %d shards %d virtual %v", seed, res.Rested, res.Reread, res.Latest, res.Moves, res.Changes, res.Shards, res.Virtual)
		}
		if res.Err != nil {
			t.Error(report(seed, res.Err))
			return failed.Add(1) < int64(*stopAt)
		}
		return true
	})
	took := time.Since(began)
	t.Logf("%d seeds in %v: %.1f a second, %d events, %d rows", *seeds, took.Round(time.Millisecond), float64(*seeds)/took.Seconds(), events.Load(), rows.Load())
}

func traceFile(t *testing.T) io.Writer {
	if *trace == "" {
		return nil
	}
	f, err := os.Create(*trace)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	t.Cleanup(func() {
		if err := errors.Join(w.Flush(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func report(seed uint64, err error) string {
	return fmt.Sprintf("seed %d: %v\nreplay: go test ./internal/simulation -run '^TestSimulation$' -v -seed %d -trace /tmp/trace.txt", seed, err, seed)
}

// many runs seeds on all processors until one of them says stop.
func many(first uint64, n int, run func(seed uint64) bool) {
	var next atomic.Uint64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !stop.Load() {
				i := next.Add(1) - 1
				if i >= uint64(n) {
					return
				}
				if !run(first + i) {
					stop.Store(true)
				}
			}
		})
	}
	wg.Wait()
}
