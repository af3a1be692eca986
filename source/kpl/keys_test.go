package kpl_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// A record of 1 MiB whose user records all name one key of half a megabyte would be gigabytes of rows.
func TestAKeyThatManyShareDoesNotMultiplyWithoutBound(t *testing.T) {
	long := strings.Repeat("k", 512<<10)
	message := slices.Concat(kpltest.Bytes(nil, 1, []byte(long)), kpltest.Bytes(nil, 1, []byte("short")),
		bytes.Repeat(kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, 0), 3, []byte("{}"))), 50_000),
		bytes.Repeat(kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, 1), 3, []byte("{}"))), 10))
	var d kpl.Decoder
	for range 2 { // each aggregate has bytes of its own
		if n, err := d.Open(kpltest.Seal(message)); n != 50_010 || err != nil {
			t.Fatalf("%d user records, %v", n, err)
		}
		given, failed, short := 0, 0, 0
		var r kpl.Record
		for d.Next(&r) {
			switch {
			case string(r.Data) != "{}":
				t.Fatalf("user record %d has the data %q", r.Index, r.Data)
			case r.Reason != "" && (len(r.PartitionKey) > 0 || !strings.Contains(r.Reason, "524288 bytes")):
				t.Fatalf("user record %d, with a key of %d bytes: %s", r.Index, len(r.PartitionKey), r.Reason)
			case r.Reason != "":
				failed++
			case string(r.PartitionKey) == "short":
				short++
			}
			given += len(r.PartitionKey)
		}
		if short != 10 || failed != 50_000-128 || given > 64<<20+100 {
			t.Errorf("%d of 10 user records with a short key, %d failed, %d bytes of keys", short, failed, given)
		}
	}
}
