package step_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/decode"
	"kinesis-snowflake/transform/step"
)

// Whatever records came before, and wherever a taker of rows gave up, a record becomes what it becomes by itself: nothing of one is
// left in the memory that is used again for the next.
func TestARecordIsWhatItIsByItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []step.Config
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			steps = append(steps, anyStep(t))
		}
		if _, err := step.Compile(steps); err != nil {
			return
		}
		framing := rapid.SampledFrom([]decode.Framing{decode.Single, decode.AnyFrames}).Draw(t, "framing")
		used := made(t, steps, framing)
		for range rapid.IntRange(2, 6).Draw(t, "records") {
			var documents []string
			for range rapid.IntRange(1, 3).Draw(t, "documents") {
				documents = append(documents, anyRecord(t))
			}
			record := strings.Join(documents, rapid.SampledFrom([]string{"\n", ",", ""}).Draw(t, "between"))
			after := rapid.IntRange(1, 20).Draw(t, "gives up after")
			if got, want := what(t, used, record, after), what(t, made(t, steps, framing), record, after); got != want {
				t.Fatalf("%s became\n%s\nby itself it is\n%s", record, got, want)
			}
		}
	})
}

func made(t *rapid.T, steps []step.Config, framing decode.Framing) *transform.Transformer {
	p, err := step.Compile(steps)
	if err != nil {
		t.Fatal(err)
	}
	d, err := decode.New(decode.Options{Framing: framing})
	if err != nil {
		t.Fatal(err)
	}
	return transform.New(transform.Options{Keys: row.NewKeys(), Decoder: d, Steps: p.Runner()})
}

// what a Transformer makes of a record, whose rows nobody takes after so many.
func what(t *rapid.T, tr *transform.Transformer, record string, after int) string {
	var b strings.Builder
	data := []byte(record)
	enough := errors.New("enough")
	err := tr.Apply(&row.Record{Sequence: []byte("1"), Data: data}, func(r *row.Row) error {
		fmt.Fprintf(&b, "%d %v\n", r.Index, r.Multi)
		for _, f := range r.Fields {
			fmt.Fprintf(&b, "  %q %v %v %v %s\n", f.Name, f.Key == row.NoKey, f.Kind, f.Flags, f.Value)
		}
		if after--; after == 0 {
			return enough
		}
		return nil
	}, func(index uint32, f *row.Failure) { fmt.Fprintf(&b, "! %d %s %s\n", index, f.Stage, f.Reason) })
	if !bytes.Equal(data, []byte(record)) {
		t.Fatalf("the record %s was changed to %s", record, data)
	}
	fmt.Fprintln(&b, err)
	return b.String()
}
