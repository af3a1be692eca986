package plan_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/plan"
)

const fileHead = "source: {stream: orders, region: eu-central-1, application: orders-app}\n" +
	"sink: {account: a, user: u, password: hunter2, warehouse: w, database: RAW, schema: KINESIS}\n"

// file is a pipeline file with more of it.
func file(t *testing.T, more string) *config.Pipeline {
	t.Helper()
	text := fileHead + more
	cfg, err := config.Parse(filepath.Join(t.TempDir(), "orders.yaml"), []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return cfg
}

// offline is the plan for lines.
func offline(t *testing.T, more string, lines ...string) *plan.Report {
	t.Helper()
	r, err := plan.Make(t.Context(), file(t, more), plan.Options{File: strings.NewReader(strings.Join(lines, "\n")), FileName: "sample.jsonl", Rows: plan.DefaultRows})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func printed(t *testing.T, r *plan.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// paste puts a fix into what the file has of the transform, as a person would: new keys are added, a pin that is there is
// replaced, and steps come after those that are there.
func paste(t *testing.T, more, fix string) string {
	t.Helper()
	var have, add map[string]any
	if err := yaml.Unmarshal([]byte(more), &have); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(fix), &add); err != nil {
		t.Fatalf("%v in the fix\n%s", err, fix)
	}
	out, err := yaml.Marshal(merge(have, add))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func merge(have, add any) any {
	switch have := have.(type) {
	case map[string]any:
		out := maps.Clone(have)
		if out == nil {
			out = map[string]any{}
		}
		more, ok := add.(map[string]any)
		if !ok {
			return add
		}
		for k, v := range more {
			out[k] = merge(out[k], v)
		}
		return out
	case []any:
		return append(slices.Clone(have), add.([]any)...)
	default:
		return add
	}
}

func conflicting(r *plan.Report) (columns []string) {
	for _, c := range r.Conflicts {
		columns = append(columns, c.Column+" "+c.Type)
	}
	return columns
}

func TestConflictsAndTheirFixes(t *testing.T) {
	for name, tt := range map[string]struct {
		more      string
		lines     []string
		conflicts []string
		fix       string
	}{
		"none":                   {"", []string{`{"a":1}`, `{"a":2,"b":null}`, `{"b":"x"}`}, nil, ""},
		"numbers and texts":      {"", []string{`{"id":1}`, `{"id":"A-1"}`}, []string{"ID VARCHAR"}, "columns:\n    id: VARCHAR\n"},
		"integers and fractions": {"", []string{`{"amount":1}`, `{"amount":1.5}`}, []string{"AMOUNT FLOAT"}, "columns:\n    amount: FLOAT\n"},
		"fractions that no double holds": {"", []string{`{"amount":1.5}`, `{"amount":0.1234567890123456789}`}, []string{"AMOUNT FLOAT"},
			"columns:\n    amount: NUMBER(38,19)\n"},
		"numbers of any size":  {"", []string{`{"n":1e400}`, `{"n":0.5}`}, []string{"N FLOAT"}, "columns:\n    \"n\": VARCHAR\n"},
		"integers of any size": {"", []string{`{"n":1}`, `{"n":123456789012345678901234567890123456789}`}, []string{"N VARCHAR"}, "columns:\n    \"n\": VARCHAR\n"},
		"scalars and objects":  {"", []string{`{"o":1}`, `{"o":{"p":1}}`}, []string{"O VARIANT"}, "columns:\n    o: VARIANT\n"},
		"objects and arrays":   {"", []string{`{"o":[]}`, `{"o":{"p":1}}`}, nil, ""},
		"keys of one column":   {"", []string{`{"Id":1}`, `{"ID":"x"}`}, []string{"ID VARCHAR"}, "columns:\n    Id: VARCHAR\n"},
		"keys to quote":        {"", []string{`{"a: #1":1,"yes":1}`, `{"a: #1":"x","yes":true}`}, []string{"A: #1 VARCHAR", "YES VARCHAR"}, "columns:\n    \"a: #1\": VARCHAR\n    \"yes\": VARCHAR\n"},
		"a pin that does not fit": {"transform: {columns: {id: {type: BOOLEAN, not_null: false, comment: 'so, so'}}}", []string{`{"id":12}`}, []string{"ID BOOLEAN"},
			"columns:\n    id: {type: \"NUMBER(38,0)\", comment: \"so, so\"}\n"},
		"times as numbers": {"transform: {columns: {at: TIMESTAMP_NTZ}}", []string{`{"at":1517966773840}`, `{"at":null}`},
			[]string{"AT TIMESTAMP_NTZ(9)"}, "steps:\n    - cast: {at: {type: TIMESTAMP_NTZ, from: epoch_ms}}\n      on_error: keep\n"},
		"a pin of an odd key": {"transform: {columns: {\"a.b\": BOOLEAN}}", []string{`{"a.b":"TRUE"}`}, []string{"A.B BOOLEAN"},
			"steps:\n    - cast: {\"\\\"a.b\\\"\": BOOLEAN}\n      on_error: keep\n"},
		"a pin that settles it": {"transform: {columns: {id: VARCHAR}}", []string{`{"id":1}`, `{"id":"A-1"}`}, nil, ""},
		"texts too long":        {"transform: {columns: {id: VARCHAR(3)}, evolution: freeze}", []string{`{"id":"abcd"}`}, []string{"ID VARCHAR(3)"}, "columns:\n    id: VARCHAR\n"},
		"instants and texts":    {"transform: {detect_timestamps: true}", []string{`{"t":"2026-04-13T10:00:00Z"}`, `{"t":"soon"}`}, []string{"T VARCHAR"}, "columns:\n    t: VARCHAR\n"},
		"whole records":         {"transform: {table_mode: variant}", []string{`{"id":1}`, `{"id":"A-1"}`}, nil, ""},
		"half a surrogate pair": {"", []string{`{"id":"a"}`, `{"id":"\ud800"}`}, nil, ""}, // no type holds it
	} {
		t.Run(name, func(t *testing.T) {
			r := offline(t, tt.more, tt.lines...)
			if diff := cmp.Diff(tt.conflicts, conflicting(r)); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
			fix := strings.TrimPrefix(r.Fix, "transform:\n  ")
			if fix != tt.fix {
				t.Errorf("fix\n%swant\n%s", fix, tt.fix)
			}
			if r.Fix == "" {
				return
			}
			if again := offline(t, paste(t, tt.more, r.Fix), tt.lines...); len(again.Conflicts) != 0 || len(again.Rescued) != 0 {
				t.Errorf("with the fix\n%s", printed(t, again))
			}
		})
	}
}

func TestReport(t *testing.T) {
	r := offline(t, "transform: {max_columns: 3}",
		`{"userId":1,"current_date":"x","a b":true,"one":1,"two":2}`,
		`{"userId":2,"userid":3,"":4,"_rescued":5,"t":"`+"\\u0000"+`"}`,
		`{"userId":`, `{"userId":1,}`, `{"userId":22,}`, `[1]`, "", `{"userId":123456789012345678901234567890}`)
	if r.Sample.Records != 7 || r.Sample.Rows != 3 || r.Sample.Failed != 4 || !r.Sample.Whole {
		t.Errorf("sample %+v", r.Sample)
	}
	var failed []string
	for _, f := range r.Failed {
		failed = append(failed, fmt.Sprintf("%d %s %s %s", f.Messages, f.Stage, f.Where.Sequence, f.Payload))
	}
	if diff := cmp.Diff([]string{`2 decode 4 {"userId":1,}`, `1 decode 3 {"userId":`, `1 shape 6 [1]`}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]plan.Key{{Key: "one", Values: 1}, {Key: "two", Values: 1}, {Key: "t", Values: 1}}, r.Beyond); diff != "" {
		t.Errorf("beyond (-want +got):\n%s", diff)
	}
	var rescued []string
	for _, v := range r.Rescued {
		rescued = append(rescued, v.Name+"="+v.Example+": "+v.Reason)
	}
	if diff := cmp.Diff([]string{"userId=2: a later value of the row took the column", "=4: its key has no column", "_rescued=5: its key has no column"}, rescued); diff != "" {
		t.Errorf("rescued (-want +got):\n%s", diff)
	}
	want := []plan.Name{
		{Key: "userId", Column: "USERID", Why: plan.WhyCase},
		{Key: "current_date", Column: "CURRENT_DATE_", Why: plan.WhyReserved},
		{Key: "a b", Column: "A B", Why: plan.WhyQuotes},
		{Key: "one", Column: "ONE", Why: plan.WhyCase}, {Key: "two", Column: "TWO", Why: plan.WhyCase},
		{Key: "userid", Column: "USERID", Why: plan.WhyShared, With: "userId"},
		{Key: "", Why: plan.WhyNone}, {Key: "_rescued", Why: plan.WhyNone}, {Key: "t", Column: "T", Why: plan.WhyCase},
	}
	if diff := cmp.Diff(want, r.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if want := `CREATE TABLE IF NOT EXISTS "RAW"."KINESIS"."ORDERS" ("KINESISMETADATA" OBJECT, "_RESCUED" VARIANT, "USERID" NUMBER(38,0), "CURRENT_DATE_" VARCHAR, "A B" BOOLEAN) `; len(r.DDL) != 3 || !strings.HasPrefix(r.DDL[1], want) {
		t.Errorf("DDL %q", r.DDL)
	}
	if len(r.Rows) != 3 || string(r.Rows[1].Rescued) != `{"userId":2,"":4,"_rescued":5,"t":"\"\\u0000\""}` || string(r.Rows[2].Values[0].Value) != "123456789012345678901234567890" {
		t.Errorf("rows %+v", r.Rows)
	}
	text := printed(t, r)
	for _, part := range []string{
		"becomes 3 rows, 4 failed messages, 6 values in _RESCUED, 0 type conflicts", `2 x decode: not JSON: invalid character '}' at byte`,
		"KEYS BEYOND THE LIMIT OF COLUMNS, whose values go to _RESCUED: 3\n  one, two, t\n", `"current_date" is CURRENT_DATE_: Snowflake refuses the name`,
		`"a b" is "A B": to be quoted in SQL`, `"userid" has the column USERID of "userId"`, "USERID           NUMBER(38,0)  userId, userid  inferred  100%",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
	if r.Clean() {
		t.Error("it is called clean")
	}
}

// A file may be packed, and may be one JSON array that was printed to be read.
func TestFilesOfRecords(t *testing.T) {
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	_, err := z.Write([]byte("{\"a\":1}\n{\"a\":2}\n"))
	if cerr := z.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	for name, tt := range map[string]struct {
		text       string
		rows, fail int
	}{
		"gzip":               {gz.String(), 2, 0},
		"Windows' line ends": {"{\"a\":1}\r\n\r\n{\"a\":2}\r\n", 2, 0},
		"a printed array":    {"\ufeff[\n  {\n    \"a\": 1.50\n  },\n  {\"a\": 2}, 7\n]\n", 2, 1},
		"an empty array":     {"[\n]\n", 0, 0},
		"records of arrays":  {"[{\"a\":1}]\n[{\"a\":2}]\n", 0, 2},
		"a bracket":          {"[", 0, 1},
	} {
		r, err := plan.Make(t.Context(), file(t, ""), plan.Options{File: strings.NewReader(tt.text), FileName: "sample"})
		if err != nil || r.Sample.Rows != tt.rows || r.Sample.Failed != tt.fail {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for text, want := range map[string]string{"[\n{\"a\":1}\n": "it begins as one JSON array", "\xff\xfe{\x00": "UTF-16", strings.Repeat("x", 12<<20): "a record is a line, and has at most 10 MiB"} {
		if _, err := plan.Make(t.Context(), file(t, ""), plan.Options{File: strings.NewReader(text), FileName: "sample"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestRowsOfOneRecord(t *testing.T) {
	r := offline(t, "transform: {decode: {framing: array}}", `[{"a":1},[],{"a":2}]`)
	if r.Sample.Records != 1 || r.Sample.Rows != 2 || r.Sample.Failed != 1 || len(r.Rows) != 2 || !strings.Contains(string(r.Rows[1].Metadata), `"row":2`) {
		t.Errorf("%s", printed(t, r))
	}
}

// An example of a column and a row that is shown have the same value in the same form: that in which it lands.
func TestExamplesAreAsTheyLand(t *testing.T) {
	r := offline(t, "transform: {detect_timestamps: true, columns: {at: TIMESTAMP_NTZ, day: DATE, id: VARCHAR, big: FLOAT}}",
		`{"at":"2026-04-13T10:00:00Z","day":"2026-04-13","id":7001,"big":"0.5","seen":"2026-04-13T12:00:00+02:00","n":1e2,"o":{ "a" : 1 }}`)
	if len(r.Rows) != 1 {
		t.Fatal(printed(t, r))
	}
	shown := 0
	for _, v := range r.Rows[0].Values {
		for _, c := range r.Columns {
			if c.Name == v.Column {
				if shown++; c.Example != string(v.Value) {
					t.Errorf("column %s: example %s, in the row %s", c.Name, c.Example, v.Value)
				}
			}
		}
	}
	if shown != 7 {
		t.Errorf("%d values: %s", shown, printed(t, r))
	}
}

func TestNotNullFailsRows(t *testing.T) {
	r := offline(t, "transform: {columns: {id: {type: 'NUMBER(38,0)', not_null: true}}}", `{"id":1}`, `{"x":1}`, `{"id":"seven"}`, `{"id":"8"}`)
	if r.Sample.Rows != 2 || r.Sample.Failed != 2 || len(r.Failed) != 1 || r.Failed[0].Reason != `no value that fits column "ID" NUMBER(38,0), which must have one` {
		t.Errorf("%s", printed(t, r))
	}
}

func TestFrozenWithoutATable(t *testing.T) {
	r := offline(t, "transform: {evolution: freeze}", `{"id":1}`)
	if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0], "there is no such table") || r.Clean() {
		t.Errorf("%s", printed(t, r))
	}
}

// TestRealSamples: the plan of a real sample shows what is to be settled, and its fix settles it.
func TestRealSamples(t *testing.T) {
	for name, tt := range map[string]struct {
		more      string
		conflicts []string
	}{
		"github-events": {"", []string{"WORKFLOW VARIANT"}},
		"earthquakes":   {"transform: {steps: [{flatten: properties}]}\n", []string{"PROPERTIES_MAG FLOAT", "PROPERTIES_CDI FLOAT", "PROPERTIES_MMI FLOAT", "PROPERTIES_RMS FLOAT", "PROPERTIES_GAP FLOAT"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile("../../cmd/sandbox/data/" + name + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(data)), "\n")
			r := offline(t, tt.more, lines...)
			if r.Sample.Rows != len(lines) || len(r.Rescued) != 0 || !slices.Equal(conflicting(r), tt.conflicts) {
				t.Errorf("conflicts %v in\n%s", conflicting(r), printed(t, r))
			}
			if again := offline(t, paste(t, tt.more, r.Fix), lines...); !again.Clean() {
				t.Errorf("with the fix\n%s", printed(t, again))
			}
		})
	}
}
