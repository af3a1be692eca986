package decode_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"kinesis-snowflake/transform/decode"
)

func TestBombs(t *testing.T) {
	const limit = 8 << 20
	zeros := make([]byte, 16<<20)
	tiny := zst(zeros) // about 6 kB: over 1,100 times its size
	if len(tiny)*decode.MaxRatio > limit {
		t.Fatalf("%d bytes are no bomb", len(tiny))
	}
	const (
		gzipSize  = "! gzip that becomes larger than transform.decode.max_decoded, 8388608 bytes"
		zstdSize  = "! zstd that becomes larger than transform.decode.max_decoded, 8388608 bytes"
		zstdRatio = "! zstd that becomes larger than 1100 times the record"
	)
	// A frame that says that it holds 2^60 bytes, or 1 MiB, and ends.
	liar := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0}
	small := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0x10, 0, 1, 0, 0}
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"gzip", gz(zeros), gzipSize},
		{"gzip members", slices.Repeat(gz(zeros[:1<<20]), 9), gzipSize},
		{"gzip just too large", gz(zeros[:limit+1]), gzipSize},
		{"zstd", tiny, zstdRatio},
		{"zstd with padding", slices.Concat(tiny, []byte("\x50\x2a\x4d\x18\x00\x80\x00\x00"), make([]byte, 0x8000)), zstdSize},
		{"zstd of unknown size", slices.Concat(zstStream(zeros), []byte("\x50\x2a\x4d\x18\x00\x80\x00\x00"), make([]byte, 0x8000)), zstdSize},
		{"zstd frames", slices.Repeat(zst(zeros[:1<<20]), 200), zstdSize},
		{"zstd liar", liar, zstdRatio},
		{"zstd small liar", small, "! damaged zstd: frame size does not match size on stream"},
		{"zstd window", wide, "! damaged zstd: its window is larger than 134217728 bytes"},
		{"gzip of gzip", gz(gz(zeros)), "\x1f\x8b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, decode.Options{Compression: decode.Auto, MaxDecoded: limit})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := documents(t, d, c.data)
			runtime.ReadMemStats(&after)
			if len(got) != 1 || got[0] != c.want && !(len(c.want) == 2 && got[0][:2] == c.want) {
				t.Errorf("%.100q, want %q", got, c.want)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 4*limit {
				t.Errorf("it took %d bytes", grown)
			}
		})
	}
	padding := slices.Concat([]byte("\x50\x2a\x4d\x18\x00\x80\x00\x00"), make([]byte, 0x8000))
	for _, data := range [][]byte{gz(zeros[:limit]), slices.Concat(zst(zeros[:limit]), padding), slices.Concat(zstStream(zeros[:limit]), padding)} {
		d := newDecoder(t, decode.Options{Compression: decode.Auto, MaxDecoded: limit})
		if got := documents(t, d, data); len(got) != 1 || len(got[0]) != limit {
			t.Errorf("a record of exactly the limit: %d documents, %.100q", len(got), got)
		}
	}
	// The second layer of an envelope is bounded as the first.
	d := newDecoder(t, decode.Options{Compression: decode.Auto, Envelope: decode.CloudWatchLogs, MaxDecoded: limit})
	if got := documents(t, d, gz(gz(bytes.Repeat([]byte("\n"), limit+1)))); len(got) != 1 || got[0] != "! gzip that becomes larger than 1100 times the record" {
		t.Errorf("%.100q", got)
	}
}
