package kpl_test

import (
	"errors"
	"fmt"
	"testing"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// FuzzExpand takes its input for a message, since none with a digest that is right would be found otherwise, and for a whole
// record too.
func FuzzExpand(f *testing.F) {
	f.Add(sample)
	f.Add(sample[4 : len(sample)-16])
	f.Add([]byte("\x0a\x01k\x1a\x05\x08\x00\x1a\x01d"))
	f.Add([]byte("\x1a\x05\x08\x00\x1a\x01d\x0a\x01k\x4b\x4c"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if _, err := expand(t, input); err != nil && !errors.Is(err, kpl.ErrPlain) && !errors.Is(err, kpl.ErrTooMany) {
			t.Fatal(err)
		}
		first, err := expand(t, kpltest.Seal(input))
		if err != nil {
			return
		}
		var records []kpltest.Record
		for _, u := range first {
			if u.reason == "" {
				records = append(records, kpltest.Record{PartitionKey: u.key, ExplicitHashKey: u.hash, Data: []byte(u.data)})
			}
		}
		if len(records) == 0 {
			return
		}
		again, err := expand(t, kpltest.Aggregate(records...))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(users(records)) {
			t.Fatalf("made again: %v, %v; want %v", again, err, records)
		}
	})
}
