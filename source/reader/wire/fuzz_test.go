package wire

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzDecode compares with the stock SDK: what this decoder takes, the SDK takes too and reads the same; what the SDK
// takes and this decoder refuses is one of the named differences.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "{}", body(), `{"Records":[{"SequenceNumber":"1","Data":"QUJD","PartitionKey":"a\"\u00e9\ud83d\ude00","ApproximateArrivalTimestamp":1700000000.123}]}`,
		`{"Records":[{"SequenceNumber":"1","Data":"QUJD\/w==","EncryptionType":"NONE","X":[{"a":1}]}],"ChildShards":[{"ShardId":"a","ParentShards":["b"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"}}]}`,
		`{"Records":[{"SequenceNumber":"1","Data":null}],"NextShardIterator":null,"MillisBehindLatest":7}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr, got, gotErr := calls(t, canned{200, text, false})
		switch {
		case gotErr == nil && wantErr != nil:
			t.Fatalf("swapped takes what stock refuses: %v", wantErr)
		case gotErr == nil:
			for i := range got.Records {
				// A time finer than milliseconds is rounded by a float there and cut here.
				if d := got.Records[i].Arrival - stockRecords(want)[i].Arrival; d >= -1 && d <= 1 {
					got.Records[i].Arrival -= d
				}
			}
			got.Children, want.ChildShards = nil, nil
			compare(t, want, got)
		case wantErr == nil && !stricter(text):
			t.Fatalf("swapped refuses what stock takes: %v\n%s", gotErr, cmp.Diff(nil, stockRecords(want)))
		}
	})
}

// stricter reports whether the text is one that this decoder refuses on purpose.
func stricter(text []byte) bool {
	var v struct{ Records []map[string]any }
	var exact map[string]json.RawMessage // keys as they are spelled, which v does not look at
	if json.Unmarshal(text, &v) != nil || json.Unmarshal(text, &exact) != nil || v.Records == nil || exact["Records"] == nil {
		return true // not JSON to its end, or no records
	}
	for _, r := range v.Records {
		if s, _ := r["SequenceNumber"].(string); s == "" {
			return true
		}
	}
	return false
}
