package sink

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

// said returns the lines of a log with a message.
func said(t *testing.T, log string, message string) (found []map[string]any) {
	t.Helper()
	for text := range strings.Lines(log) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if strings.HasPrefix(line["msg"].(string), message) {
			found = append(found, line)
		}
	}
	return found
}

// A number that became a text stands in its column, so the line about _RESCUED must not speak of it; and a name may hold a comma.
func TestLinesSayWhatTheyAreAbout(t *testing.T) {
	inAccount(t, func(t *testing.T, a *account) {
		var log bytes.Buffer
		w := a.workerWith("w", "orders-app", func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
		w.take("a")
		w.send(rec("a", 1, `"x, y":1`, `"o":{"n":1e999}`))
		changed := said(t, log.String(), "table changed")
		if len(changed) != 1 || !strings.Contains(changed[0]["columns"].(string), `, "X, Y" NUMBER(38,0)`) {
			t.Errorf("columns %v", changed)
		}
		if lines := said(t, log.String(), "values that did not fit"); len(lines) > 0 {
			t.Errorf("nothing is in _RESCUED: %v", lines)
		}
		if lines := said(t, log.String(), "numbers inside values are loaded as texts"); len(lines) != 1 || lines[0]["numbers"] != 1.0 {
			t.Errorf("numbers as texts: %v", lines)
		}
		w.send(rec("a", 2, `"x, y":"text"`))
		if lines := said(t, log.String(), "values that did not fit"); len(lines) != 1 || lines[0]["numbers_as_text"] != nil {
			t.Errorf("in _RESCUED: %v", lines)
		}
	})
}
