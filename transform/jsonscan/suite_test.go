package jsonscan_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"kinesis-snowflake/transform/jsonscan"
)

type suiteCase struct {
	Name string
	Text []byte `json:"base64"`
}

func suite(t testing.TB) []suiteCase {
	t.Helper()
	text, err := os.ReadFile("testdata/json-parsing-test-suite.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []suiteCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 318 {
		t.Fatalf("%d cases, want 318", len(cases))
	}
	return cases
}

func wrap(text []byte) []byte { return slices.Concat([]byte(`{"v": `), text, []byte(`}`)) }

func TestSuite(t *testing.T) {
	var s jsonscan.Scanner
	for _, c := range suite(t) {
		for _, text := range [][]byte{c.Text, wrap(c.Text)} {
			check(t, &s, text)
			_, err := s.Object(text, nil)
			accepted := err == nil || errors.Is(err, jsonscan.ErrNotObject)
			switch c.Name[0] {
			case 'y':
				if !accepted {
					t.Errorf("%s: %.80q is refused: %v", c.Name, text, err)
				}
			case 'n':
				if accepted {
					t.Errorf("%s: %.80q is accepted", c.Name, text)
				}
			}
		}
	}
}
