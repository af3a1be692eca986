package config_test

import (
	"testing"

	"kinesis-snowflake/config"
)

// CloudWatch Logs always compresses, so its envelope alone must do.
func TestEnvelopeImpliesItsCompression(t *testing.T) {
	for decode, want := range map[string]config.Compression{
		"{}":                          config.CompressionNone,
		"{envelope: none}":            config.CompressionNone,
		"{envelope: cloudwatch-logs}": config.CompressionAuto,
		"{envelope: cloudwatch-logs, compression: gzip}": config.CompressionGzip,
		"{envelope: cloudwatch-logs, compression: none}": config.CompressionNone,
	} {
		file := "source: {stream: s, region: r, application: app}\nsink: {account: a, user: u, password: p, warehouse: w, database: d, schema: s}\ntransform:\n  decode: " + decode + "\n"
		p, err := config.Parse("p.yaml", []byte(file), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatalf("%s: %v", decode, err)
		}
		if got := p.Transform.Decode.Compression; got != want {
			t.Errorf("%s: compression %q, want %q", decode, got, want)
		}
	}
}
