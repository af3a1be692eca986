package config

import (
	"bytes"
	"os"
	"testing"
)

func TestReferenceIsCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := WriteReference(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/configuration.md is stale: run go generate ./config")
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	p := Default()
	var walk func(s section, path string)
	walk = func(s section, path string) {
		for _, f := range s.fields {
			if f.doc == "" || f.doc[len(f.doc)-1] != '.' || f.limits == "" || f.kind == "" {
				t.Errorf("%s lacks a sentence, its limits or its type", join(path, f.key))
			}
		}
		for _, sub := range s.sections {
			if sub.doc == "" {
				t.Errorf("%s lacks a sentence", join(path, sub.key))
			}
			walk(sub, join(path, sub.key))
		}
	}
	walk(schema(&p), "")
}
