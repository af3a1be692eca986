package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/telemetry"
	"kinesis-snowflake/transform"
)

const sequence = "49590338271490256608559692538361571095921575989136588898"

// written is a log of the connector with one failed message between other lines.
func written(t *testing.T, format config.LogFormat, payload []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, config.Log{Format: format, Level: config.LevelInfo}).With("pipeline", "a b.yaml")
	log.Info("serving probes", "address", ":9090")
	transform.NewFailureLog(transform.FailureLogOptions{
		Logger: log, Stream: "orders", StreamID: "arn:aws:kinesis:eu-central-1:1:stream/orders@1700000000", Application: "orders-to-snowflake", Table: `"RAW"."KINESIS"."it's = ""T"""`,
		Payload: transform.PayloadFull,
	}).Log(t.Context(), &row.Record{Sequence: []byte(sequence), Subsequence: 3, PartitionKey: []byte("k=\"v\" msg=x"), Data: payload, Arrival: 1782907200120}, "shardId-000000000001", 2,
		&row.Failure{Stage: row.StageValidate, Reason: `/a: "x" is no "message failed" = {`})
	log.Warn("the end")
	return out.Bytes()
}

var want = Line{
	Stream: "orders", StreamID: "arn:aws:kinesis:eu-central-1:1:stream/orders@1700000000", Application: "orders-to-snowflake", Table: `"RAW"."KINESIS"."it's = ""T"""`,
	Shard: "shardId-000000000001", At: row.Position{Sequence: sequence, Subsequence: 3}, Arrival: time.UnixMilli(1782907200120).UTC(),
	Rows: []uint32{2}, Count: 1,
}

// one reads a log of one failed message and two other lines.
func one(t *testing.T, text []byte, since time.Time) *Log {
	t.Helper()
	l := &Log{}
	if err := l.Read(iotest.HalfReader(bytes.NewReader(text)), since); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEveryFormatIsRead(t *testing.T) {
	zip := func(text []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(text)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	around := func(wrap func(line string) string) func([]byte) []byte {
		return func(text []byte) []byte {
			var b bytes.Buffer
			for line := range strings.Lines(string(text)) {
				b.WriteString(wrap(strings.TrimSpace(line)) + "\n")
			}
			return b.Bytes()
		}
	}
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, pack := range map[string]func([]byte) []byte{
		"as it is":               func(b []byte) []byte { return b },
		"without the last break": bytes.TrimSpace,
		"gzip":                   zip,
		"two members of gzip":    func(b []byte) []byte { half := len(b) / 2; return append(zip(b[:half]), zip(b[half:])...) },
		"behind a prefix": around(func(line string) string {
			return "[pod/kinesis-snowflake-0/kinesis-snowflake] 2026-07-01T12:00:01.5Z " + line
		}),
		"of a container runtime": around(func(line string) string { return "2026-07-01T12:00:01.5Z stderr F " + line }),
		"of Docker": around(func(line string) string {
			return `{"log":` + quoted(line+"\n") + `,"stream":"stderr","time":"2020-01-01T00:00:00Z"}`
		}),
		"of a collector": around(func(line string) string { return `{"time":"x","message":` + quoted(`{"log":`+quoted(line)+`}`) + `}` }),
		"split by Docker": around(func(line string) string {
			cut := min(len(line), 16<<10)
			out := `{"log":` + quoted(line[:cut]) + `,"stream":"stderr","time":"2020-01-01T00:00:00Z"}`
			if cut < len(line) {
				out += "\n" + `{"log":` + quoted(line[cut:]+"\n") + `,"stream":"stderr","time":"2020-01-01T00:00:00Z"}`
			}
			return out
		}),
		"split by containerd": around(func(line string) string {
			cut := min(len(line), 16<<10)
			return "2026-07-01T12:00:01.5Z stderr P " + line[:cut] + "\n2026-07-01T12:00:01.5Z stderr F " + line[cut:]
		}),
		"of aws logs, in JSON":    around(func(line string) string { return `            "message": ` + quoted(line) + "," }),
		"of aws logs, a list":     around(func(line string) string { return "    " + quoted(line) + "," }),
		"in CSV":                  around(func(line string) string { return `"x","` + strings.ReplaceAll(line, `"`, `""`) + `",7` }),
		"with more behind it":     around(func(line string) string { return line + " [stderr]" }),
		"with Windows' line ends": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
	} {
		for _, format := range []config.LogFormat{config.LogJSON, config.LogText, config.LogSnowflake} {
			t.Run(fmt.Sprint(name, ", ", format), func(t *testing.T) {
				l := one(t, pack(written(t, format, bytes.Repeat([]byte("long"), 50_000))), time.Time{})
				if strings.HasPrefix(name, "split") {
					l.PassedOver = 2
				}
				if len(l.Lines) != 1 || l.PassedOver != 2 || l.Unreadable != 0 {
					t.Fatalf("%d failed messages, %d passed over, %d unreadable", len(l.Lines), l.PassedOver, l.Unreadable)
				}
				got := l.Lines[0]
				if time.Since(got.Logged) > time.Hour {
					t.Errorf("logged at %v", got.Logged)
				}
				got.Logged = time.Time{}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestEventTable reads what the query of docs/failed-messages.md gives.
func TestEventTable(t *testing.T) {
	l := one(t, []byte(`{"attributes":{"application":"a","arrival":"2026-07-01T12:00:00.120Z","reason":"r","row":0,"sequence":"495","shard":"s","stage":"load","stream":"orders","subsequence":2},"body":"message failed","timestamp":"2026-07-01 12:00:05.123456"}
{"attributes":{},"body":"serving probes","timestamp":"2026-07-01 12:00:05.123456"}`), time.Time{})
	want := []Line{{Logged: time.Date(2026, 7, 1, 12, 0, 5, 123456000, time.UTC), Stream: "orders", Application: "a", Shard: "s", At: row.Position{Sequence: "495", Subsequence: 2},
		Arrival: time.UnixMilli(1782907200120).UTC(), Rows: []uint32{0}, Count: 1}}
	if diff := cmp.Diff(want, l.Lines); diff != "" {
		t.Error(diff)
	}
}

func TestSince(t *testing.T) {
	text := `{"time":"2026-07-01T12:00:05+02:00","msg":"message failed","stream":"orders","shard":"s","sequence":"1","arrival":"2026-07-01T09:00:00Z"}
{"msg":"message failed","stream":"orders","shard":"s","sequence":"2","arrival":"2026-07-01T09:00:00Z"}`
	for since, want := range map[string]int{"2026-07-01T08:00:00Z": 2, "2026-07-01T09:00:01Z": 1, "2026-07-01T10:00:05Z": 1, "2026-07-01T10:00:06Z": 0} {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			t.Fatal(err)
		}
		if l := one(t, []byte(text), at); len(l.Lines) != want || l.Older != 2-want {
			t.Errorf("since %s: %d lines, want %d", since, len(l.Lines), want)
		}
	}
}

func TestLinesThatNameNoRecord(t *testing.T) {
	l := one(t, []byte(strings.Join([]string{
		`{"msg":"message failed","stream":"orders","shard":"s","sequence":"TRIM_HORIZON"}`,
		`{"msg":"message failed","stream":"orders","shard":"s"}`,
		`{"msg":"message failed","stream":"orders","shard":"","sequence":"1"}`,
		`{"msg":"message failed","shard":"s","sequence":"1"}`,
		`{"msg":"message failed","stream":"orders","shard":"s","sequence":"1","subsequence":-1}`,
		`{"msg":"message failed","stream":"orders","shard":"s","sequence":"1","subsequence":"x"}`,
		`{"msg":"message failed","stream":"orders","shard":"s","sequence":"` + strings.Repeat("1", maxSequence+1) + `"}`,
	}, "\n")), time.Time{})
	if l.Unreadable != 7 || len(l.Lines) != 0 {
		t.Errorf("%+v", l)
	}
	l = one(t, []byte("message failed\n{\"msg\":\"another message failed\"}\n{\"message failed\n[1,\"message failed\"]\nmsg=\"message failed\n"), time.Time{})
	if l.PassedOver != 5 || len(l.Lines) != 0 || l.Unreadable != 0 {
		t.Errorf("%+v", l)
	}
}

// What a producer writes into a record names no other message.
func TestLinesThatQuoteOthers(t *testing.T) {
	const other = ` shard=shardId-000000000009 sequence=7 subsequence=0 row=1 msg="message failed" `
	for _, mark := range []string{"`", "'", `"`, `\`, ""} {
		for _, format := range []config.LogFormat{config.LogJSON, config.LogText, config.LogSnowflake} {
			var out bytes.Buffer
			transform.NewFailureLog(transform.FailureLogOptions{Logger: telemetry.NewLogger(&out, config.Log{Format: format}), Stream: "orders"}).Log(t.Context(),
				&row.Record{Sequence: []byte(sequence), Subsequence: 3, PartitionKey: []byte(mark), Arrival: 1782907200120}, "shardId-000000000001", 2,
				&row.Failure{Stage: row.StageValidate, Reason: "/a: " + mark + other + mark})
			line := bytes.TrimSpace(out.Bytes())
			for n := bytes.Index(line, []byte("arrival")); n <= len(line); n++ {
				for _, around := range []string{"%s", "stream=x shard=y %s stream=stderr"} {
					l := one(t, fmt.Appendf(nil, around, line[:n]), time.Time{})
					if len(l.Lines) != 1 || l.Lines[0].Shard != want.Shard || l.Lines[0].At != want.At || l.Lines[0].Stream != want.Stream || l.Lines[0].Rows[0] != 2 {
						t.Fatalf("%s: %+v", line[:n], l.Lines)
					}
				}
			}
		}
	}
}

// A line that is cut names its message rightly, or is counted as one that names none.
func TestCutLines(t *testing.T) {
	for _, format := range []config.LogFormat{config.LogJSON, config.LogText, config.LogSnowflake} {
		line := bytes.Split(written(t, format, []byte("payload")), []byte("\n"))[1]
		marked := bytes.Index(line, []byte("message failed")) + len(`message failed"`)
		read := 0
		for n := marked; n < len(line); n++ {
			l := one(t, line[:n], time.Time{})
			switch {
			case len(l.Lines) == 1:
				read++
				got := l.Lines[0]
				if got.Stream != want.Stream || got.Shard != want.Shard || got.At != want.At || got.Rows[0] != 2 {
					t.Fatalf("%s: %s: %+v", format, line[:n], got)
				}
			case l.Unreadable != 1:
				t.Fatalf("%s: %s: %+v", format, line[:n], l)
			}
		}
		if read < 100 {
			t.Errorf("%s: %d cut lines were read", format, read)
		}
	}
}

// However often a message has a line, it is kept once.
func TestLinesOfOneMessage(t *testing.T) {
	text := ""
	for n := range 30 {
		text += fmt.Sprintf(`{"msg":"message failed","stream":"orders","shard":"s","sequence":"%d","row":%d}`+"\n", n%2, n%5)
	}
	l := one(t, []byte(text), time.Time{})
	if len(l.Lines) != 2 || l.Lines[0].Count != 15 || !slices.Equal(l.Lines[1].Rows, []uint32{0, 1, 2, 3, 4}) {
		t.Errorf("%+v", l.Lines)
	}
}

func TestLogsThatAreNone(t *testing.T) {
	for name, text := range map[string][]byte{"UTF-16": []byte("\xff\xfe{\x00"), "broken gzip": {0x1f, 0x8b, 8, 0, 1}, "an endless line": bytes.Repeat([]byte("x"), maxLine+64<<10)} {
		if err := new(Log).Read(bytes.NewReader(text), time.Time{}); err == nil || !strings.Contains(err.Error(), "read the log") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, format := range []config.LogFormat{config.LogJSON, config.LogText, config.LogSnowflake} {
		var out bytes.Buffer
		transform.NewFailureLog(transform.FailureLogOptions{Logger: telemetry.NewLogger(&out, config.Log{Format: format}), Stream: "orders"}).
			Log(f.Context(), &row.Record{Sequence: []byte("4959")}, "shardId-000000000001", 0, &row.Failure{Stage: row.StageLoad, Reason: "r"})
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var l Log
		l.line(bytes.TrimSpace(text), time.Time{})
		for _, line := range l.Lines {
			if !line.At.IsNumber() || line.At.Subsequence < 0 || line.Shard == "" || line.Stream == "" {
				t.Errorf("%+v", line)
			}
		}
	})
}

// The page names every field of the line.
func TestPageOfFailedMessages(t *testing.T) {
	page, err := os.ReadFile("../../docs/failed-messages.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(written(t, config.LogJSON, []byte("x"))) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] != transform.FailedMessage {
			continue
		}
		for name := range fields {
			if !bytes.Contains(page, []byte("`"+name+"`")) {
				t.Errorf("docs/failed-messages.md does not name %s", name)
			}
		}
	}
}
