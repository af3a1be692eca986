package plan_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

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
