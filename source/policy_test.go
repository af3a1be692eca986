package source

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

// The policy that users are given allows the calls that are made of Kinesis, and no other.
func TestPolicyAllowsWhatIsCalled(t *testing.T) {
	text, err := os.ReadFile("../deploy/aws/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range policy.Statement {
		for _, a := range s.Action {
			if op, ok := strings.CutPrefix(a, "kinesis:"); ok {
				allowed = append(allowed, op)
			}
		}
	}
	slices.Sort(allowed)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var called []string
		w := fanOutWorld(t, 2, kinesis.Options{Hooks: kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			mu.Lock()
			defer mu.Unlock()
			called = append(called, c.Op)
			return nil
		}}})
		subscribes := w.startFanOut("one")
		wait(time.Minute)
		if err := subscribes.stop(); err != nil {
			t.Error(err)
		}
		polls := w.start("two")
		wait(time.Minute)
		if err := polls.stop(); err != nil {
			t.Error(err)
		}
		slices.Sort(called)
		if called = slices.Compact(called); !slices.Equal(called, allowed) {
			t.Errorf("called  %v\nallowed %v", called, allowed)
		}
	})
}
