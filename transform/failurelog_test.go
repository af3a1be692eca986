package transform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
)

func logLine(t *testing.T, o transform.FailureLogOptions, rec *row.Record) map[string]any {
	t.Helper()
	var out bytes.Buffer
	o.Logger = slog.New(slog.NewJSONHandler(&out, nil))
	o.Stream = "orders"
	l := transform.NewFailureLog(o)
	l.Log(t.Context(), rec, "shardId-000000000001", 2, &row.Failure{Stage: row.StageShape, Reason: "a JSON array, not an object"})
	if bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("not one line: %q", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	delete(line, "time")
	return line
}

func TestFailureLine(t *testing.T) {
	rec := &row.Record{
		Sequence: []byte("4965"), Subsequence: 3, PartitionKey: []byte("user-1"), Arrival: 1782907200120, Data: []byte("[1,2,3]"),
	}
	want := map[string]any{
		"level": "WARN", "msg": "message failed", "stream": "orders", "shard": "shardId-000000000001", "sequence": "4965", "subsequence": 3.0,
		"row": 2.0, "partition_key": "user-1", "arrival": "2026-07-01T12:00:00.120Z", "stage": "shape", "reason": "a JSON array, not an object",
		"payload_bytes": 7.0,
	}
	for _, c := range []struct {
		mode    transform.PayloadMode
		max     int
		payload any
	}{
		{transform.PayloadFull, 0, "WzEsMiwzXQ=="},
		{transform.PayloadCut, 3, "WzEs"},
		{transform.PayloadCut, 7, "WzEsMiwzXQ=="},
		{transform.PayloadCut, 100, "WzEsMiwzXQ=="},
		{transform.PayloadCut, 0, ""},
		{transform.PayloadNone, 100, nil},
		{"", 100, nil},
	} {
		delete(want, "payload")
		if c.payload != nil {
			want["payload"] = c.payload
		}
		got := logLine(t, transform.FailureLogOptions{Payload: c.mode, MaxBytes: c.max}, rec)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %d bytes (-want +got):\n%s", c.mode, c.max, diff)
		}
	}
}

func TestFailureLineNamesThePipeline(t *testing.T) {
	got := logLine(t, transform.FailureLogOptions{StreamID: "arn:aws:kinesis:eu-central-1:1:stream/orders@1700000000", Application: "a", Table: `"RAW"."KINESIS"."ORDERS"`}, &row.Record{})
	for key, want := range map[string]any{"stream_id": "arn:aws:kinesis:eu-central-1:1:stream/orders@1700000000", "application": "a", "table": `"RAW"."KINESIS"."ORDERS"`} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestPartitionKeyIsPrintable(t *testing.T) {
	for key, want := range map[string]string{
		"":                      "",
		"user 1":                "user 1",
		"Zürich \"東京\"":         "Zürich \"東京\"",
		"a\nb":                  `a\nb`,
		"\x1b[31m\"red\"":       `\x1b[31m\"red\"`,
		`a\nb`:                  `a\\nb`,
		"\u202egnp.exe":         `\u202egnp.exe`,
		"\xff":                  `\xff`,
		"a\u2028b":              `a\u2028b`,
		"\u00a0":                `\u00a0`,
		"\U000e0001tagged":      `\U000e0001tagged`,
		"replacement \ufffd ok": "replacement \ufffd ok",
	} {
		if got := logLine(t, transform.FailureLogOptions{}, &row.Record{PartitionKey: []byte(key)})["partition_key"]; got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}

func TestFailuresAreCounted(t *testing.T) {
	var out bytes.Buffer
	l := transform.NewFailureLog(transform.FailureLogOptions{Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError}))})
	var wg sync.WaitGroup
	for i, stage := range transform.Stages() {
		for range 100 * (i + 1) {
			wg.Go(func() { l.Log(context.Background(), &row.Record{}, "s", 0, &row.Failure{Stage: stage}) })
		}
	}
	wg.Wait()
	for i, stage := range transform.Stages() {
		if got, want := l.Count(stage), uint64(100*(i+1)); got != want {
			t.Errorf("%s: %d, want %d", stage, got, want)
		}
	}
	if l.Count("other") != 0 {
		t.Error("a stage that does not exist is counted")
	}
	if out.Len() != 0 {
		t.Errorf("a line below the logger's level: %q", out.String())
	}
}
