package sink

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
)

// Snowflake's words about a row that it refuses quote it. Neither the reason nor any line of the log may, where none is asked for.
func TestNothingOfARefusedRowIsQuoted(t *testing.T) {
	for name, failure := range map[string]*service.Error{
		"100071": {Code: "100071", State: "22000", Message: "Failed to cast variant value canary"},
		"399999": {Code: "399999", State: "22000", Message: "no list has this of canary"},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(t *testing.T, a *account) {
				var log bytes.Buffer
				w := a.workerWith("w", "orders-app", func(o *Options) {
					o.QuoteNothing, o.Log = true, slog.New(slog.NewTextHandler(&log, nil))
				})
				w.take("a")
				a.refuseBy("canary", failure)
				b, parts := w.batch(rec("a", 1, `"MARK":"good"`), rec("a", 2, `"MARK":"canary"`), rec("a", 3, `"MARK":"good"`))
				defer b.Discard()
				for try := 1; ; try++ {
					out, err := w.Load(t.Context(), b, parts)
					if err == nil && out.Committed {
						break
					}
					if strings.Contains(err.Error(), "canary") || try == 4 {
						t.Fatalf("try %d: %+v, %v", try, out, err)
					}
				}
				if len(w.reasons) == 0 || !strings.HasPrefix(w.reasons[0], string(row.StageLoad)+": ") || !strings.Contains(w.reasons[0], name) {
					t.Errorf("reasons %q", w.reasons)
				}
				if all := log.String() + strings.Join(w.reasons, "\n"); strings.Contains(all, "canary") {
					t.Errorf("quoted:\n%s", all)
				}
			})
		})
	}
}
