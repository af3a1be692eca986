//go:build interop

package dynamodb_test

import (
	"net/http"
	"os"
	"testing"

	"kinesis-snowflake/internal/standin/dynamodb/dynamodbtest"
)

// TestInterop holds the suite against somebody else's implementation, whose
// address is in DYNAMODB_ENDPOINT: npm dynalite 4.0.0 has none of the
// capabilities.
func TestInterop(t *testing.T) {
	dynamodbtest.Run(t, func(testing.TB) dynamodbtest.Target {
		return dynamodbtest.Target{Client: client(http.DefaultTransport, os.Getenv("DYNAMODB_ENDPOINT"))}
	})
}
