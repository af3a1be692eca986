package decode_test

import (
	"bytes"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
	"kinesis-snowflake/transform/internal/sample"
)

func BenchmarkDocuments(b *testing.B) {
	docs := sample.Records("click", 100)
	lines, array := bytes.Join(docs, []byte("\n")), append(append([]byte("["), bytes.Join(docs, []byte(","))...), ']')
	for _, c := range []struct {
		name string
		o    decode.Options
		data []byte
	}{
		{"lines", decode.Options{Framing: decode.Lines}, lines},
		{"auto lines", decode.Options{Compression: decode.Auto, Framing: decode.AnyFrames}, lines},
		{"array", decode.Options{Framing: decode.Array}, array},
		{"gzip lines", decode.Options{Compression: decode.Auto, Framing: decode.Lines}, gz(lines)},
		{"zstd lines", decode.Options{Compression: decode.Auto, Framing: decode.Lines}, zst(lines)},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := newDecoder(b, c.o)
			emit := func(uint32, []byte, *row.Failure) error { return nil }
			b.SetBytes(int64(len(lines)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Documents(c.data, emit); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(docs))/b.Elapsed().Seconds()/1e3, "krec/s")
		})
	}
}
