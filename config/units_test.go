package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "1048576": 1 << 20, "1B": 1, "64KB": 64_000, "128MiB": 128 << 20, "512 MiB": 512 << 20, "2TB": 2e12, "1TiB": 1 << 40,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "+1", "1.5GiB", "1mib", "1 M", "1MB ", "1 ", " 1MB", "1iB", "1BB", "8388608TiB", "9223372036854775808", "1e3", "１MiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour,
		"1.5s": 1500 * time.Millisecond, "100us": 100 * time.Microsecond, "106751d": 106751 * day,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "30", "-1s", "+1s", "1d-1h", "1d+1h", "1h1d", "1dd", "1d1d", "106752d", "106751d24h", "999999999d", "1 d", "soon"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

func TestUnitsReadWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Size(rapid.Int64Range(0, 1<<63-1).Draw(t, "size"))
		if got, err := ParseSize(s.String()); err != nil || got != s {
			t.Fatalf("%d is written as %s and read as %d, %v", s, s, got, err)
		}
		d := time.Duration(rapid.Int64Range(0, 1<<63-1).Draw(t, "duration"))
		if rapid.Bool().Draw(t, "whole") {
			d = d.Truncate(time.Minute)
		}
		if got, err := ParseDuration(durationText(d)); err != nil || got != d {
			t.Fatalf("%d is written as %s and read as %d, %v", d, durationText(d), got, err)
		}
	})
}
