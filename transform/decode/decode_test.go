package decode_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform/decode"
)

func newDecoder(t testing.TB, o decode.Options) *decode.Decoder {
	t.Helper()
	d, err := decode.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// documents returns what becomes of a record: its documents, or "! " and the reason where one cannot be had.
func documents(t testing.TB, d *decode.Decoder, data []byte) (docs []string) {
	t.Helper()
	err := d.Documents(data, func(index uint32, doc []byte, bad *row.Failure) error {
		if int(index) != len(docs) {
			t.Errorf("document %d has the index %d", len(docs), index)
		}
		switch {
		case bad == nil:
			docs = append(docs, string(doc))
		case bad.Stage != row.StageDecode:
			t.Errorf("failure in stage %s", bad.Stage)
		default:
			docs = append(docs, "! "+bad.Reason)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func zst(b []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// zstStream makes a frame that does not say how large its content is.
func zstStream(b []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	for len(b) > 0 {
		n := min(len(b), 100_000)
		if _, err := w.Write(b[:n]); err != nil {
			panic(err)
		}
		if err := w.Flush(); err != nil {
			panic(err)
		}
		b = b[n:]
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func TestOptions(t *testing.T) {
	for _, o := range []decode.Options{{Compression: "lz4"}, {Framing: "csv"}, {Envelope: "avro"}, {MaxDecoded: -1}} {
		if _, err := decode.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, c := range []struct {
		o     decode.Options
		multi bool
	}{
		{decode.Options{}, false},
		{decode.Options{Compression: decode.Auto, Framing: decode.Single, Envelope: decode.NoEnvelope}, false},
		{decode.Options{Framing: decode.Lines}, true},
		{decode.Options{Framing: decode.Array}, true},
		{decode.Options{Framing: decode.AnyFrames}, true},
		{decode.Options{Envelope: decode.CloudWatchLogs}, true},
	} {
		if got := newDecoder(t, c.o).Multi(); got != c.multi {
			t.Errorf("%+v: multi is %t", c.o, got)
		}
	}
}

func TestPlainIsTheRecordItself(t *testing.T) {
	data := []byte(` {"a":1} `)
	d := newDecoder(t, decode.Options{})
	calls := 0
	emit := func(index uint32, doc []byte, bad *row.Failure) error {
		if calls++; index != 0 || bad != nil || &doc[0] != &data[0] || len(doc) != len(data) {
			t.Errorf("document %d is %q, %v", index, doc, bad)
		}
		return nil
	}
	if err := d.Documents(data, emit); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = d.Documents(data, emit) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCompression(t *testing.T) {
	const doc = `{"a":1}`
	text := []byte(doc)
	skippable := []byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	for _, c := range []struct {
		name string
		o    decode.Compression
		data []byte
		want string
	}{
		{"none", decode.None, text, doc},
		{"none, gzip", decode.None, gz(text), string(gz(text))},
		{"auto, plain", decode.Auto, text, doc},
		{"auto, empty", decode.Auto, nil, ""},
		{"auto, three bytes", decode.Auto, []byte("\x28\xb5\x2f"), "\x28\xb5\x2f"},
		{"auto, gzip", decode.Auto, gz(text), doc},
		{"auto, zstd", decode.Auto, zst(text), doc},
		{"auto, zstd of unknown size", decode.Auto, zstStream(text), doc},
		{"gzip", decode.Gzip, gz(text), doc},
		{"gzip, members", decode.Gzip, slices.Concat(gz([]byte(`{"a"`)), gz([]byte(`:1}`)), gz(nil)), doc},
		{"gzip, nothing in it", decode.Gzip, gz(nil), ""},
		{"zstd", decode.Zstd, zst(text), doc},
		{"zstd, frames", decode.Zstd, slices.Concat(zst([]byte(`{"a"`)), skippable, zst([]byte(`:1}`))), doc},
		{"zstd, skippable first", decode.Auto, slices.Concat(skippable, zst(text)), doc},
		{"gzip of gzip", decode.Auto, gz(gz(text)), string(gz(text))},
		{"byte order mark", decode.None, []byte("\xef\xbb\xbf" + doc), doc},
		{"byte order mark in gzip", decode.Auto, gz([]byte("\xef\xbb\xbf" + doc)), doc},
		{"not gzip", decode.Gzip, text, "! the record is not gzip, though transform.decode.compression is gzip"},
		{"not gzip but zstd", decode.Gzip, zst(text), "! the record is zstd, though transform.decode.compression is gzip"},
		{"not zstd", decode.Zstd, nil, "! the record is not zstd, though transform.decode.compression is zstd"},
		{"gzip cut", decode.Auto, gz(text)[:20], "! damaged gzip: it ends too early"},
		{"gzip cut in its header", decode.Auto, gz(text)[:9], "! damaged gzip: it ends too early"},
		{"gzip and more", decode.Auto, append(gz(text), "xxxxxxxxxxxxx"...), "! damaged gzip: something else stands after it"},
		{"gzip checksum", decode.Auto, flip(gz(text), -6), "! damaged gzip: gzip: invalid checksum"},
		{"zstd and more", decode.Auto, append(zst(text), "xxxxxxxxxxxxx"...), "! damaged zstd: something else stands after it"},
		{"zstd cut", decode.Auto, zst(text)[:8], "! damaged zstd: it ends too early"},
		{"zstd checksum", decode.Auto, flip(zst(text), -1), "! damaged zstd: CRC check failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, decode.Options{Compression: c.o})
			for range 2 {
				if got := documents(t, d, c.data); len(got) != 1 || got[0] != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			}
			// What came before does not matter.
			if c.o != decode.Zstd {
				continueWith := gz(text)
				want := doc
				if c.o == decode.None {
					want = string(continueWith)
				}
				if got := documents(t, d, continueWith); got[0] != want {
					t.Errorf("afterwards: %q", got)
				}
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[len(b)+at] ^= 1
	return b
}

func TestLargeText(t *testing.T) {
	var text bytes.Buffer
	for i := range 200_000 {
		fmt.Fprintf(&text, `{"number":%d,"square":%d}`+"\n", i, i*i)
	}
	want := text.Bytes()
	d := newDecoder(t, decode.Options{Compression: decode.Auto})
	for _, data := range [][]byte{gz(want), zst(want), zstStream(want), slices.Concat(zst(want[:1000]), zstStream(want[1000:2_000_000]), zst(want[2_000_000:]))} {
		if got := documents(t, d, data); len(got) != 1 || got[0] != string(want) {
			t.Errorf("%d bytes come back as %d documents, %.100q", len(want), len(got), got)
		}
	}
}

func TestEmitError(t *testing.T) {
	stop := errors.New("stop")
	for _, o := range []decode.Options{{}, {Framing: decode.Lines}, {Framing: decode.Array}, {Framing: decode.AnyFrames}, {Envelope: decode.CloudWatchLogs}} {
		for _, data := range []string{``, `{"a":1}`, "{}\n{}", `[{},{}]`, `[1`, `[]1`, `{"messageType":"DATA_MESSAGE","logEvents":[{"message":""},{"message":""}]}`, "\x1f\x8b\x08"} {
			calls := 0
			err := newDecoder(t, o).Documents([]byte(data), func(uint32, []byte, *row.Failure) error { calls++; return stop })
			if calls > 1 || calls == 1 && !errors.Is(err, stop) {
				t.Errorf("%+v, %q: %d calls, %v", o, data, calls, err)
			}
		}
	}
}
