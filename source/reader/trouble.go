package reader

import (
	"log/slog"
	"sync"
	"time"
)

// Trouble tells the operator what keeps shards from being read: one line when it begins, one a minute while it
// lasts, one when it is over, for all shards together. It is safe for concurrent use.
type Trouble struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[Class]*kind
}

type kind struct {
	shards map[string]int // calls that failed in a row, by shard
	since  time.Time      // when the first of them failed
	line   time.Time      // when the last line was written
	said   bool           // since the last recovery
}

// linePause is the least time between two lines about the same kind of trouble, whether it lasted or came back.
const linePause = time.Minute

// patience is the number of throttled calls in a row that are worth a line: one alone is part of sharing a shard.
const patience = 3

// NewTrouble returns a Trouble that logs to log.
func NewTrouble(log *slog.Logger) *Trouble {
	return &Trouble{log: log, kinds: map[Class]*kind{}}
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
	if class == ClassThrottled && k.shards[shard] < patience || !k.line.IsZero() && now.Sub(k.line) < linePause {
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
	for class, k := range t.kinds {
		if _, ok := k.shards[shard]; !ok {
			continue
		}
		delete(k.shards, shard)
		if len(k.shards) == 0 && k.said {
			k.said = false
			t.log.Info("reading again", "reason", class.String(), "for", time.Since(k.since).Round(time.Second))
		}
	}
}
