package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/replay"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
	"kinesis-snowflake/source/kpl/kpltest"
)

// transform writes the pipeline file anew, with a transform, and a JSON Schema beside it.
func (b *bubble) transform(transform, schema string) {
	b.t.Helper()
	b.configure("TRIM_HORIZON")
	text, err := os.ReadFile(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, text := range map[string]string{b.file: string(text) + "transform: " + transform + "\n", filepath.Join(filepath.Dir(b.file), "schema.json"): schema} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// logged runs the pipeline as a worker that writes its log to a file, until what is returned is called.
func (b *bubble) logged(name string, format config.LogFormat, until bool) (end func()) {
	b.t.Helper()
	pipelines, err := config.Load(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- pipeline.Run(ctx, pipelines[0], pipeline.RunOptions{UntilCaughtUp: until, Logger: telemetry.NewLogger(&lineWriter{w: file}, config.Log{Format: format, Level: config.LevelInfo}),
			KinesisTransport: b.kinesis.RoundTripper(), DynamoDBTransport: b.dynamodb.RoundTripper(), SnowflakeTransport: b.snowflake.RoundTripper()})
	}()
	return func() {
		if !until {
			stop()
		}
		if err := <-done; err != nil {
			b.t.Error(err)
		}
		stop()
		if err := file.Close(); err != nil {
			b.t.Error(err)
		}
	}
}

const (
	wrongSchema  = `{"type": "object", "properties": {"n": {"type": "integer", "not": {"multipleOf": 100}}}}`
	mendedSchema = `{"type": "object", "properties": {"n": {"type": "integer"}}}`
	withSchema   = `{json_schema: schema.json}`
)

// One message in a hundred fails by a wrong schema, those last in the stream among them. Once it is mended, replays load each
// once: killed at any request, run again, and beside a worker.
func TestReplayAfterTheSchemaWasMended(t *testing.T) {
	for _, format := range []config.LogFormat{config.LogJSON, config.LogSnowflake, config.LogText} {
		t.Run(string(format), func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, b *bubble) {
				const all = 5000
				log := filepath.Join(filepath.Dir(b.file), "connector.log")
				b.transform(withSchema, wrongSchema)
				end := b.logged(log, format, false)
				b.put(all - 100)
				<-time.After(20 * time.Second)
				for _, n := range []int{all, all + 100, all + 200, all + 300} { // no row comes after these
					b.sent = n
					b.put(1)
				}
				b.sent = all - 100
				<-time.After(20 * time.Second)
				end()
				b.rows(4851, 4851)

				code, report, stderr := b.replay(log) // nothing is mended yet
				wants(t, 1, code, stderr)
				if report.Messages != 53 || report.Counts[replay.Failed] != 53 {
					t.Fatalf("%+v", report)
				}
				has(t, strings.Join(reasons(report), "\n"), "failed: validate:", "/n")

				b.transform(withSchema, mendedSchema)
				for n := range 12 {
					b.replayKilled(log, 4*n+1, n%2 == 0)
				}
				end = b.logged(log, format, false)
				var replays sync.WaitGroup
				replays.Go(func() { b.answering("", "replay", "-c", b.file, "--log", log) })
				b.put(100)
				<-time.After(time.Minute)
				replays.Wait()
				end()
				for range 2 {
					code, report, stderr = b.replay(log)
					wants(t, 0, code, stderr)
				}
				if report.Counts[replay.Present] != 53 {
					t.Errorf("%+v", report)
				}
				b.rows(all+4, all+4)
			})
		})
	}
}

// Of a record of several documents, some in the table and some not, a replay adds what is missing.
func TestReplayOfPartsOfARecord(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		const several = `{json_schema: schema.json, decode: {framing: lines}, steps: [{unnest: {path: items}}]}`
		b.transform(several, `{"properties": {"n": {"maximum": 99}}}`)
		put := func(data []byte) {
			if _, _, err := b.kinesis.Put(ordersStream, "k", data); err != nil {
				t.Fatal(err)
			}
		}
		doc := func(n int) string { return fmt.Sprintf(`{"n": %d, "items": [{"sku": 1}, {"sku": 2}, {"sku": 3}]}`, n) }
		put([]byte(doc(1) + "\n" + doc(100) + "\n" + doc(2)))
		put([]byte(doc(101) + "\nno JSON\n" + doc(3)))
		put(kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte(doc(4) + "\n" + doc(102))}, kpltest.Record{PartitionKey: "b", Data: []byte(doc(5))}))
		b.logged(log, config.LogJSON, true)()
		b.rows(15, 5)
		b.transform(several, `{}`)
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Messages != 3 || report.Counts[replay.Loaded] != 2 || report.Counts[replay.Failed] != 1 || report.Rows != 9 {
			t.Errorf("%+v", report)
		}
		b.rows(24, 8)
		if left := report.Left; len(left) != 1 || left[0].Row == nil || *left[0].Row != 1<<16 { // the second document
			t.Errorf("%+v", left)
		}
		code, report, stderr = b.replay(log)
		wants(t, 1, code, stderr)
		if report.Rows != 0 || report.Counts[replay.Present] != 2 {
			t.Errorf("%+v", report)
		}
		b.rows(24, 8)

		// A transform that numbers the rows otherwise cannot tell which are missing.
		b.unload(`"N" = 100`)
		b.transform(`{decode: {framing: lines}}`, `{}`)
		code, report, stderr = b.replay(log)
		wants(t, 1, code, stderr)
		if report.Rows != 0 || report.Counts[replay.Renamed] != 3 {
			t.Errorf("%+v", report)
		}
		b.rows(21, 7)
	})
}

// Messages that fail for the same fault are told together, whatever their values, each with its row where its record makes several; and
// of a dry run it is not said what would be so after a replay.
func TestReplayTellsLikeFaultsTogether(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		b.transform(`{json_schema: schema.json, decode: {framing: lines}}`, `{"properties": {"n": {"maximum": 10}}}`)
		b.send(`{"n": 11}`, "{\"n\": 1}\n{\"n\": 120}", `{"n": 12}`)
		b.logged(log, config.LogJSON, true)()
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log, "--dry-run")
		wants(t, 1, code, stderr)
		has(t, stderr, "not all failed messages would be in the table after a replay")
		has(t, out, "\n3 messages: fail still: validate: /n: maximum: must be <= 10", ":0, row 1\n")
		if n := strings.Count(out, "fail still: "); n != 1 {
			t.Errorf("%d groups: %s", n, out)
		}
		b.transform(`{json_schema: schema.json, decode: {framing: lines}}`, `{"properties": {"n": {"maximum": 100}}}`)
		_, _, stderr = b.answering("", "replay", "-c", b.file, "--log", log)
		has(t, stderr, "loaded 2 rows\n")
		b.unload(`"N" = 11`)
		_, _, stderr = b.answering("", "replay", "-c", b.file, "--log", log)
		has(t, stderr, "loaded 1 row\n")
	})
}

// Two unnest steps number rows as they come. Where an element of the outer array failed as one row and makes two now, those after
// it are numbered otherwise, and nothing is loaded; where it makes one, its row is.
func TestReplayOfRowsWhoseNumbersShift(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		b.transform(`{steps: [{unnest: {path: a}}, {unnest: {path: a.b}}]}`, "{}")
		b.send(`{"n": 1, "a": [{"b": "x,y"}, {"b": [1, 2]}]}`, `{"n": 2, "a": [{"b": "x"}, {"b": [1, 2]}]}`, `{"n": 3, "a": [{"b": "x,y"}, {"b": "z"}]}`)
		b.logged(log, config.LogJSON, true)()
		b.rows(4, 2)
		b.transform(`{steps: [{unnest: {path: a}}, {set: {a.b: 'type(a.b) == "string" ? split(a.b, ",") : a.b'}}, {unnest: {path: a.b}}]}`, "{}")
		for range 2 {
			code, report, stderr := b.replay(log)
			wants(t, 1, code, stderr)
			if report.Messages != 3 || report.Counts[replay.Loaded]+report.Counts[replay.Present] != 2 || report.Counts[replay.Renamed] != 1 {
				t.Errorf("%+v", report)
			}
			has(t, strings.Join(reasons(report), "\n"), "renumbered: it has rows in the table")
			b.rows(8, 3)
		}
		b.unload(`"N" = 1`)
		code, _, stderr := b.replay(log)
		wants(t, 0, code, stderr)
		b.rows(10, 3)
	})
}

// A message that today's filter leaves out is no longer a failed one.
func TestReplayOfWhatAFilterLeavesOut(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		b.transform(withSchema, wrongSchema)
		b.put(101)
		b.logged(log, config.LogJSON, true)()
		b.transform(`{steps: [{filter: n < 100}]}`, "{}")
		code, report, stderr := b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Loaded] != 1 || report.Counts[replay.NoRow] != 1 {
			t.Errorf("%+v", report)
		}
		b.rows(100, 100)
	})
}

// A row that Snowflake refused has a line, too, and is loaded once the table takes it.
func TestReplayOfARowThatSnowflakeRefused(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		refuse := true
		b.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			if refuse && strings.HasPrefix(e.SQL, "COPY INTO") {
				return &snowflake.Fault{Err: &snowflake.Error{Code: "100038", State: "22018", Message: "Numeric value 'x' is not recognized"}}
			}
			return nil
		}})
		b.put(1)
		b.logged(log, config.LogJSON, true)()
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Failed] != 1 || report.Rows != 0 {
			t.Errorf("%+v", report)
		}
		has(t, strings.Join(reasons(report), "\n"), "failed: load: COPY INTO")
		refuse = false
		code, report, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		if report.Counts[replay.Loaded] != 1 {
			t.Errorf("%+v", report)
		}
		b.rows(1, 1)
	})
}

// More rows may be refused than a batch of the connector leaves out.
func TestReplayOfManyRowsThatAreRefused(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bubble) {
		b.put(150)
		b.load()
		b.unload(`"N" < 140`)
		log, _ := b.failedLog(func(n int) bool { return n < 140 })
		b.snowflake.SetHooks(snowflake.Hooks{Before: func(e snowflake.Event) *snowflake.Fault {
			if strings.HasPrefix(e.SQL, "COPY INTO") {
				return &snowflake.Fault{Err: &snowflake.Error{Code: "100038", State: "22018", Message: "Numeric value 'x' is not recognized"}}
			}
			return nil
		}})
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Failed] != 140 || report.Rows != 0 {
			t.Errorf("%+v: %s", report.Counts, stderr)
		}
		b.snowflake.SetHooks(snowflake.Hooks{})
		code, _, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		b.rows(150, 150)
	})
}

// A row without a value for a column that must have one is left out, and the others of its message are loaded.
func TestReplayOfRowsThatLackAValue(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		b.transform(`{decode: {framing: lines}, columns: {sku: {type: "NUMBER(38,0)", not_null: true}}}`, "{}")
		put := func(data string) {
			if _, _, err := b.kinesis.Put(ordersStream, "k", []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		put(`{"n": 1, "sku": 1}` + "\n" + `{"n": 1, "sku": 2}`)
		put(`{"n": 2, "sku": 1}` + "\n" + `{"n": 2, "other": 2}` + "\n" + `{"n": 2, "other": 3}`)
		put(`{"n": 3, "sku": 1}`)
		b.logged(log, config.LogJSON, true)()
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "message failed"); n != 2 {
			t.Fatalf("%d failed: %s", n, text)
		}
		b.rows(4, 3)
		code, report, stderr := b.replay(log)
		wants(t, 1, code, stderr)
		if report.Messages != 1 || report.Counts[replay.Failed] != 1 || report.Rows != 0 {
			t.Errorf("%+v", report)
		}
		has(t, strings.Join(reasons(report), "\n"), "failed: validate: no value that fits column")
		b.unload(`"N" = 2`)
		code, report, stderr = b.replay(log, "--dry-run")
		wants(t, 1, code, stderr)
		if report.Counts[replay.Failed] != 1 || report.Rows != 1 {
			t.Errorf("a dry run: %+v", report)
		}
		code, report, stderr = b.replay(log)
		wants(t, 1, code, stderr)
		if report.Counts[replay.Failed] != 1 || report.Rows != 1 {
			t.Errorf("%+v", report)
		}
		b.rows(4, 3)
	})
}

// Values of replayed rows that do not fit their columns are counted by column and reason, beforehand and afterwards alike.
func TestReplayTellsWhatIsRescued(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bubble) {
		log := filepath.Join(filepath.Dir(b.file), "connector.log")
		b.transform(withSchema, `{"properties": {"n": {"type": "integer"}}}`)
		b.send(`{"n": 1, "w": true}`, `{"n": "x", "w": true}`, `{"n": "y", "w": 5, "N": 7, "new": 1.5}`, `{"n": "z", "w": "\ud800"}`, `{"n": 1.5}`)
		b.logged(log, config.LogJSON, true)()
		b.rows(1, 1)
		b.transform(withSchema, `{}`)
		const kind = "the column's type takes no such value"
		want := []replay.Rescued{
			{Name: "N", Reason: kind, Values: 1},
			{Name: "W", Reason: "a later value of the row took the column, or " + kind, Values: 1}, {Name: "n", Reason: "a later value of the row took the column, or " + kind, Values: 1},
			{Name: "N", Reason: kind + `, or no text of Snowflake holds it: \u0000 or half a surrogate pair`, Values: 1},
			{Name: "W", Reason: kind + `, or no text of Snowflake holds it: \u0000 or half a surrogate pair`, Values: 1},
			{Name: "N", Reason: "the column would round the number, or has no room for it", Values: 1},
		}
		check := func(report replay.Report) {
			t.Helper()
			if !slices.Equal(report.Rescued, want) || report.Counts[replay.Loaded] != 4 {
				t.Errorf("%+v", report)
			}
		}
		before := b.snowflake.Stats().Statements
		code, report, stderr := b.replay(log, "--dry-run")
		wants(t, 0, code, stderr)
		check(report)
		for class, n := range b.snowflake.Stats().Statements {
			if n > before[class] && !slices.Contains([]string{"LOGIN", "DESCRIBE", "SELECT", "CLOSE"}, class) {
				t.Errorf("a dry run made %d statements of class %s", n-before[class], class)
			}
		}
		code, out, stderr := b.answering("", "replay", "-c", b.file, "--log", log, "--dry-run")
		wants(t, 0, code, stderr)
		has(t, out, "6 values of these rows would go to _RESCUED, since they do not fit their columns:\n", `x "N": the column's type takes no such value`)
		code, report, stderr = b.replay(log)
		wants(t, 0, code, stderr)
		check(report)
		if got := b.count(`SELECT COUNT(*) FROM ` + ordersTable + ` WHERE "_RESCUED" IS NOT NULL`); got != "4" {
			t.Errorf("%s rows with something rescued", got)
		}
	})
}
