package reader

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Missing credentials are the most common first fault, and no matter of the network.
func TestMissingCredentialsAreSaid(t *testing.T) {
	cause := fmt.Errorf("operation error Kinesis: DescribeStreamSummary, get identity: get credentials: %w", errors.New("no EC2 IMDS role found"))
	err := Explain("describe stream orders", "DescribeStreamSummary", "orders", cause)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "source.access_key_id") || strings.Contains(err.Error(), "network") {
		t.Error(err)
	}
}
