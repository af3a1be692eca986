package jsonscan_test

import (
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/internal/sample"
	"kinesis-snowflake/transform/jsonscan"
)

func BenchmarkObject(b *testing.B) {
	for _, shape := range sample.Shapes() {
		recs := sample.Records(shape, 1000)
		b.Run(shape, func(b *testing.B) {
			var (
				s      jsonscan.Scanner
				fields []row.Field
				err    error
				i      int
				size   int64
			)
			for _, rec := range recs {
				size += int64(len(rec))
			}
			b.SetBytes(size / int64(len(recs)))
			b.ReportAllocs()
			for b.Loop() {
				if fields, err = s.Object(recs[i], fields[:0]); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(recs) {
					i = 0
				}
			}
		})
	}
}

func TestObjectDoesNotAllocate(t *testing.T) {
	var (
		s      jsonscan.Scanner
		fields []row.Field
	)
	var recs [][]byte
	for _, shape := range sample.Shapes() {
		recs = append(recs, sample.Records(shape, 10)...)
	}
	recs = append(recs, []byte(`{"\n`+strings.Repeat("k", 30_000)+`":1}`), []byte(`{"caf\u00e9":1,"\ud83d\ude00":"\u0000","\ud800":[1e9,"\n"]}`))
	allocs := testing.AllocsPerRun(100, func() {
		for _, rec := range recs {
			var err error
			if fields, err = s.Object(rec, fields[:0]); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in %d records, want none", allocs, len(recs))
	}
}
