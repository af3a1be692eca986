package pipeline_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/jsonscan"
)

const (
	suiteFile    = "../../transform/jsonscan/testdata/json-parsing-test-suite.json"
	suiteVerdict = "testdata/json-parsing-test-suite.txt"
)

// suiteRecord is a case of the JSON parsing test suite as a record.
type suiteRecord struct {
	name string
	data []byte
}

// suiteRecords are the 318 cases, each as it is, and as the value of a member.
func suiteRecords(t *testing.T) (records []suiteRecord) {
	t.Helper()
	var cases []struct {
		Name string
		Text []byte `json:"base64"`
	}
	if err := json.Unmarshal(typesFile(t, suiteFile), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 318 {
		t.Fatalf("%d cases, want 318", len(cases))
	}
	for _, c := range cases {
		name := strings.TrimSuffix(c.Name, ".json")
		records = append(records,
			suiteRecord{name, c.Text},
			suiteRecord{name + " in v", slices.Concat([]byte(`{"v": `), c.Text, []byte(`}`))})
	}
	return records
}

// TestTypesSuite sends each record through a whole pipeline: a valid object is in the table, with all its values, and
// everything else is logged with the stage and reason that the file of verdicts has for it.
func TestTypesSuite(t *testing.T) {
	records := suiteRecords(t)
	var data [][]byte
	for _, r := range records {
		data = append(data, r.data)
	}
	run := runTypes(t, data)

	want := suiteVerdicts(t)
	for i, r := range records {
		line, failed := run.failures[run.sequences[i]]
		verdict := "loaded"
		if failed {
			verdict = line["stage"] + ": " + line["reason"]
			if payload, err := base64.StdEncoding.DecodeString(line["payload"]); err != nil || !bytes.Equal(payload, r.data) {
				t.Errorf("%s: payload %q", r.name, line["payload"])
			}
		}
		if verdict != want[r.name] {
			t.Errorf("%s\t%s\nwant\t%s\nof %.200q", r.name, verdict, want[r.name], r.data)
		}
		delete(want, r.name)
		if err := checkSuiteVerdict(r, verdict); err != nil {
			t.Errorf("%s: %v, of %.200q", r.name, err, r.data)
		}
		if got, ok := run.rows[run.sequences[i]]; ok != !failed {
			t.Errorf("%s: in the table: %v, in the log: %v", r.name, ok, failed)
		} else if ok {
			if err := givesBack(t, &typesTable{}, run.typesRows, got, typesMembers(t, r.data)); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
		}
	}
	for name := range want {
		t.Errorf("there is a verdict for %q, but no such case", name)
	}
}

// suiteVerdicts reads the file of verdicts: a line a record, its name, a tab, and "loaded" or its stage and reason.
func suiteVerdicts(t *testing.T) map[string]string {
	t.Helper()
	verdicts := map[string]string{}
	for line := range strings.Lines(string(typesFile(t, suiteVerdict))) {
		name, verdict, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if _, twice := verdicts[name]; !ok || twice {
			t.Fatalf("%s: line %q", suiteVerdict, line)
		}
		verdicts[name] = verdict
	}
	return verdicts
}

// checkSuiteVerdict judges a verdict by the case's name, which says whether a parser must accept (y), must refuse (n),
// or is free, and by the standard library's parser, which knows what is valid, of which kind, and where it goes wrong.
func checkSuiteVerdict(r suiteRecord, verdict string) error {
	valid := utf8.Valid(r.data) && json.Valid(r.data)
	text := bytes.TrimLeft(r.data, " \t\r\n")
	deep := strings.Contains(verdict, "nested deeper than ")
	inV := strings.HasSuffix(r.name, " in v")
	switch accepted := verdict == "loaded" || strings.HasPrefix(verdict, string(row.StageShape)); {
	case r.name[0] == 'y' && !accepted:
		return fmt.Errorf("it is valid: %s", verdict)
	case r.name[0] == 'n' && accepted:
		return fmt.Errorf("it is not valid: %s", verdict)
	case accepted != valid:
		return fmt.Errorf("valid: %v, but %s", valid, verdict)
	case valid && (text[0] == '{') != (verdict == "loaded"):
		return fmt.Errorf("an object that did not load, or no object that did: %s", verdict)
	case valid && text[0] == '[' && verdict != "shape: a JSON array, not an object":
		return fmt.Errorf("an array: %s", verdict)
	case inV && strings.HasPrefix(verdict, string(row.StageShape)):
		return fmt.Errorf("it is an object: %s", verdict)
	case deep && bytes.Count(r.data, []byte("["))+bytes.Count(r.data, []byte("{")) <= jsonscan.MaxDepth:
		return fmt.Errorf("it is not so deep: %s", verdict)
	case valid || deep:
		return nil
	}
	if len(text) == 0 && !inV {
		if verdict != "decode: empty payload" && verdict != "decode: payload of white space only" {
			return fmt.Errorf("nothing there: %s", verdict)
		}
		return nil
	}
	if !strings.HasPrefix(verdict, "decode: not JSON: ") {
		return fmt.Errorf("not JSON: %s", verdict)
	}
	if !utf8.Valid(r.data) || bytes.HasPrefix(r.data, []byte("\xef\xbb\xbf")) {
		return nil // the standard library reads on where this one stops
	}
	var v any
	var syntax *json.SyntaxError
	if err := json.Unmarshal(r.data, &v); !errors.As(err, &syntax) {
		return fmt.Errorf("the standard library says %w", err)
	}
	at := int(syntax.Offset) - 1 // it counts the byte at fault
	if strings.Contains(syntax.Error(), "unexpected end") || strings.HasPrefix(syntax.Error(), "invalid character ' '") && r.data[at] != ' ' {
		at = len(r.data) // at the end of a text it tries a space, and may find fault with that
	}
	if !strings.Contains(verdict, fmt.Sprintf(" at byte %d,", at)) {
		return fmt.Errorf("%s; the standard library says %w, at byte %d", verdict, syntax, at)
	}
	return nil
}
