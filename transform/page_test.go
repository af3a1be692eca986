package transform_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/step"
)

const (
	stepsPage = "../docs/transforms.md"
	hashKey   = "0123456789abcdef"
)

// example is one of the page: steps, records, and what becomes of them.
type example struct {
	line                          int
	steps, records, rows, failure string
}

// examples reads the page. A block of YAML begins an example; the word after a block's language says what it is.
func examples(t *testing.T) (all []*example) {
	t.Helper()
	data, err := os.ReadFile(stepsPage)
	if err != nil {
		t.Fatal(err)
	}
	var into *string
	for n, line := range strings.Split(string(data), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && into != nil:
			into = nil
		case isFence && fence == "yaml":
			all = append(all, &example{line: n + 1})
			into = &all[len(all)-1].steps
		case isFence:
			e := all[len(all)-1]
			into = map[string]*string{"json record": &e.records, "json rows": &e.rows, "text failed": &e.failure}[fence]
			if into == nil {
				t.Fatalf("%s:%d: what is %q?", stepsPage, n+1, fence)
			}
		case into != nil:
			*into += line + "\n"
		}
	}
	return all
}

// TestPage runs every example of docs/transforms.md, and asks for one of each step.
func TestPage(t *testing.T) {
	shown := map[string]bool{}
	for _, e := range examples(t) {
		t.Run(fmt.Sprintf("line %d", e.line), func(t *testing.T) {
			file := "source: {stream: s, region: r, application: app}\nsink: {account: a, user: u, password: p, warehouse: w, database: d, schema: s}\ntransform:\n  steps:\n    " + strings.ReplaceAll(e.steps, "\n", "\n    ")
			p, err := config.Parse("page.yaml", []byte(file), func(name string) (string, bool) { return hashKey, name == "HASH_KEY" })
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range p.Transform.Steps {
				shown[s.Name] = true
			}
			program, err := step.Compile(p.Transform.Steps)
			if err != nil {
				t.Fatal(err)
			}
			tr := transform.New(transform.Options{Keys: row.NewKeys(), Steps: program.Runner()})
			var rows, failures strings.Builder
			for record := range strings.Lines(e.records) {
				err := tr.Apply(&row.Record{Data: []byte(record)}, func(r *row.Row) error {
					var members []string
					for _, f := range r.Fields {
						members = append(members, fmt.Sprintf("%q: %s", f.Name, f.Value))
					}
					fmt.Fprintf(&rows, "{%s}\n", strings.Join(members, ", "))
					return nil
				}, func(_ uint32, f *row.Failure) { fmt.Fprintln(&failures, f.Reason) })
				if err != nil {
					t.Fatal(err)
				}
			}
			mac := hmac.New(sha256.New, []byte(hashKey))
			mac.Write([]byte("ann@example.com"))
			want := strings.ReplaceAll(e.rows, "MAC", hex.EncodeToString(mac.Sum(nil)))
			if !reflect.DeepEqual(tokens(t, rows.String()), tokens(t, want)) {
				t.Errorf("rows\n%s\nwant\n%s", rows.String(), want)
			}
			if diff := cmp.Diff(e.failure, failures.String()); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
	for _, name := range []string{"filter", "keep", "drop", "rename", "flatten", "unnest", "cast", "set", "default", "parse_json", "hash"} {
		if !shown[name] {
			t.Errorf("the page has no example of %s", name)
		}
	}
}

// tokens reads JSON objects, their keys in order and their numbers as they are written.
func tokens(t *testing.T, text string) (all [][]json.Token) {
	t.Helper()
	for object := range strings.Lines(text) {
		d := json.NewDecoder(strings.NewReader(object))
		d.UseNumber()
		var line []json.Token
		for {
			token, err := d.Token()
			if err != nil {
				break
			}
			line = append(line, token)
		}
		all = append(all, line)
	}
	return all
}
