package main

import (
	"encoding/json"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

func TestReplayNamesTheMissingGrant(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		b.unload(`"N" = 3`)
		log, _ := b.failedLog(func(n int) bool { return n == 3 })
		b.snowflake.Deny("SELECT", "RAW.KINESIS.ORDERS")
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		has(t, stderr, `GRANT SELECT ON TABLE "RAW"."KINESIS"."ORDERS" to the role: a replay looks which rows are there already`)
		if report.Unknown != 1 {
			t.Errorf("%+v", report)
		}
		b.snowflake.Allow("SELECT", "RAW.KINESIS.ORDERS")
		if _, err := b.snowflake.Exec(t.Context(), `ALTER TABLE `+ordersTable+` DROP COLUMN "KINESISMETADATA"`); err != nil {
			t.Fatal(err)
		}
		code, _, stderr = b.replay(log)
		wants(t, 1, code, stderr)
		has(t, stderr, "the table has no column KINESISMETADATA, so it cannot be told which messages it holds")
		b.rows(9, 9)
	})
}

func TestReplayUsage(t *testing.T) {
	good := pipelineFile(t, "good", quiet)
	for name, tt := range map[string]struct {
		args   []string
		stderr string
	}{
		"without file":  {[]string{"replay", "--log", "x"}, `required flag(s) "config" not set`},
		"without log":   {[]string{"replay", "-c", good}, `required flag(s) "log" not set`},
		"since when":    {[]string{"replay", "-c", good, "--log", "x", "--since", "monday"}, `--since is "monday"; it must be a time with its zone, like`},
		"no such log":   {[]string{"replay", "-c", good, "--log", "/none.jsonl"}, "open --log: open /none.jsonl"},
		"with argument": {[]string{"replay", "-c", good, "--log", "x", "more"}, `"more" is not expected: kinesis-snowflake replay takes no arguments`},
	} {
		t.Run(name, func(t *testing.T) {
			p, b := setup(notRun)
			if code := p.execute(tt.args); code != 2 {
				t.Errorf("exit code %d", code)
			}
			has(t, b.stderr.String(), tt.stderr)
		})
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "2026-11-22T09:00:00Z": now.Add(-3 * time.Hour), "2026-11-22T09:00:00.5+05:30": now.Add(-8*time.Hour - 30*time.Minute + 500*time.Millisecond),
		"90m": now.Add(-90 * time.Minute), "24h": now.Add(-24 * time.Hour), "7d": now.AddDate(0, 0, -7), "0s": now,
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"2026-11-22", "2026-11-22T09:00:00", "-1h", "-7d", "7", "1.5d", "d"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestReplayOfALogWithoutFailedMessages(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log, _ := b.failedLog(func(int) bool { return false })
		_, out, _ := b.answering("", "replay", "-c", b.file, "--log", log)
		has(t, out, "note: no line of the log is a failed message's; it has 1 line")
		b.append(log, failed(shard0, "4959", 0)[:150])
		_, out, _ = b.answering("", "replay", "-c", b.file, "--log", log)
		has(t, out, "note: 1 line of failed messages passed over, for not saying which record it was")
	})
}

// A replay that cannot begin says why, and nothing of a log that it did not look at.
func TestReplayThatCannotBegin(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(1)
		log, _ := b.failedLog(func(int) bool { return true })
		b.kinesis.SetHooks(kinesis.Hooks{Before: func(kinesis.Call) *kinesis.Fault {
			return &kinesis.Fault{Code: "ResourceNotFoundException", Message: "no such stream"}
		}})
		for _, args := range [][]string{nil, {"--json"}} {
			code, out, stderr := b.answering("", append([]string{"replay", "-c", b.file, "--log", log}, args...)...)
			wants(t, 1, code, stderr)
			has(t, stderr, "stream orders")
			if out != "" {
				t.Errorf("standard output has %s", out)
			}
		}
	})
}

func TestReplayJSON(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		b.put(10)
		b.load()
		b.unload(`"N" = 3`)
		log, _ := b.failedLog(func(n int) bool { return n == 3 })
		_, out, _ := b.answering("", "replay", "-c", b.file, "--log", log, "--json")
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"pipeline", "stream", "table", "dry_run", "lines", "lines_before_since", "lines_of_others", "lines_unreadable", "lines_passed_over", "messages", "counts",
			"rows_loaded", "rescued", "left", "messages_not_judged"} {
			if _, ok := got[key]; !ok {
				t.Errorf("no %s: %s", key, out)
			}
		}
	})
}
