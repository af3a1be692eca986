//go:build interop

package kpl_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kinesis-snowflake/source/kpl/kpltest"
)

var update = flag.Bool("update", false, "write the aggregates into testdata")

// Aggregates by other software are as they were when testdata was made, and it reads those that the tests make. Their
// readers give a user record without an explicit hash key the first one of the table, so that is not compared.
func TestInteropAggregates(t *testing.T) {
	records := goldenRecords(t)
	text, err := os.ReadFile("testdata/records.json")
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{"records": json.RawMessage(text), "aggregate": kpltest.Aggregate(records...)})
	if err != nil {
		t.Fatal(err)
	}
	scripts := os.Getenv("INTEROP_SCRIPTS")
	for file, command := range map[string][]string{
		"testdata/aggregate-npm.json":  {"node", filepath.Join(scripts, "aggregate.cjs")},
		"testdata/aggregate-pypi.json": {os.Getenv("INTEROP_PYTHON"), filepath.Join(scripts, "aggregate.py")},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "NODE_PATH="+os.Getenv("INTEROP_NODE_MODULES"))
		cmd.Stdin, cmd.Stderr = bytes.NewReader(input), t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		var made struct {
			golden
			Records []given `json:"records"`
		}
		if err := json.Unmarshal(out, &made); err != nil {
			t.Fatal(err)
		}
		t.Log(made.Generator)
		if *update {
			text, err := json.Marshal(made.golden)
			if err == nil {
				err = os.WriteFile(file, append(text, '\n'), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if was := readJSON[golden](t, file); was.Generator != made.Generator || !bytes.Equal(was.Aggregate, made.Aggregate) {
			t.Errorf("%s makes another aggregate than %s made", made.Generator, was.Generator)
		}
		if len(made.Records) != len(records) {
			t.Errorf("%s reads %d user records of %d", made.Generator, len(made.Records), len(records))
			continue
		}
		for i, r := range made.Records {
			want := records[i]
			if r.PartitionKey != want.PartitionKey || !bytes.Equal(r.Data, want.Data) || want.ExplicitHashKey != "" && r.ExplicitHashKey != want.ExplicitHashKey {
				t.Errorf("%s reads user record %d as %+v, want %+v", made.Generator, i, r, want)
			}
		}
	}
}
