package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/internal/plan"
)

// Of a column whose name is a reserved word it is said, too, that SQL has to quote it.
func TestReservedWords(t *testing.T) {
	r := offline(t, "", `{"select":1,"TRUE":2,"null":3,"order":4,"orders":5,"left":6}`)
	var got []string
	for _, n := range r.Names {
		got = append(got, n.Column+" "+string(n.Why))
	}
	if want := []string{"SELECT quotes", "TRUE quotes", "NULL quotes", "ORDER quotes", "ORDERS case", "LEFT case"}; !slices.Equal(got, want) {
		t.Errorf("names %q", got)
	}
	if text := printed(t, r); !strings.Contains(text, `"select" is "SELECT": to be quoted in SQL`) {
		t.Error(text)
	}
}

// A path that is misspelt is told: what it is to hash would land as it is.
func TestPathsThatLeadToNothing(t *testing.T) {
	const more = "transform: {steps: [{hash: {paths: [%s]}}, {set: {ok: 'n > 0'}}]}"
	lines := []string{`{"customer":{"mail":"a@b"},"n":1}`, `{"customer":null,"n":2}`}
	r := offline(t, fmt.Sprintf(more, "customer.email"), lines...)
	if diff := cmp.Diff([]plan.Path{{Step: 1, Name: "hash", Path: "customer.email", Records: 2}}, r.Paths); diff != "" || r.Clean() {
		t.Errorf("clean %v; paths (-want +got):\n%s", r.Clean(), diff)
	}
	if text := printed(t, r); !strings.Contains(text, "PATHS THAT LEAD TO NOTHING\n  step 1, hash: customer.email is in none of the 2 records\n") {
		t.Error(text)
	}
	if r := offline(t, fmt.Sprintf(more, "customer.mail"), lines...); !r.Clean() {
		t.Error(printed(t, r))
	}
}

func TestViewOfTheNewest(t *testing.T) {
	for key, want := range map[string]string{"id": `CREATE OR REPLACE VIEW "RAW"."KINESIS"."ORDERS$LATEST"`, "nr": ""} {
		c := file(t, "")
		c.Sink.Key = []string{key}
		r, err := plan.Make(t.Context(), c, plan.Options{File: strings.NewReader(`{"id":1}`)})
		if err != nil {
			t.Fatal(err)
		}
		last := r.DDL[len(r.DDL)-1]
		if made := strings.HasPrefix(last, "CREATE OR REPLACE VIEW"); made != (want != "") || !strings.HasPrefix(last, want) || made == strings.Contains(printed(t, r), "waits until the table has a column") {
			t.Errorf("key %s: %s", key, printed(t, r))
		}
	}
}

// Rows without a part of sink.key are counted, whether keys have columns or the record is one.
func TestRowsWithoutTheirKey(t *testing.T) {
	for _, more := range []string{"", "transform: {table_mode: variant}"} {
		c := file(t, more)
		c.Sink.Key = []string{"id", "nr"}
		r, err := plan.Make(t.Context(), c, plan.Options{File: strings.NewReader(`{"id":1,"nr":2}
{"id":1,"nr":null}
{"nr":1}
{"id":"x","nr":2}`)})
		if err != nil || r.Sample.Unkeyed != 2 {
			t.Errorf("%s: %+v, %v", more, r.Sample, err)
		}
		if text := printed(t, r); !strings.Contains(text, "note: 2 of 4 rows without a part of sink.key, id, nr: the view of the newest rows shows each of them\n") {
			t.Error(text)
		}
	}
}

// Of a table of whole records it is shown what lands in its column, and what of it changes.
func TestWholeRecords(t *testing.T) {
	r := offline(t, "transform: {table_mode: variant}", `{"a":123456789012345678901234567890123456789012345,"b":1}`, `{"c":[1e400]}`)
	i := slices.IndexFunc(r.Columns, func(c plan.Column) bool { return c.Name == "RECORD" })
	if c := r.Columns[i]; c.Filled != 2 || c.Example != `{"a":"123456789012345678901234567890123456789012345","b":1}` || r.Sample.AsText != 2 {
		t.Errorf("%+v, %+v", c, r.Sample)
	}
	if text := printed(t, r); !strings.Contains(text, "note: 2 numbers within VARIANT columns") || !strings.Contains(text, "100%") {
		t.Error(text)
	}
}

// Violations that a schema only warns of are counted, though they are loaded.
func TestViolationsThatAreLoaded(t *testing.T) {
	schema := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(schema, []byte(`{"properties": {"n": {"maximum": 4}}, "required": ["n"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := offline(t, "transform: {json_schema: "+schema+", schema_mode: warn}", `{"a":1}`, `{"n":5}`, `{"n":1}`, `{"n":60}`)
	if len(r.Violations) != 2 || r.Violations[0].Messages != 2 || r.Violations[0].Where.Sequence != "2" || r.Sample.Rows != 4 || !r.Clean() {
		t.Errorf("%+v of %+v", r.Violations, r.Sample)
	}
	if text := printed(t, r); !strings.Contains(text, "\nVIOLATIONS OF THE SCHEMA THAT ARE LOADED ALL THE SAME\n  2 x validate: /n: maximum: must be <= 4") {
		t.Error(text)
	}
}

// What is printed can be read: long names are cut, a record of a file is a line, and a time without a zone shows none.
func TestLooks(t *testing.T) {
	long := strings.Repeat("x", 255)
	more := "transform: {columns: {at: TIMESTAMP_NTZ, n: 'NUMBER(38,0)'}}"
	r := offline(t, more, "", `{"`+long+`":1,"at":"2026-04-13T10:00:00","n":1}`, `{"n":"x"}`)
	text := printed(t, r)
	for _, part := range []string{"first in line 3\n", "ROWS\n  line 2\n", `"2026-04-13T10:00:00`, "1 value of 2 does not fit NUMBER(38,0) and goes to _RESCUED"} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
	_, table, _ := strings.Cut(text, "\nCOLUMN")
	table, _, _ = strings.Cut(table, "\nROWS")
	if strings.Contains(table, "+00:00") || strings.Contains(table, long[:60]) {
		t.Error(table)
	}
	array, err := plan.Make(t.Context(), file(t, more), plan.Options{File: strings.NewReader("[\n{\"n\": \"x\"}\n]"), FileName: "sample.json"})
	if err != nil || !strings.Contains(printed(t, array), "first in element 1\n") {
		t.Errorf("%s, %v", printed(t, array), err)
	}
}

func TestNoRecords(t *testing.T) {
	r := offline(t, "")
	data, err := json.Marshal(r)
	if err != nil || strings.Contains(string(data), ":null,") && !strings.Contains(string(data), `"exists":null`) || !strings.Contains(printed(t, r), "note: there is no record to look at") {
		t.Errorf("%s, %v", data, err)
	}
}
