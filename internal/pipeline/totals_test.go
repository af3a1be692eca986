package pipeline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/internal/standin/kinesis"
)

// lines are the attributes of the lines whose message begins so, as "key=value" in the order of keys.
func (l *logLines) lines(t *testing.T, message string, keys ...string) (out []string) {
	t.Helper()
	for text := range strings.Lines(l.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
		if !strings.HasPrefix(fmt.Sprint(line["msg"]), message) {
			continue
		}
		said := []string{fmt.Sprint(line["msg"])}
		for _, key := range keys {
			said = append(said, fmt.Sprint(key, "=", line[key]))
		}
		out = append(out, strings.Join(said, " "))
	}
	return out
}

func (s *stack) putAll(docs ...string) {
	s.t.Helper()
	var entries []kinesis.Entry
	for _, doc := range docs {
		entries = append(entries, kinesis.Entry{PartitionKey: "k", Data: []byte(doc)})
	}
	if err := s.kinesis.PutMany(stream, entries); err != nil {
		s.t.Fatal(err)
	}
}

const wantsID = "\ntransform: {json_schema: schema.json, steps: [{filter: 'kind != \"test\"'}]}\n"

// A run that ends well may have loaded nothing at all: its last line must not read as if all was there.
func TestCaughtUpTellsWhatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		docs []string
		want string
	}{
		"none failed": {[]string{`{"id":1}`, `{"id":2,"kind":"test"}`}, "caught up: everything that was in the stream is loaded rows=1 failed=0 filtered=1"},
		"all failed":  {[]string{`{}`, `{"id":"x"}`, `[`}, "caught up: everything that was in the stream is loaded, but for the messages that failed rows=0 failed=3 filtered=0"},
		"some failed": {[]string{`{"id":1}`, `{}`}, "caught up: everything that was in the stream is loaded, but for the messages that failed rows=1 failed=1 filtered=0"},
	} {
		t.Run(name, func(t *testing.T) {
			transform := shaped(t, wantsID)
			inStack(t, 1, func(t *testing.T, s *stack) {
				s.putAll(c.docs...)
				cfg := s.config("worker")
				cfg.Transform = transform
				run := s.start(cfg, true)
				run.end(t)
				if got := run.log.lines(t, "caught up", "rows", "failed", "filtered"); len(got) != 1 || got[0] != c.want {
					t.Errorf("got  %q\nwant %q", got, c.want)
				}
			})
		})
	}
}

// A worker that stays says at each interval that it works, though no row comes of what it reads.
func TestBatchOfFailuresAloneIsTold(t *testing.T) {
	transform := shaped(t, wantsID)
	inStack(t, 1, func(t *testing.T, s *stack) {
		cfg := s.config("worker")
		cfg.Transform = transform
		run := s.start(cfg, false)
		s.putAll(`{}`, `{"id":1,"kind":"test"}`, `{}`)
		run.until(t, func(p Progress) bool { return p.Tally.Failed == 2 })
		<-time.After(time.Minute) // nothing is read: nothing is said
		s.putAll(`{"id":1,"kind":"test"}`)
		run.until(t, func(p Progress) bool { return p.Tally.Filtered == 2 })
		run.stop()
		run.end(t)
		got := run.log.lines(t, "nothing to commit", "failed", "filtered")
		const text = "nothing to commit: all that was read failed or was filtered out"
		if len(got) != 2 || got[0] != text+" failed=2 filtered=1" || got[1] != text+" failed=0 filtered=1" {
			t.Errorf("said %q", got)
		}
	})
}

// Violations that are loaded are told of ten times a minute, counted in full, and each line says of which shard it is.
func TestViolationsThatAreLoadedAreCounted(t *testing.T) {
	transform := shaped(t, "\ntransform: {json_schema: schema.json, schema_mode: warn}\n")
	inStack(t, 1, func(t *testing.T, s *stack) {
		cfg := s.config("worker")
		cfg.Transform = transform
		docs := []string{`{"id":1}`}
		for range 25 {
			docs = append(docs, `{"id":"x"}`)
		}
		s.putAll(docs...)
		run := s.start(cfg, false)
		run.until(t, func(p Progress) bool { return p.Tally.Violations == 25 })
		<-time.After(2 * time.Minute)
		s.putAll(`{"id":2}`)
		run.until(t, func(p Progress) bool { return p.Tally.Loaded == 27 })
		if got := run.log.lines(t, "more messages", "messages"); len(got) != 1 || !strings.HasSuffix(got[0], " messages=15") {
			t.Errorf("the others: %q", got)
		}
		run.stop()
		run.end(t)
		if got := run.log.lines(t, "message violates", "stream", "shard"); len(got) != 10 || !strings.HasSuffix(got[0], " stream=orders shard=shardId-000000000000") {
			t.Errorf("lines %q", got)
		}
		if got := run.log.lines(t, "batch committed", "rows", "violations"); len(got) != 2 || got[0] != "batch committed rows=26 violations=25" || got[1] != "batch committed rows=1 violations=0" {
			t.Errorf("batches %q", got)
		}
	})
	inStack(t, 1, func(t *testing.T, s *stack) {
		cfg := s.config("worker")
		cfg.Transform = transform
		for range 12 {
			s.putAll(`{"id":"x"}`)
		}
		run := s.start(cfg, true)
		run.end(t)
		if got := run.log.lines(t, "more messages", "messages"); len(got) != 1 || !strings.HasSuffix(got[0], " messages=2") {
			t.Errorf("the others at the end: %q", got)
		}
		if got := run.log.lines(t, "caught up", "rows", "violations"); len(got) != 1 || !strings.HasSuffix(got[0], " rows=12 violations=12") {
			t.Errorf("%q", got)
		}
	})
}
