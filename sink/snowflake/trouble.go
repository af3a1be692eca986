package snowflake

import (
	"context"
	"log/slog"
	"time"
)

// linePause is the least time between two lines about the same trouble.
const linePause = time.Minute

// trouble tells of what comes again at each attempt: a line at the first one, then one a minute with the count of
// attempts, and one when it is over. It belongs to the goroutine of its [Ledger].
type trouble struct {
	log      *slog.Logger
	attempts int       // since it began; 0 while there is none
	since    time.Time // when it began
	line     time.Time // when the last line about it was written, also of one that is over
	said     bool      // since it began
}

// again takes note of one more attempt.
func (t *trouble) again(ctx context.Context, message string, args ...any) {
	now := time.Now()
	if t.attempts++; t.attempts == 1 {
		t.since = now
	}
	if !t.line.IsZero() && now.Sub(t.line) < linePause {
		return
	}
	t.line, t.said = now, true
	t.log.WarnContext(ctx, message, append(args, "attempts", t.attempts, "for", now.Sub(t.since).Round(time.Second))...)
}

// over says that it is over, if it was said that there is any.
func (t *trouble) over(ctx context.Context, message string, args ...any) {
	if t.said {
		t.log.InfoContext(ctx, message, append(args, "attempts", t.attempts, "for", time.Since(t.since).Round(time.Second))...)
	}
	t.attempts, t.said = 0, false
}
