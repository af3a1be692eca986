//go:build interop

// Package others reads what is known of servers that others wrote: the table of docs/verified.md that says by which rules
// of the conformance suites each of them fails, and why. The table is checked both ways: a rule that it names must fail,
// any other must hold.
package others

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// atTimes begins the reason of a rule that a server breaks in some runs only.
const atTimes = "at times: "

// Differences gives the rules that a server is known to break, each with the reason.
func Differences(t *testing.T, server string) map[string]string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "..", "docs", "verified.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) == 5 && strings.TrimSpace(cells[1]) == server {
			known[strings.TrimSpace(cells[2])] = strings.TrimSpace(cells[3])
		}
	}
	return known
}

// Compare holds what a server broke, and how, against what it is known to break.
func Compare(t *testing.T, server string, rules int, broken map[string]string) {
	t.Helper()
	known := Differences(t, server)
	for _, rule := range slices.Sorted(maps.Keys(broken)) {
		if known[rule] == "" {
			t.Errorf("%s breaks the rule %q: %s", server, rule, broken[rule])
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(known)) {
		if _, still := broken[rule]; !still && !strings.HasPrefix(known[rule], atTimes) {
			t.Errorf("%s keeps the rule %q, or was not asked; docs/verified.md says that it does not: %s", server, rule, known[rule])
		}
	}
	t.Logf("%s: %d rules, %d of them broken", server, rules, len(broken))
}

// Line is a transport that notices when a server breaks a connection off, as moto's does now and then. What a rule found
// meanwhile says nothing; it is to be asked again.
type Line struct{ broken atomic.Int64 }

// RoundTrip implements [http.RoundTripper].
func (l *Line) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		l.broken.Add(1)
		return nil, err
	}
	if resp.Header.Get("Content-Type") == "application/vnd.amazon.eventstream" {
		return resp, nil // it ends when the client has had enough
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read to its end, or is broken
	if err != nil {
		l.broken.Add(1)
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// Ask asks until the line held, at most five times, and returns the last answer.
func (l *Line) Ask(ask func() string) (verdict string) {
	for range 5 {
		before := l.broken.Load()
		verdict = ask()
		if l.broken.Load() == before {
			break
		}
	}
	return verdict
}
