package config

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzParse: whatever the file, there is no panic; each fault has a place within the file; and a pipeline that is accepted
// keeps every limit.
func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	if example, err := os.ReadFile("../examples/pipeline.yaml"); err == nil {
		f.Add(example)
	}
	for _, s := range []string{
		"", "{}", "a", "- a", "? a\n: b", "<<: *x", "a: &x [*x]", "source: {stream: ${A}}", "\ufeffa: 1\r\nb: 2", "a: |\n  b\n c", "%TAG ! tag:x,2000:\n---\n!a b",
		"sink: {password_file: x}", "memory: 99999999999999999999TiB", "shutdown_timeout: 1d1d", "[[[[", "{{{{", "a: 'b", "a: \"\\u", "\t", "...", "---\n---\n",
		"source:\n  stream: arn:aws:kinesis:r:123456789012:stream/s\n",
	} {
		f.Add([]byte(s))
	}
	env := vars("A", "${B}", "HIDE", "top-secret")
	read := func(string) ([]byte, error) { return []byte("top-secret\n"), nil }
	f.Fuzz(func(t *testing.T, data []byte) {
		p, d := parse("p.yaml", data, env, read)
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
		for i, e := range d.errs {
			if e.File != "p.yaml" || e.Line < 1 || e.Line > lines || e.Column < 1 || e.Column > len(data)+1 || e.Problem == "" {
				t.Errorf("error without a place: %+v", *e)
			}
			if i > 0 && d.errs[i-1].Line > e.Line {
				t.Errorf("errors out of order: %v", d.errs)
			}
			if text := e.Error(); strings.Contains(text, "\n") || strings.Contains(text, "top-secret") && !bytes.Contains(data, []byte("top-secret")) {
				t.Errorf("error on two lines, or one that tells a secret: %q", text)
			}
		}
		if len(d.errs) > 0 {
			return
		}
		if p.Source.Stream == "" || p.Source.Region == "" || p.Source.Application == "" || p.Sink.Table == "" ||
			p.Memory < 64<<20 || p.Source.PollInterval < 200*time.Millisecond || p.Sink.Batch.MaxRows < 1 ||
			p.Sink.Password.IsZero() == p.Sink.PrivateKey.IsZero() {
			t.Errorf("accepted: %+v", *p)
		}
	})
}
