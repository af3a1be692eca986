//go:build interop

package kinesis_test

import (
	"os"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
	"kinesis-snowflake/internal/standin/others"
)

// TestInterop asks servers that others wrote what it asks of the stand-in. None of them has a clock that can be moved, or
// enforces rates as the service does.
func TestInterop(t *testing.T) {
	const all = kinesistest.All &^ (kinesistest.Clock | kinesistest.ReadLimits | kinesistest.WriteLimits | kinesistest.ControlLimits | kinesistest.SlowConsumers | kinesistest.Distribution)
	for _, s := range []struct {
		name, endpoint string
		offers         kinesistest.Needs
		ends           string // a rule whose question ends the server's process
		fanOut         bool   // needs a first frame given to its answers to SubscribeToShard
	}{
		{"kinesis-local 0.6.2", "INTEROP_KINESIS_LOCAL", all, "", true},
		{"kinesalite 3.3.3", "INTEROP_KINESALITE", 0, "a list is of a stream or goes on", false},
		{"moto 5.2.5 (Kinesis)", "INTEROP_MOTO", all &^ kinesistest.FanOut, "", false},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			endpoint := os.Getenv(s.endpoint)
			if s.fanOut {
				endpoint = others.FanOut(t, endpoint, false).URL
			}
			var line others.Line
			rules, broken := 0, map[string]string{}
			for _, rule := range kinesistest.Rules() {
				switch {
				case rule.Needs&^s.offers != 0:
					continue
				case rule.Name == s.ends:
					broken[rule.Name] = "not asked"
				default:
					f := line.Ask(func() string {
						return kinesistest.Verdict(t, rule, kinesistest.Target{Endpoint: endpoint, HTTP: &line, Patience: 3 * time.Second})
					})
					if f != "" {
						broken[rule.Name] = f
					}
				}
				rules++
			}
			others.Compare(t, s.name, rules, broken)
		})
	}
}
