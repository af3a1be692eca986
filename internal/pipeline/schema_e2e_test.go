package pipeline

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kinesis"
)

const orderSchema = `{
	"type": "object",
	"required": ["total", "id"],
	"properties": {
		"total": {"type": "number", "multipleOf": 0.01, "description": "what the customer pays"},
		"id": {"type": "integer", "minimum": 1, "description": "the order's number"},
		"at": {"type": "string", "format": "date-time"},
		"day": {"type": "string", "format": "date"},
		"hour": {"type": "string", "format": "time"},
		"currency": {"$ref": "money.json#/$defs/currency"},
		"note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
		"lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}},
		"any": {}
	}
}`

// withSchema is a file's transform with orderSchema.
func withSchema(t *testing.T, more string) config.Transform {
	t.Helper()
	return withFiles(t, map[string]string{
		"orders.json": orderSchema,
		"money.json":  `{"$defs": {"currency": {"type": "string", "minLength": 3, "maxLength": 3}}}`,
	}, more)
}

// withFiles is a file's transform with the schema orders.json.
func withFiles(t *testing.T, files map[string]string, more string) config.Transform {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := "source: {stream: s, region: r, application: app}\nsink: {account: a, user: u, password: p, warehouse: w, database: d, schema: s}\n" +
		"transform:\n  json_schema: orders.json\n" + more
	p, err := config.Parse(filepath.Join(dir, "p.yaml"), []byte(file), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return p.Transform
}

// described returns of DESC TABLE each column's name and the attribute asked for.
func described(t *testing.T, s *stack, attribute string) map[string]string {
	t.Helper()
	res, err := s.snowflake.Exec(s.t.Context(), `DESC TABLE "RAW"."KINESIS"."ORDERS"`)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, c := range res.Columns {
		at[c.Name] = i
	}
	got := map[string]string{}
	for _, r := range res.Rows {
		got[r[at["name"]].Text] = r[at[attribute]].Text
	}
	return got
}

// logged returns the rows, stages and reasons of the lines with a message.
func logged(t *testing.T, log, message string) (lines []string) {
	t.Helper()
	for text := range strings.Lines(log) {
		var l struct {
			Msg, Stage, Reason string
			Row                json.Number
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.Msg == message {
			lines = append(lines, strings.Join([]string{l.Row.String(), l.Stage, l.Reason}, " "))
		}
	}
	slices.Sort(lines)
	return lines
}

func entries(docs ...string) (all []kinesis.Entry) {
	for _, doc := range docs {
		all = append(all, kinesis.Entry{PartitionKey: "k", Data: []byte(doc)})
	}
	return all
}

// A schema makes the columns before a record does, and whoever violates it is named and stays out; unless it only warns.
func TestSchemaShapesTheTable(t *testing.T) {
	docs := []string{
		`{"more":true,"id":1,"total":12.50,"at":"2026-07-01T12:00:00+02:00","day":"2026-07-01","currency":"CHF","lines":[{"sku":"x"}]}`,
		`{"id":2,"total":3,"note":null,"currency":"EURO"}`,
		`{"id":3,"total":1.005}`,
		`{"id":1e5000000,"total":1.00,"any":1e5000000}`,
		`{"id":5,"total":1,"lines":[{"sku":"x"},{"s":1}]}`,
		`{"id":6,"total":1,"any":{"a":[1]}}`,
		`{"total":1}`,
	}
	violations := []string{
		`0 validate /currency: maxLength: length must be <= 3, but got 4: "EURO" (schema money.json#/$defs/currency/maxLength)`,
		`0 validate /lines/1: required: missing properties: 'sku': {"s":1} (schema #/properties/lines/items/required)`,
		`0 validate /total: multipleOf: must be a multiple of 0.01: 1.005 (schema #/properties/total/multipleOf)`,
		`0 validate the document: required: missing properties: 'id': {"total":1} (schema #/required)`,
		`0 validate the number 1e5000000 is too long or too large to be checked by multipleOf or uniqueItems`,
	}
	columns := []string{
		"TOTAL NUMBER(38,2) what the customer pays", "ID NUMBER(38,0) the order's number", "AT TIMESTAMP_TZ(9) ", "DAY DATE ", "HOUR TIME(9) ", "CURRENCY VARCHAR(3) ",
		"NOTE VARCHAR(16777216) ", "LINES VARIANT ",
	}
	for mode, loaded := range map[string][]string{
		"reject": {`1 12.50 CHF NULL`, `6 1.00 NULL NULL`},
		"warn": {
			`1 12.50 CHF NULL`, `2 3.00 EURO NULL`, `3 NULL NULL {"TOTAL":1.005}`, `5 1.00 NULL NULL`, `6 1.00 NULL NULL`,
			`NULL 1.00 NULL NULL`, `NULL 1.00 NULL {"ID":"1e5000000"}`,
		},
	} {
		t.Run(mode, func(t *testing.T) {
			transform := withSchema(t, "  schema_mode: "+mode+"\n")
			inStack(t, 1, func(t *testing.T, s *stack) {
				if err := s.kinesis.PutMany(stream, entries(docs...)); err != nil {
					t.Fatal(err)
				}
				cfg := s.config("worker")
				cfg.Transform = transform
				run := s.start(cfg, true)
				run.end(t)
				rows, _ := s.table("ID", "TOTAL", "CURRENCY", "_RESCUED")
				if diff := cmp.Diff(loaded, rows); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				said := map[string]string{"reject": "message failed", "warn": "message violates the schema and is loaded"}
				if diff := cmp.Diff(violations, logged(t, run.log.String(), said[mode])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", said[mode], diff)
				}
				res, err := s.snowflake.Exec(s.t.Context(), `DESC TABLE "RAW"."KINESIS"."ORDERS"`)
				if err != nil {
					t.Fatal(err)
				}
				at := map[string]int{}
				for i, c := range res.Columns {
					at[c.Name] = i
				}
				var got []string
				for _, r := range res.Rows {
					got = append(got, r[at["name"]].Text+" "+r[at["type"]].Text+" "+r[at["comment"]].Text)
				}
				first := slices.Index(got, columns[0])
				if first < 0 || len(got) < first+len(columns) {
					t.Fatalf("columns %q", got)
				}
				want := slices.Clone(columns)
				if mode == "warn" {
					want[5] = "CURRENCY VARCHAR(4) " // widened for what was let in
				}
				if diff := cmp.Diff(want, got[first:first+len(columns)]); diff != "" {
					t.Errorf("columns (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What a schema requires makes a column NOT NULL, but a value may keep the schema and still have no place in the column. The row
// loads all the same, be it the first of the table or a later one.
func TestRequiredValueThatIsRescued(t *testing.T) {
	const fits = `{"id":1,"name":"a"}`
	const rescued = `{"id":123456789012345678901234567890123456789012345,"name":"b\u0000"}`
	files := map[string]string{"orders.json": `{"required":["id","name"],"properties":{"id":{"type":"integer"},"name":{"type":"string"}}}`}
	const unfit = `NULL NULL {"ID":"123456789012345678901234567890123456789012345","NAME":"\"b\\u0000\""}`
	for _, c := range []struct {
		name, more    string
		first, second []string // records of each run
		null          string   // of both columns after the first run
		rows, failed  []string // in the end
	}{
		{"in the first batch", "", []string{fits, rescued}, []string{fits}, "Y", []string{"1 a NULL", "1 a NULL", unfit}, nil},
		{"alone", "", []string{rescued}, []string{fits}, "Y", []string{"1 a NULL", unfit}, nil},
		{"later", "", []string{fits}, []string{rescued, fits}, "N", []string{"1 a NULL", "1 a NULL", unfit}, nil},
		{"frozen", "  evolution: freeze\n", []string{fits}, []string{rescued, fits}, "N", []string{"1 a NULL", "1 a NULL"},
			[]string{`0 validate no value that fits column "NAME" VARCHAR, which must have one`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			transform := withFiles(t, files, c.more)
			inStack(t, 1, func(t *testing.T, s *stack) {
				var failed []string
				for i, docs := range [][]string{c.first, c.second} {
					if err := s.kinesis.PutMany(stream, entries(docs...)); err != nil {
						t.Fatal(err)
					}
					cfg := s.config("worker")
					cfg.Transform = transform
					run := s.start(cfg, true)
					run.end(t)
					failed = append(failed, logged(t, run.log.String(), "message failed")...)
					if null := described(t, s, "null?"); i == 0 && (null["ID"] != c.null || null["NAME"] != c.null) {
						t.Errorf("columns that accept NULL: %v", null)
					}
				}
				rows, _ := s.table("ID", "NAME", "_RESCUED")
				slices.Sort(rows)
				if diff := cmp.Diff(c.rows, rows); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.failed, failed); diff != "" {
					t.Errorf("failed (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A table outlives the schema that made it: its types rule, and what the next schema adds is added.
func TestSchemaThatChanges(t *testing.T) {
	runs := []struct {
		schema string
		docs   []string
	}{
		{`{"required":["id"],"properties":{"id":{"type":"integer"},"at":{"type":"string"},"code":{"type":"string","maxLength":3}}}`,
			[]string{`{"id":1,"at":"2026-07-01T12:00:00Z","code":"abc"}`}},
		{`{"required":["at"],"properties":{"id":{"type":["string","null"]},"at":{"type":"string","format":"date-time"},"code":{"type":"string","maxLength":5},"more":{"type":"number","multipleOf":0.1}}}`,
			[]string{`{"id":"2","at":"2026-07-02T12:00:00Z","code":"abcde"}`, `{"id":"x","at":"2026-07-03T12:00:00Z","more":0.5}`, `{"at":"2026-07-04T12:00:00Z"}`}},
	}
	inStack(t, 1, func(t *testing.T, s *stack) {
		for _, r := range runs {
			if err := s.kinesis.PutMany(stream, entries(r.docs...)); err != nil {
				t.Fatal(err)
			}
			cfg := s.config("worker")
			cfg.Transform = withFiles(t, map[string]string{"orders.json": r.schema}, "")
			run := s.start(cfg, true)
			run.end(t)
			if failed := logged(t, run.log.String(), "message failed"); len(failed) > 0 {
				t.Errorf("failed: %q", failed)
			}
		}
		rows, _ := s.table("ID", "AT", "CODE", "MORE", "_RESCUED")
		slices.Sort(rows)
		want := []string{`1 2026-07-01T12:00:00Z abc NULL NULL`, `2 2026-07-02T12:00:00Z abcde NULL NULL`, `NULL 2026-07-03T12:00:00Z NULL 0.5 {"ID":"x"}`,
			`NULL 2026-07-04T12:00:00Z NULL NULL NULL`}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		types := described(t, s, "type")
		if types["ID"] != "NUMBER(38,0)" || types["AT"] != "VARCHAR(16777216)" || types["CODE"] != "VARCHAR(8)" || types["MORE"] != "NUMBER(38,1)" {
			t.Errorf("types %v", types)
		}
	})
}

// Log events of CloudWatch Logs are rows, each with its number; a control message is none, and no failure.
func TestCloudWatchLogsReachTheTable(t *testing.T) {
	record := func(kind string, events ...string) string {
		return `{"messageType":"` + kind + `","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[` + strings.Join(events, ",") + `]}`
	}
	var docs []string
	for _, text := range []string{
		record("CONTROL_MESSAGE", `{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}`),
		record("DATA_MESSAGE", `{"id":"a","timestamp":1782907200123,"message":"{\"level\":\"info\",\"id\":7}"}`, `{"id":"b"}`, `{"id":"c","timestamp":2,"message":"START \"x\"\n"}`),
	} {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, b.String())
	}
	transform := shaped(t, "transform:\n  decode: {compression: gzip, envelope: cloudwatch-logs}\n")
	inStack(t, 1, func(t *testing.T, s *stack) {
		if err := s.kinesis.PutMany(stream, entries(docs...)); err != nil {
			t.Fatal(err)
		}
		cfg := s.config("worker")
		cfg.Transform = transform
		run := s.start(cfg, true)
		run.end(t)
		rows, _ := s.table("ID", "LEVEL", "MESSAGE", "CLOUDWATCH")
		want := []string{
			`7 info NULL {"id":"a","logGroup":"g","logStream":"s","owner":"1","subscriptionFilters":["f"],"timestamp":1782907200123}`,
			"NULL NULL START \"x\"\n " + `{"id":"c","logGroup":"g","logStream":"s","owner":"1","subscriptionFilters":["f"],"timestamp":2}`,
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"1 decode a log event has no message"}, logged(t, run.log.String(), "message failed")); diff != "" {
			t.Errorf("failed (-want +got):\n%s", diff)
		}
	})
}
