package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// The pages name tests that are there, and commands that can be pasted.
func TestOperationsAndMigrationPages(t *testing.T) {
	tests := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, name := range []string{"operations.md", "migration.md", "failed-messages.md"} {
		page, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(page), -1) {
			if !tests[test[1]] {
				t.Errorf("%s names %s, which is no test", name, test[1])
			}
		}
		for _, line := range regexp.MustCompile(`(?m)^ *kinesis-snowflake (.+)$`).FindAllStringSubmatch(string(page), -1) {
			text, _, _ := strings.Cut(line[1], "#")
			text, _, _ = strings.Cut(text, "|")
			p, _ := setup(notRun)
			command, args, err := p.root().Find(strings.Fields(text))
			if err == nil {
				err = command.ParseFlags(args)
			}
			if err == nil {
				err = command.ValidateRequiredFlags()
			}
			if err != nil {
				t.Errorf("%s: %s: %v", name, line[0], err)
			}
			commands++
		}
	}
	if commands < 8 {
		t.Errorf("%d commands found", commands)
	}
}
