package snowflake

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/row"
)

// hears makes a ledger log into a buffer.
func hears(l *Ledger) *bytes.Buffer {
	log := new(bytes.Buffer)
	to := slog.New(slog.NewTextHandler(log, nil))
	l.opts.Log, l.doubtful.log, l.locked.log = to, to, to
	return log
}

func saysTimes(t *testing.T, log *bytes.Buffer, lines map[string]int) {
	t.Helper()
	for what, n := range lines {
		if got := strings.Count(log.String(), what); got != n {
			t.Errorf("%d lines %q, want %d:\n%s", got, what, n, log)
		}
	}
}

// Snowflake is away for five minutes after a COMMIT was sent, and asked every 5 s: that is six lines.
func TestABatchInDoubtIsToldOnceAMinute(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		claims := acquire(t, l, "a")
		log := hears(l)
		var away time.Time
		w.fault = func(_ string, s Statement) fault {
			if s == Commit && away.IsZero() {
				away = time.Now()
				return cutAfter
			}
			if !away.IsZero() && time.Since(away) < 5*time.Minute {
				return cutBefore
			}
			return noFault
		}
		if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed {
			t.Fatalf("outcome %+v, %v", out, err)
		}
		saysTimes(t, log, map[string]int{"batch in doubt: asking Snowflake": 1, "cannot ask Snowflake yet": 4, "no batch is in doubt any more": 1, "level=INFO": 1})
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "cannot ask") && (strings.Contains(line, "attempts=1 ") || !strings.Contains(line, "attempts=")) {
				t.Errorf("a line without the attempts since the last: %s", line)
			}
		}
		// The next trouble is told at once again.
		<-time.After(time.Minute)
		log.Reset()
		away = time.Time{}
		claims["a"] = row.Claim{Epoch: claims["a"].Epoch, At: at(3)}
		if out, err := l.Commit(t.Context(), oneBatch("c", claims, 4)); err != nil || !out.Committed {
			t.Fatalf("outcome %+v, %v", out, err)
		}
		saysTimes(t, log, map[string]int{"batch in doubt: asking Snowflake": 1, "no batch is in doubt any more": 1})
	})
}

// A batch whose COMMIT was lost is loaded again: it is not in doubt any more once that succeeds.
func TestABatchInDoubtThatIsLoadedAgainIsNoMoreInDoubt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := testLedger(w, "w")
		claims := acquire(t, l, "a")
		log := hears(l)
		cuts := 1
		w.fault = func(_ string, s Statement) fault {
			if s == Commit && cuts > 0 {
				cuts--
				return cutBefore
			}
			return noFault
		}
		if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || out.Committed {
			t.Fatalf("outcome %+v, %v; want it not committed", out, err)
		}
		if out, err := l.Commit(t.Context(), oneBatch("b", claims, 3)); err != nil || !out.Committed {
			t.Fatalf("again: %+v, %v", out, err)
		}
		saysTimes(t, log, map[string]int{"batch in doubt: asking Snowflake": 1, "no batch is in doubt any more": 1})
	})
}

// What a service says ends with a full stop, and what to do about it follows.
func TestHintFollowsWithoutAFullStop(t *testing.T) {
	err := classify("INSERT INTO t", &sf.SnowflakeError{Number: 3001, Message: "Insufficient privileges to operate on table 'T', or not authorized."})
	if text := err.Error(); strings.Contains(text, ".:") || !strings.Contains(text, "not authorized: GRANT SELECT") {
		t.Error(text)
	}
}
