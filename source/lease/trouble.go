package lease

import (
	"log/slog"
	"sync"
	"time"
)

// trouble tells the operator that calls to the lease table fail: one line when that begins, one a minute while it
// lasts, one when it is over, however many leases there are. It is safe for concurrent use.
type trouble struct {
	log    *slog.Logger
	report func(error)

	mu    sync.Mutex
	row   int       // calls that failed in a row
	since time.Time // when the first of them failed
	line  time.Time // when the last line was written
	said  bool      // since the last recovery
}

const (
	// linePause is the least time between two lines.
	linePause = time.Minute
	// patience is the number of calls in a row whose failure is worth a line: a throttled one alone is part of a table
	// that scales, and a lease lives for three renewals.
	patience = 3
)

func newTrouble(log *slog.Logger, report func(error)) *trouble {
	if report == nil {
		report = func(error) {}
	}
	return &trouble{log: log, report: report}
}

// tell takes in the outcome of a call.
func (t *trouble) tell(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if err == nil {
		if t.row >= patience {
			t.report(nil)
		}
		if t.said {
			t.said = false
			t.log.Info("lease table answers again", "for", now.Sub(t.since).Round(time.Second))
		}
		t.row = 0
		return
	}
	if t.row++; t.row == 1 {
		t.since = now
	}
	t.log.Debug("call to the lease table failed", "class", ClassOf(err).String(), "error", err)
	if t.row < patience {
		return
	}
	t.report(err)
	if t.line.IsZero() || now.Sub(t.line) >= linePause {
		t.line, t.said = now, true
		t.log.Warn("calls to the lease table fail; trying again", "class", ClassOf(err).String(), "error", err, "calls", t.row,
			"for", now.Sub(t.since).Round(time.Second))
	}
}
