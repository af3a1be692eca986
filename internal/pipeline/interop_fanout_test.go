//go:build interop

package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/internal/standin/others"
)

// TestInteropFanOut runs the pipeline as TestInterop does, but reads kinesis-local by enhanced fan-out. Through a shim:
// that server leaves out the first frame and the end of a shard.
func TestInteropFanOut(t *testing.T) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	w := newWorld(t, others.FanOut(t, os.Getenv("INTEROP_KINESIS_LOCAL"), true), os.Getenv("INTEROP_DYNALITE"))
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

	// Had the connector polled instead, there would be no consumer, or a line in the log.
	stream, err := w.kinesis.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &w.stream})
	w.must(err)
	if n := stream.StreamDescriptionSummary.ConsumerCount; n == nil || *n != 1 {
		t.Errorf("the stream has %v consumers, want 1", n)
	}
}
