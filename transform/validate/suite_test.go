package validate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/validate"
)

type suiteFile struct {
	File   string
	Groups []suiteGroup
}

type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []suiteTest
}

type suiteTest struct {
	Description string
	Data        json.RawMessage
	Valid       bool
}

var drafts = map[string]string{
	"draft4":       "http://json-schema.org/draft-04/schema#",
	"draft6":       "http://json-schema.org/draft-06/schema#",
	"draft7":       "http://json-schema.org/draft-07/schema#",
	"draft2019-09": "https://json-schema.org/draft/2019-09/schema",
	"draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}

func suite(t testing.TB) map[string][]suiteFile {
	t.Helper()
	text, err := os.ReadFile("testdata/json-schema-test-suite.json")
	if err != nil {
		t.Fatal(err)
	}
	var suite map[string][]suiteFile
	if err := json.Unmarshal(text, &suite); err != nil {
		t.Fatal(err)
	}
	tests := 0
	for _, files := range suite {
		for _, f := range files {
			for _, g := range f.Groups {
				tests += len(g.Tests)
			}
		}
	}
	if tests != 4942 {
		t.Fatalf("the suite has %d tests, want 4942", tests)
	}
	return suite
}

// inDraft names the draft in a schema that is an object and names none.
func inDraft(schema json.RawMessage, draft string) []byte {
	text := strings.TrimSpace(string(schema))
	if !strings.HasPrefix(text, "{") || strings.Contains(text, `"$schema"`) {
		return schema
	}
	comma := ","
	if strings.TrimSpace(text[1:]) == "}" {
		comma = ""
	}
	return []byte(fmt.Sprintf(`{"$schema":%q%s%s`, drafts[draft], comma, text[1:]))
}

func TestSuite(t *testing.T) {
	run, excepted := 0, 0
	used := map[string]bool{}
	for draft, files := range suite(t) {
		for _, f := range files {
			for _, g := range f.Groups {
				group := strings.Join([]string{draft, f.File, g.Description}, "/")
				s, err := validate.Compile(inDraft(g.Schema, draft), validate.Options{})
				if name, ok := exception(group); ok {
					used[name] = true
					if err == nil {
						t.Errorf("%s: compiles, though it is an exception", group)
					}
					excepted += len(g.Tests)
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", group, err)
					continue
				}
				v := s.Validator()
				for _, test := range g.Tests {
					name := group + "/" + test.Description
					want := test.Valid
					if e, ok := exception(name); ok {
						used[e] = true
						excepted++
						want = !want
					}
					run++
					if failed := v.Check(test.Data); (failed == nil) != want {
						t.Errorf("%s: %s is %v, want valid %t", name, test.Data, failed, want)
					}
				}
			}
		}
	}
	for e := range exceptions {
		if !used[e] {
			t.Errorf("exception %q is none", e)
		}
	}
	t.Logf("%d tests run, %d are exceptions", run, excepted)
}

// The same through a Transformer, each instance being a member of a record, and each schema a file that the record's
// schema refers to.
func TestSuiteAsRecords(t *testing.T) {
	for draft, files := range suite(t) {
		for _, f := range files {
			for i, g := range f.Groups {
				group := strings.Join([]string{draft, f.File, g.Description}, "/")
				if _, ok := exception(group); ok {
					continue
				}
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "case.json"), inDraft(g.Schema, draft), 0o600); err != nil {
					t.Fatal(err)
				}
				record := fmt.Sprintf(`{"$schema":%q,"type":"object","properties":{"v":{"$ref":"case.json"}},"required":["v"]}`, drafts[draft])
				s, err := validate.Compile([]byte(record), validate.Options{BaseDir: dir})
				if err != nil {
					t.Errorf("%s (%d): %v", group, i, err)
					continue
				}
				tr := transform.New(transform.Options{Keys: row.NewKeys(), Validator: s.Validator()})
				for _, test := range g.Tests {
					name := group + "/" + test.Description
					want := test.Valid
					if _, ok := exception(name); ok {
						want = !want
					}
					rows := 0
					var failed []string
					err := tr.Apply(&row.Record{Data: []byte(`{"v":` + string(test.Data) + `}`)},
						func(*row.Row) error { rows++; return nil },
						func(_ uint32, f *row.Failure) { failed = append(failed, f.Reason) })
					if err != nil || rows+len(failed) != 1 || (rows == 1) != want {
						t.Errorf("%s: %s makes %d rows, %q, %v, want valid %t", name, test.Data, rows, failed, err, want)
					}
				}
			}
		}
	}
}

// exception finds a group's or a test's exception.
func exception(name string) (string, bool) {
	for e := range exceptions {
		if matches(strings.Split(e, "*"), name) {
			return e, true
		}
	}
	return "", false
}

// matches reports whether name is the parts with anything in between.
func matches(parts []string, name string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return name == first
	}
	rest, begins := strings.CutPrefix(name, first)
	rest, ends := strings.CutSuffix(rest, last)
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return begins && ends
}

const (
	formatsAreAsserted = "formats are asserted, which the later drafts leave to the user"
	nothingIsFetched   = "what a remote reference leads to is not fetched, and not part of the suite's file"
	emptyEnum          = "an enum without values is refused, since nothing would be valid"
	dynamicRef         = "the library, v5.3.1, takes the dynamic anchor of a schema that a direct reference skips"
)

// exceptions are the groups that are refused, and the tests whose verdict differs, each with the reason. A star stands for anything.
var exceptions = map[string]string{
	`*/refRemote.json/*`: nothingIsFetched,
	`*/vocabulary.json/schema that uses custom metaschema with with no validation vocabulary`:     nothingIsFetched,
	`*/vocabulary.json/ignore unrecognized optional vocabulary`:                                   nothingIsFetched,
	`draft2020-12/dynamicRef.json/$ref and $dynamicAnchor are independent of order - $defs first`: nothingIsFetched,
	`draft2020-12/dynamicRef.json/$ref and $dynamicAnchor are independent of order - $ref first`:  nothingIsFetched,
	`draft2020-12/dynamicRef.json/$ref to $dynamicRef finds detached $dynamicAnchor`:              nothingIsFetched,
	`draft2020-12/dynamicRef.json/strict-tree schema, guards against misspelled properties`:       nothingIsFetched,
	`draft2020-12/dynamicRef.json/tests for implementation dynamic anchor and reference link`:     nothingIsFetched,
	`*/enum.json/empty enum`: emptyEnum,
	`draft2020-12/format.json/date format/*is only an annotation by default`:                                                formatsAreAsserted,
	`draft2020-12/format.json/date-time format/*is only an annotation by default`:                                           formatsAreAsserted,
	`draft2020-12/format.json/duration format/*is only an annotation by default`:                                            formatsAreAsserted,
	`draft2020-12/format.json/email format/*is only an annotation by default`:                                               formatsAreAsserted,
	`draft2020-12/format.json/hostname format/*is only an annotation by default`:                                            formatsAreAsserted,
	`draft2020-12/format.json/ipv4 format/*is only an annotation by default`:                                                formatsAreAsserted,
	`draft2020-12/format.json/ipv6 format/*is only an annotation by default`:                                                formatsAreAsserted,
	`draft2020-12/format.json/iri format/*is only an annotation by default`:                                                 formatsAreAsserted,
	`draft2020-12/format.json/iri-reference format/*is only an annotation by default`:                                       formatsAreAsserted,
	`draft2020-12/format.json/json-pointer format/*is only an annotation by default`:                                        formatsAreAsserted,
	`draft2020-12/format.json/regex format/*is only an annotation by default`:                                               formatsAreAsserted,
	`draft2020-12/format.json/relative-json-pointer format/*is only an annotation by default`:                               formatsAreAsserted,
	`draft2020-12/format.json/time format/*is only an annotation by default`:                                                formatsAreAsserted,
	`draft2020-12/format.json/uri format/*is only an annotation by default`:                                                 formatsAreAsserted,
	`draft2020-12/format.json/uri-reference format/*is only an annotation by default`:                                       formatsAreAsserted,
	`draft2020-12/format.json/uri-template format/*is only an annotation by default`:                                        formatsAreAsserted,
	`draft2020-12/format.json/uuid format/*is only an annotation by default`:                                                formatsAreAsserted,
	`draft2020-12/dynamicRef.json/$dynamicRef skips over intermediate resources - direct reference/integer property passes`: dynamicRef,
	`draft2020-12/dynamicRef.json/$dynamicRef skips over intermediate resources - direct reference/string property fails`:   dynamicRef,
}
