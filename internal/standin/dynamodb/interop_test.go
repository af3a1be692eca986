//go:build interop

package dynamodb_test

import (
	"net/http"
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
			verdicts := dynamodbtest.Verdicts(t, dynamodbtest.Target{Client: client(&http.Transport{DisableKeepAlives: true}, os.Getenv(s.endpoint), once), Can: s.can})
			broken := map[string]string{}
			for rule, f := range verdicts {
				if f != "" {
					broken[rule] = f
				}
			}
			others.Compare(t, s.name, len(verdicts), broken)
		})
	}
}
