package lease

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	standin "kinesis-snowflake/internal/standin/dynamodb"
)

// switches adds up how often the leases changed hands.
func (f *fleet) switches() (n int64) {
	for _, l := range f.rows() {
		n += l.OwnerSwitches
	}
	return n
}

func (f *fleet) startAll(n int, change func(*Config)) []*worker {
	var ws []*worker
	for i := range n {
		w := f.start(fmt.Sprint("w", i), change)
		w.drain = 2 * time.Second // a commit
		ws = append(ws, w)
	}
	return ws
}

func TestBalance(t *testing.T) {
	bubble(t, "AJoiningWorkerHasItsShareWithin30s", func(t *testing.T) {
		f := newFleet(t, tiles(100)...)
		ws := f.startAll(1, nil)
		f.within(3*time.Second, "the first has all", func() bool { return f.open(ws...) == 100 })
		f.pass(time.Minute)
		b := f.start("b", nil)
		b.drain = 2 * time.Second
		// A look that shows the other alive, a request for one lease, one for the rest, a renewal that shows it, the commit,
		// and a look that finds what was handed over.
		took := f.within(12*time.Second, "they share", func() bool { return len(b.open()) == 50 && len(ws[0].open()) == 50 })
		t.Log("shared after", took)
		if n := f.switches(); n != 50 {
			t.Errorf("%d leases changed hands", n)
		}
		f.pass(time.Minute)
		if n := f.switches(); n != 50 || f.open(ws[0], b) != 100 {
			t.Errorf("%d leases changed hands, %d are open", n, f.open(ws[0], b))
		}
		f.stop(ws[0])
		f.stop(b)
	})
	bubble(t, "SevenJoinAtOnce", func(t *testing.T) {
		f := newFleet(t, tiles(40)...)
		ws := f.startAll(1, nil)
		f.within(3*time.Second, "the first has all", func() bool { return f.open(ws...) == 40 })
		f.pass(time.Minute)
		ws = append(ws, f.startAll(8, nil)[1:]...)
		took := f.within(time.Minute, "they share", func() bool { return f.even(ws...) && f.open(ws...) == 40 })
		n := f.switches()
		t.Log("shared after", took, "with", n, "changes of hands")
		if n > 40 {
			t.Errorf("leases changed hands %d times where 35 are needed", n)
		}
		f.pass(time.Minute)
		if f.switches() != n {
			t.Errorf("leases go on changing hands: %d, then %d", n, f.switches())
		}
		for _, w := range ws {
			f.stop(w)
		}
	})
	bubble(t, "AStoppedOnesLeasesAreReadWithin2s", func(t *testing.T) {
		f := newFleet(t, tiles(40)...)
		ws := f.startAll(4, nil)
		f.within(time.Minute, "they share", func() bool { return f.even(ws...) && f.open(ws...) == 40 })
		f.pass(20 * time.Second)
		for i := range 2 {
			f.stop(ws[i])
			took := f.within(2*time.Second, "the others have all", func() bool { return f.open(ws[i+1:]...) == 40 })
			n := f.switches()
			even := f.within(30*time.Second, "they share", func() bool { return f.even(ws[i+1:]...) && f.open(ws[i+1:]...) == 40 })
			t.Log("taken over after", took, "even after another", even, "by", f.switches()-n, "hand-overs")
			f.pass(20 * time.Second)
		}
		f.stop(ws[2])
		f.within(2*time.Second, "the last has all", func() bool { return f.open(ws[3]) == 40 })
		f.stop(ws[3])
	})
	bubble(t, "AKilledOnesLeasesAreReadWithinADurationAnd3s", func(t *testing.T) {
		f := newFleet(t, tiles(40)...)
		ws := f.startAll(4, nil)
		f.within(time.Minute, "they share", func() bool { return f.even(ws...) && f.open(ws...) == 40 })
		for i := range 3 {
			f.pass(20*time.Second + time.Duration(i)*1234*time.Millisecond)
			ws[i].kill()
			took := f.within(lease10+3*time.Second, "the others have all", func() bool { return f.open(ws[i+1:]...) == 40 })
			t.Log("taken over after", took)
		}
		f.stop(ws[3])
	})
	bubble(t, "StandBysTakeOver", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		var mu sync.Mutex
		var log bytes.Buffer
		ws := f.startAll(4, func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(writer(func(p []byte) { mu.Lock(); log.Write(p); mu.Unlock() }), nil))
		})
		f.within(time.Minute, "two have one each", func() bool { return f.open(ws...) == 2 && f.most(ws...) == 1 })
		f.pass(10 * time.Minute)
		if n := strings.Count(log.String(), "standing by"); n != 2 && n != 3 {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
		for left := len(ws); left > 1; left-- {
			for i, w := range ws {
				if len(w.open()) > 0 {
					f.stop(w)
					ws = append(ws[:i], ws[i+1:]...)
					break
				}
			}
			f.within(2*time.Second, "the others have all", func() bool { return f.open(ws...) == 2 })
		}
		f.stop(ws[0])
	})
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// most returns the largest number of leases that one has open.
func (f *fleet) most(ws ...*worker) (n int) {
	for _, w := range ws {
		n = max(n, len(w.open()))
	}
	return n
}

// What an idle stream of 100 shards costs in requests, beside KCL: KCL 2 and 3 renew every 3.308 s a lease, 1814 a minute
// for 100, as workers here do. A KCL 2 worker scans three times a minute; here it is 12 times alone and 40 times beside
// others, 15 at most where they are many.
func TestRequestsOfAnIdleFleet(t *testing.T) {
	for _, n := range []int{1, 2, 8, 16} {
		bubble(t, fmt.Sprint(n), func(t *testing.T) {
			f := newFleet(t, tiles(100)...)
			ws := f.startAll(n, nil)
			f.within(2*time.Minute, "they share", func() bool { return f.even(ws...) && f.open(ws...) == 100 })
			f.pass(30 * time.Second)
			var mu sync.Mutex
			calls := map[string]int{}
			f.server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
				mu.Lock()
				defer mu.Unlock()
				calls[c.Op]++
				return nil
			}})
			const minutes = 1
			f.pass(minutes * time.Minute)
			mu.Lock()
			t.Logf("%d workers: %d UpdateItem, %d Scan a minute", n, calls["UpdateItem"]/minutes, calls["Scan"]/minutes)
			if u := calls["UpdateItem"] / minutes; u > 2000 {
				t.Errorf("%d writes a minute for 100 leases", u)
			}
			perWorker := calls["Scan"] / minutes / n
			if most := map[int]int{1: 14, 2: 54, 8: 54, 16: 28}[n]; perWorker > most {
				t.Errorf("%d looks a minute a worker, want %d at most", perWorker, most)
			}
			mu.Unlock()
			f.server.SetHooks(standin.Hooks{})
			for _, w := range ws {
				f.stop(w)
			}
		})
	}
}
