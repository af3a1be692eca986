package produce

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestLinesAreKeptAsTheyStand(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                 nil,
		"\n":                               {""},
		"a\n":                              {"a"},
		"{\"a\": 1} \r\n\n\xff\xfe\n last": {"{\"a\": 1} \r", "", "\xff\xfe", " last"},
	} {
		lines, err := Lines(strings.NewReader(text))
		var got []string
		for _, l := range lines {
			got = append(got, string(l))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	if _, err := Lines(strings.NewReader("x\n" + strings.Repeat("y", maxLine+1))); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line of more than 10 MiB: %v", err)
	}
}

func TestBatchesRepeatAndFit(t *testing.T) {
	lines := [][]byte{bytes.Repeat([]byte("a"), 300<<10), []byte("b")}
	var sizes []int
	n := 0
	for b := range Batches(lines, 1203) {
		size := 0
		for _, r := range b {
			if !bytes.Equal(r.Data, lines[n%2]) {
				t.Fatalf("record %d is %.10q", n, r.Data)
			}
			n++
			size += len(r.Data)
		}
		if len(b) > batchRecords || size > batchBytes {
			t.Fatalf("a batch of %d records, %d bytes", len(b), size)
		}
		sizes = append(sizes, len(b))
	}
	if n != 1203 || sizes[0] != 2 {
		t.Errorf("%d records in batches of %v", n, sizes)
	}
	for b := range Batches(lines, 0) {
		if len(b) != 2 {
			t.Errorf("each line once gives %d", len(b))
		}
	}
	for range Batches(nil, 5) {
		t.Error("no lines give a batch")
	}
}

func TestKeys(t *testing.T) {
	for data, want := range map[string]string{
		`{"id":"x"}`: "x", `{"id":7,"event":"e"}`: "7", `{"event":"push"}`: "push-3", `{"id":""}`: "3", `[1]`: "3", `no`: "3", `{"id":{}}`: "3",
		`{"id":"` + strings.Repeat("l", 300) + `"}`: "3",
	} {
		if got := Key([]byte(data), 3); got != want {
			t.Errorf("%s has key %s", data, got)
		}
	}
}
