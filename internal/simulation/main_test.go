package simulation

import (
	"os"
	"runtime/debug"
	"testing"
)

// A simulation makes much garbage and keeps little: memory buys time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
