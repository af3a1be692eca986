package plan_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/plan"
)

var (
	pageBlock = regexp.MustCompile("(?s)```(yaml|json|text)\n(.*?)```\n")
	pageTime  = regexp.MustCompile(`"approximateArrival":"[^"]*"`)
)

// TestPage: the example of docs/plan.md is what the program prints for its file and its records.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	block := map[string]string{}
	for _, m := range pageBlock.FindAllStringSubmatch(string(page), -1) {
		block[m[1]] = m[2]
	}
	cfg, err := config.Parse("pipeline.yaml", []byte(block["yaml"]), func(string) (string, bool) { return "secret", true })
	if err != nil {
		t.Fatal(err)
	}
	r, err := plan.Make(t.Context(), cfg, plan.Options{File: strings.NewReader(block["json"]), FileName: "sample.jsonl", Rows: 1})
	if err != nil {
		t.Fatal(err)
	}
	same := func(s string) string { return pageTime.ReplaceAllString(s, "") }
	if got := printed(t, r); same(got) != same(block["text"]) {
		t.Errorf("printed:\n%s", got)
	}
}

// TestPageOfJSON: docs/plan.md names every key of --json.
func TestPageOfJSON(t *testing.T) {
	page, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "## As JSON")
	if !ok {
		t.Fatal("no such part")
	}
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			if !typ.Field(i).IsExported() {
				continue
			}
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the page does not name %s of %s", name, typ)
			}
			look(typ.Field(i).Type)
		}
	}
	look(reflect.TypeFor[plan.Report]())
	if len(seen) < 10 {
		t.Errorf("%d types were seen", len(seen))
	}
}
