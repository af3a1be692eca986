package produce

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		unit, text string
		want       []string
		err        string
	}{
		{"line", "a\nb\n", []string{"a", "b"}, ""},
		{"file", "a\nb\n", []string{"a\nb\n"}, ""},
		{"base64", "YQo=\r\nAP8=\n\n", []string{"a\n", "\x00\xff", ""}, ""},
		{"base64", "YQo=\n{}\n", nil, "line 2 is no base64"},
		{"file", strings.Repeat("y", maxLine+1), nil, "more than 10 MiB"},
	} {
		for _, compressed := range []bool{false, true} {
			records, err := Read(strings.NewReader(c.text), c.unit, compressed)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s: %v, want %s", c.unit, err, c.err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range records {
				if compressed {
					z, err := gzip.NewReader(bytes.NewReader(r))
					if err != nil {
						t.Fatalf("%s: %q is no gzip: %v", c.unit, r, err)
					}
					if r, err = io.ReadAll(z); err != nil {
						t.Fatal(err)
					}
				}
				got = append(got, string(r))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, compressed %t: %q, want %q", c.unit, compressed, got, c.want)
			}
		}
	}
}
