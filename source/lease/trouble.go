package lease

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// trouble tells the operator that calls fail: one line when that begins, one a minute while it lasts, one when it is over,
// however many leases there are. It is safe for concurrent use.
type trouble struct {
	log           *slog.Logger
	report        func(error)
	failing, over string // the lines
	patience      int    // how many calls in a row must fail to be worth a line

	mu    sync.Mutex
	row   [calls]int // calls of a kind that failed in a row: scans that succeed say nothing of writes
	since time.Time  // when the first of them failed
	told  bool       // to report
	line  time.Time  // when the last line was written
	said  bool       // since the last recovery
}

// call is a kind of call: a table may be read where it may not be written to.
type call uint8

const (
	reads call = iota
	writes
	calls
)

const (
	// linePause is the least time between two lines.
	linePause = time.Minute
	// tablePatience is for calls to the table: a throttled one alone is part of a table that scales, and a lease lives for
	// three renewals.
	tablePatience = 3
	// listPatience is for listings, each of which is several tries.
	listPatience = 1
)

// newTrouble is about the lease table.
func newTrouble(log *slog.Logger, report func(error)) *trouble {
	if report == nil {
		report = func(error) {}
	}
	return &trouble{log: log, report: report, failing: "calls to the lease table fail; trying again", over: "lease table answers again", patience: tablePatience}
}

// newListTrouble is about the stream's shards, whose listing is all reads.
func newListTrouble(log *slog.Logger) *trouble {
	return &trouble{log: log, report: func(error) {}, failing: "listing of shards failed; trying again", over: "shards are listed again", patience: listPatience}
}

// tell takes in the outcome of a call.
func (t *trouble) tell(kind call, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if err == nil {
		t.row[kind] = 0
		if slices.Max(t.row[:]) >= t.patience {
			return
		}
		if t.told {
			t.told = false
			t.report(nil)
		}
		if t.said {
			t.said = false
			t.log.Info(t.over, "for", now.Sub(t.since).Round(time.Second))
		}
		return
	}
	if slices.Max(t.row[:]) == 0 {
		t.since = now
	}
	t.row[kind]++
	t.log.Debug("a call failed", "class", ClassOf(err).String(), "error", err)
	if t.row[kind] < t.patience {
		return
	}
	t.told = true
	t.report(err)
	if t.line.IsZero() || now.Sub(t.line) >= linePause {
		t.line, t.said = now, true
		t.log.Warn(t.failing, "class", ClassOf(err).String(), "error", err, "calls", t.row[kind],
			"for", now.Sub(t.since).Round(time.Second))
	}
}
