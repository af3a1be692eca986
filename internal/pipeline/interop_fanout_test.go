//go:build interop

package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"kinesis-snowflake/internal/standin/others"
)

// TestInteropFanOut runs the pipeline as TestInterop does, but reads kinesis-local by enhanced fan-out. Through a shim:
// that server leaves out the first frame and the end of a shard.
func TestInteropFanOut(t *testing.T) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	shim := others.FanOut(t, os.Getenv("INTEROP_KINESIS_LOCAL"), true)
	w := newWorld(t, shim.URL, os.Getenv("INTEROP_DYNALITE"))
	text, err := os.ReadFile(w.file)
	w.must(err)
	w.must(os.WriteFile(w.file, []byte(strings.Replace(string(text), "source:\n", "source:\n  consumer: fan-out\n", 1)), 0o600))

	w.put(1500)
	w.run()
	w.account("a first run")
	w.put(750)
	w.reshard()
	w.put(750)
	w.run()
	w.account("a run after a reshard")
	w.runWhile(func() {
		w.put(750)
		w.reshard()
		w.put(750)
	})
	w.account("a run during a reshard")
	w.run()
	w.account("a run with nothing new")

	// Where it can have no events, the connector polls.
	if n := shim.Records.Load(); n < int64(w.sent) {
		t.Errorf("%d of %d records came in events", n, w.sent)
	}
}
