package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/replay"
)

// failedLog writes a log in which those of the stream's records failed for which that holds, each line twice.
func (b *bubble) failedLog(failed func(n int) bool) (name string, lines int) {
	b.t.Helper()
	var log strings.Builder
	fmt.Fprintln(&log, `{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"serving probes"}`)
	for rec := range b.kinesis.Records(ordersStream) {
		var doc struct{ N int }
		if err := json.Unmarshal(rec.Data, &doc); err != nil {
			b.t.Fatal(err)
		}
		if failed(doc.N) {
			for range 2 {
				fmt.Fprintf(&log, `{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"message failed","stream":"orders","shard":"%s","sequence":"%s","subsequence":0,"row":0,"arrival":"%s","stage":"validate","reason":"wrong"}`+"\n",
					rec.Shard, rec.Sequence, time.UnixMilli(rec.Arrival).UTC().Format(time.RFC3339Nano))
				lines++
			}
		}
	}
	name = filepath.Join(filepath.Dir(b.file), "failures.jsonl")
	if err := os.WriteFile(name, []byte(log.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return name, lines
}

// replay runs the command and returns its report.
func (b *bubble) replay(log string, args ...string) (code int, report replay.Report, stderr string) {
	b.t.Helper()
	code, out, stderr := b.answering("", append([]string{"replay", "-c", b.file, "--log", log, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		b.t.Fatalf("%v: %s\n%s", err, out, stderr)
	}
	return code, report, stderr
}

// unload takes rows out of the table, as if their messages had failed.
func (b *bubble) unload(where string) {
	b.t.Helper()
	if _, err := b.snowflake.Exec(b.t.Context(), `DELETE FROM `+ordersTable+` WHERE `+where); err != nil {
		b.t.Fatal(err)
	}
}

func TestReplayLoadsOnce(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(500)
		b.load()
		b.unload(`"N" >= 200 AND "N" < 240`)
		log, _ := b.failedLog(func(n int) bool { return n >= 200 && n < 240 || n == 7 })
		b.rows(460, 460)
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log, "--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, "would be loaded", "40 rows")
		b.rows(460, 460)
		code, report, stderr := b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Loaded] != 40 || report.Counts[replay.Present] != 1 || report.Rows != 40 || report.Lines != 82 || report.PassedOver != 1 {
			t.Errorf("%+v", report)
		}
		b.rows(500, 500)
		code, report, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Present] != 41 || report.Rows != 0 {
			t.Errorf("%+v", report)
		}
		b.rows(500, 500)
		b.put(100) // the connector goes on as if nothing had been
		b.load()
		b.rows(600, 600)
	})
}
