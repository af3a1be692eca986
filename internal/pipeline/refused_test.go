package pipeline

import (
	"encoding/json"
	"reflect"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
)

func TestObjectOfARowIsItsRecord(t *testing.T) {
	for _, text := range []string{`{}`, `{"a":1}`, `{"a\"b\\c\u0001<é😀":[1,{"x":null}], "":"y","a":2.50}`, `{"\u0000":1,"\ud800":"z"}`} {
		var got []byte
		tr := transform.New(transform.Options{Keys: row.NewKeys()})
		err := tr.Apply(&row.Record{Data: []byte(text)}, func(r *row.Row) error { got = objectOf(r); return nil },
			func(_ uint32, f *row.Failure) { t.Fatalf("%s: %v", text, f) })
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var a, b any
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &b); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s came back as %s (%v)", text, got, err)
		}
	}
}
