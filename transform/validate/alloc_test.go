//go:build !race

// The race detector makes sync.Pool, which the libraries keep their memory in, forget at random.

package validate

import (
	"testing"

	"kinesis-snowflake/transform/internal/sample"
)

func TestAllocations(t *testing.T) {
	v := compileSchema(t, clickSchema).Validator()
	docs := sample.Records("click", 100)
	if n := testing.AllocsPerRun(10, func() {
		for _, doc := range docs {
			if f := v.Check(doc); f != nil {
				t.Fatal(f.Reason)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Lists of labels are checked here too.
func TestAllocationsOfUniqueItems(t *testing.T) {
	v := compileSchema(t, `{"properties":{"tags":{"uniqueItems":true}}}`).Validator()
	doc := []byte(`{"tags":["new","red","sale",1,2.5,null]}`)
	if n := testing.AllocsPerRun(10, func() {
		if f := v.Check(doc); f != nil {
			t.Fatal(f.Reason)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
