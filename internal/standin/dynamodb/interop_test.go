//go:build interop

package dynamodb_test

import (
	"os"
	"testing"

	"kinesis-snowflake/internal/standin/dynamodb/dynamodbtest"
	"kinesis-snowflake/internal/standin/others"
)

// TestInterop asks servers that others wrote what it asks of the stand-in.
func TestInterop(t *testing.T) {
	for _, s := range []struct {
		name, endpoint string
		can            dynamodbtest.Capabilities
	}{
		{"dynalite 4.0.0", "INTEROP_DYNALITE", dynamodbtest.Capabilities{Strict: true, UpdateIndexes: true}},
		{"moto 5.2.5 (DynamoDB)", "INTEROP_MOTO", dynamodbtest.All},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var line others.Line
			target := dynamodbtest.Target{Client: client(&line, os.Getenv(s.endpoint), once), Can: s.can}
			rules, broken := 0, map[string]string{}
			for rule, verdict := range dynamodbtest.Verdicts(t, target) {
				if f := line.Ask(verdict); f != "" {
					broken[rule] = f
				}
				rules++
			}
			others.Compare(t, s.name, rules, broken)
		})
	}
}
