package snowflake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

const (
	testShards  = 3
	testRecords = 12 // in each shard
	patience    = 10 * time.Second
)

func testLedger(w *world, who string) *Ledger {
	n := 0
	return NewLedger(NewClient(worldDialer{w, who}, slog.New(slog.DiscardHandler)), LedgerOptions{
		Table: Name{"D", "S", "T"}, Stream: "arn@1", Application: "app", LockPatience: patience,
		NewID: func() string { n++; return fmt.Sprintf("%s-%d", who, n) }, Log: slog.New(slog.DiscardHandler),
	})
}

// loadAll is what a worker does: acquire, then load what comes after each shard's offset, giving up shards that are
// fenced, until each of its shards is at its end or ctx ends. It ends at the first error that must end it.
func loadAll(ctx context.Context, l *Ledger, shards []string, step int) error {
	var wanted []row.Wanted
	for _, s := range shards {
		wanted = append(wanted, row.Wanted{Shard: s})
	}
	claims, err := l.Acquire(ctx, wanted)
	for err != nil && ctx.Err() == nil {
		if errors.Is(err, ErrOffsetsBroken) || errors.Is(err, ErrApplication) || errors.Is(err, ErrOffsetsMissing) {
			return err
		}
		claims, err = l.Acquire(ctx, wanted)
	}
	for batch := 0; ctx.Err() == nil; batch++ {
		b := Batch{ID: l.opts.NewID(), Files: 1}
		var rows []loadedRow
		for _, s := range shards {
			c, ok := claims[s]
			from, _ := strconv.Atoi(c.At.Sequence)
			to := min(from+step, testRecords)
			if !ok || from == to {
				continue
			}
			for n := from + 1; n <= to; n++ {
				rows = append(rows, loadedRow{s, n})
			}
			b.Moves = append(b.Moves, Move{Shard: s, Epoch: c.Epoch, From: c.At, To: at(to), Rows: int64(to - from)})
		}
		if len(b.Moves) == 0 {
			return nil
		}
		b.Copy, b.Rows = fakeCopy{rows}, int64(len(rows))
		out, err := l.Commit(ctx, b)
		switch {
		case errors.Is(err, ErrOffsetsBroken):
			return err
		case err != nil:
			continue
		case out.Committed:
			for _, m := range b.Moves {
				claims[m.Shard] = row.Claim{Epoch: m.Epoch, At: m.To}
			}
		default:
			for s := range out.Fenced {
				delete(claims, s)
			}
		}
	}
	return nil
}

func shardNames() (names []string) {
	for i := range testShards {
		names = append(names, fmt.Sprintf("shard-%d", i))
	}
	return names
}

func checkExactlyOnce(t interface{ Fatalf(string, ...any) }, w *world) {
	seen := map[loadedRow]int{}
	for _, r := range w.rows {
		seen[r]++
	}
	for _, s := range shardNames() {
		for n := 1; n <= testRecords; n++ {
			if got := seen[loadedRow{s, n}]; got != 1 {
				t.Fatalf("row %d of %s is in the table %d times, want once", n, s, got)
			}
		}
	}
	if len(seen) != testShards*testRecords {
		t.Fatalf("%d distinct rows, want %d", len(seen), testShards*testRecords)
	}
}

// Three workers load the same shards, each believing that they are its own; connections are cut before and after any
// statement, and workers die with their transactions open. Then one more worker loads what is left.
func TestEveryRowIsLoadedOnceWhateverIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]fault{noFault, noFault, noFault, noFault, noFault, cutBefore, cutAfter, late}), 0, 60).Draw(rt, "faults")
		order := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 200).Draw(rt, "order")
		steps := rapid.SliceOfN(rapid.IntRange(1, 5), 3, 3).Draw(rt, "steps")
		lives := rapid.SliceOfN(rapid.IntRange(1, 120), 3, 3).Draw(rt, "lives") // seconds until each worker is killed
		silent := rapid.Bool().Draw(rt, "silent")
		var w *world
		var failed error
		synctest.Test(t, func(*testing.T) { w, failed = runWorkers(faults, order, steps, lives, silent) })
		if failed != nil {
			rt.Fatalf("a worker stopped: %v", failed)
		}
		checkExactlyOnce(rt, w)
	})
}

func runWorkers(faults []fault, order, steps, lives []int, silent bool) (*world, error) {
	w := newWorld()
	w.silent = silent
	stop := make(chan struct{})
	i, picks := 0, 0
	w.fault = func(who string, _ Statement) fault {
		if who == "last" || i >= len(faults) {
			return noFault
		}
		i++
		return faults[i-1]
	}
	scheduled := make(chan struct{})
	go func() {
		defer close(scheduled)
		w.schedule(stop, func(waiting []string) int {
			picks++
			return order[picks%len(order)] % len(waiting)
		})
	}()
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for n := range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(lives[n])*time.Second)
		wg.Go(func() {
			defer cancel()
			errs[n] = loadAll(ctx, testLedger(w, fmt.Sprintf("w%d", n)), shardNames(), steps[n])
		})
	}
	wg.Wait()
	errs[3] = loadAll(context.Background(), testLedger(w, "last"), shardNames(), 4)
	close(stop)
	<-scheduled
	w.late.Wait()
	return w, errors.Join(errs...)
}
