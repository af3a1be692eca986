package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
)

func line(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}

func TestEventTableShape(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, config.Log{Format: config.LogSnowflake, Level: config.LevelInfo})
	log.With("shard", "s-1").WithGroup("batch").Warn("message rejected", "body", "b", "level", 3, "msg", "m", "error", errors.New("bad"), "pw", config.NewSecret("hunter2"))
	got := line(t, out.String())
	if _, err := time.Parse(time.RFC3339Nano, got["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"severity_text": "WARN",
		"body":          "message rejected",
		"scope":         map[string]any{"name": "kinesis-snowflake"},
		"attributes": map[string]any{"shard": "s-1", "batch": map[string]any{
			"body": "b", "level": 3.0, "msg": "m", "error": "bad", "pw": "<secret>"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventTableLineWithoutAttributes(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, config.Log{Format: config.LogSnowflake}).Info("hello")
	got := line(t, out.String())
	delete(got, "timestamp")
	want := map[string]any{"severity_text": "INFO", "body": "hello", "scope": map[string]any{"name": "kinesis-snowflake"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFormats(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, config.Log{Format: config.LogJSON}).Info("hello", "a", 1)
	if got := line(t, out.String()); got["msg"] != "hello" || got["level"] != "INFO" || got["a"] != 1.0 {
		t.Errorf("got %v", got)
	}
	out.Reset()
	NewLogger(&out, config.Log{Format: config.LogText}).Info("hello", "a", 1)
	if got := out.String(); !strings.HasSuffix(got, "level=INFO msg=hello a=1\n") {
		t.Errorf("got %s", got)
	}
}

func TestLevels(t *testing.T) {
	for l, want := range map[config.LogLevel]slog.Level{
		config.LevelDebug: slog.LevelDebug, config.LevelInfo: slog.LevelInfo, config.LevelWarn: slog.LevelWarn, config.LevelError: slog.LevelError,
	} {
		for _, format := range []config.LogFormat{config.LogJSON, config.LogText, config.LogSnowflake} {
			log := NewLogger(&bytes.Buffer{}, config.Log{Format: format, Level: l})
			if !log.Enabled(t.Context(), want) || log.Enabled(t.Context(), want-1) {
				t.Errorf("%s %s is not the level", format, l)
			}
		}
	}
}
