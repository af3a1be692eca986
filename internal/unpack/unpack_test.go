package unpack

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func TestText(t *testing.T) {
	const text = "one\ntwo\n"
	var gz bytes.Buffer
	for range 2 { // rotated files that were put together
		z := gzip.NewWriter(&gz)
		_, err := z.Write([]byte(text))
		if cerr := z.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
	}
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   []byte
		want string
	}{
		"plain":    {[]byte(text), text},
		"empty":    {nil, ""},
		"a letter": {[]byte("x"), "x"},
		"gzip":     {gz.Bytes(), text + text},
		"zstd":     {packer.EncodeAll([]byte(text), packer.EncodeAll([]byte(text), nil)), text + text},
	} {
		r, err := Text(iotest.OneByteReader(bytes.NewReader(tt.in)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for in, want := range map[string]string{"\xff\xfe{\x00": "UTF-16", "\xfe\xff\x00{": "UTF-16", "PK\x03\x04...": "zip archive", "\x1f\x8b\x00\x00": "unpack gzip"} {
		if _, err := Text(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
	cut := gz.Bytes()[:len(gz.Bytes())/2-4]
	r, err := Text(bytes.NewReader(cut))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a cut file is read without a word")
	}
}
