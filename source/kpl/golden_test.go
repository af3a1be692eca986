package kpl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"kinesis-snowflake/source/kpl/kpltest"
)

// given is a user record as testdata/records.json and the interoperability scripts have it.
type given struct {
	PartitionKey    string `json:"partitionKey"`
	ExplicitHashKey string `json:"explicitHashKey,omitempty"`
	Data            []byte `json:"data"`
}

// golden is an aggregate of testdata/records.json that somebody else's software made.
type golden struct {
	Generator string `json:"generator"` // name and version
	Aggregate []byte `json:"aggregate"`
}

func readJSON[T any](t *testing.T, file string) (v T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func goldenRecords(t *testing.T) []kpltest.Record {
	t.Helper()
	var out []kpltest.Record
	for _, r := range readJSON[[]given](t, "testdata/records.json") {
		out = append(out, kpltest.Record(r))
	}
	return out
}

// No key here looks like a whole number below 2^32-1: the table that aws-kinesis-agg for Node.js writes is the list of a
// JavaScript object's names, which has such names first, whatever the indexes say.
//
// The files are made by the scripts in .ci/interop from testdata/records.json; see TestInteropAggregates.
func TestAggregatesOfOthersAreExpanded(t *testing.T) {
	files, err := filepath.Glob("testdata/aggregate-*.json")
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	want := users(goldenRecords(t))
	for _, file := range files {
		g := readJSON[golden](t, file)
		got, err := expand(t, g.Aggregate)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %d user records, %v; want %d", g.Generator, len(got), err, len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: user record %d is %q, want %q", g.Generator, i, got[i], want[i])
			}
		}
	}
}
