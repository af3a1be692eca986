package reader

import (
	"log/slog"
	"sync"
	"time"
)

// Trouble tells the operator what keeps shards from being read: one line when it begins, one a minute while it
// lasts, one when it is over, for all shards together. It is safe for concurrent use.
type Trouble struct {
	log    *slog.Logger
	report func(error)

	mu    sync.Mutex
	kinds map[Class]*kind
}

type kind struct {
	shards map[string]int // calls that failed in a row, by shard
	since  time.Time      // when the first of them failed
	line   time.Time      // when the last line was written
	bad    bool           // reported, and not over
	said   bool           // since the last recovery
}

// linePause is the least time between two lines about the same kind of trouble, whether it lasted or came back.
const linePause = time.Minute

// patience is the number of throttled calls in a row that are worth a line: one alone is part of sharing a shard. So is
// a subscription that its last owner may still have.
const patience = 3

// NewTrouble returns a Trouble that logs to log. report, which may be nil, hears the error of each call that fails while
// there is trouble, and nil once there is none any more; it must not block.
func NewTrouble(log *slog.Logger, report func(error)) *Trouble {
	if report == nil {
		report = func(error) {}
	}
	return &Trouble{log: log, report: report, kinds: map[Class]*kind{}}
}

func (t *Trouble) failed(shard string, class Class, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[class]
	if k == nil {
		k = &kind{shards: map[string]int{}}
		t.kinds[class] = k
	}
	now := time.Now()
	if len(k.shards) == 0 {
		k.since = now
	}
	k.shards[shard]++
	if (class == ClassThrottled || class == ClassInUse) && k.shards[shard] < patience {
		return
	}
	k.bad = true
	t.report(err)
	if !k.line.IsZero() && now.Sub(k.line) < linePause {
		return
	}
	k.line, k.said = now, true
	t.log.Warn("cannot read for now", "reason", class.String(), "error", err, "shard", shard, "shards", len(k.shards),
		"calls", k.shards[shard], "for", now.Sub(k.since).Round(time.Second))
}

// recovered takes a shard out of all trouble, because a call succeeded or it is no longer read here.
func (t *Trouble) recovered(shard string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	over, left := false, false
	for class, k := range t.kinds {
		if _, ok := k.shards[shard]; ok {
			delete(k.shards, shard)
			over = over || k.bad && len(k.shards) == 0
			k.bad = k.bad && len(k.shards) > 0
		}
		left = left || k.bad
		if len(k.shards) == 0 && k.said {
			k.said = false
			t.log.Info("reading again", "reason", class.String(), "for", time.Since(k.since).Round(time.Second))
		}
	}
	if over && !left {
		t.report(nil)
	}
}
