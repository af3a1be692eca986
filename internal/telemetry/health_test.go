package telemetry

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type bundle struct {
	health *Health
	mux    *http.ServeMux
	clock  time.Time
}

func setup() *bundle {
	b := &bundle{clock: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), mux: http.NewServeMux()}
	b.health = NewHealth()
	b.health.now = func() time.Time { return b.clock }
	b.health.Routes(b.mux)
	return b
}

// get returns the status of a probe, and the lines of its body between the first and the last.
func (b *bundle) get(t *testing.T, path string) (int, []string) {
	t.Helper()
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if !json.Valid(w.Body.Bytes()) {
		t.Fatalf("not JSON: %s", w.Body)
	}
	lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
	return w.Code, lines[1 : len(lines)-1]
}

func (b *bundle) wantCodes(t *testing.T, healthz, readyz int) {
	t.Helper()
	if got, _ := b.get(t, "/healthz"); got != healthz {
		t.Errorf("/healthz is %d, want %d", got, healthz)
	}
	if got, _ := b.get(t, "/readyz"); got != readyz {
		t.Errorf("/readyz is %d, want %d", got, readyz)
	}
}

func TestStatesDecideReadinessNotLiveness(t *testing.T) {
	b := setup()
	one, two := b.health.Pipeline("one"), b.health.Pipeline("two")
	b.wantCodes(t, 200, 503)
	one.Running()
	b.wantCodes(t, 200, 503)
	two.Running()
	b.wantCodes(t, 200, 200)
	two.Failing(errors.New("no warehouse"))
	b.wantCodes(t, 200, 503)
	two.Running()
	b.wantCodes(t, 200, 200)
	one.Stopped(nil)
	b.wantCodes(t, 200, 200)
	two.Stopped(errors.New("no grant"))
	b.wantCodes(t, 200, 503)
}

func TestOneLineAPipeline(t *testing.T) {
	b := setup()
	one, two := b.health.Pipeline("one.yaml"), b.health.Pipeline("two.yaml")
	b.clock = b.clock.Add(time.Minute)
	one.Failing(errors.New(`bad "news"`))
	b.clock = b.clock.Add(time.Minute)
	one.Running()
	b.clock = b.clock.Add(time.Minute)
	one.Running()
	two.Check("renewal", func() error { return errors.New("stands still since 1m") })
	code, lines := b.get(t, "/healthz")
	want := []string{
		`{"pipeline":"one.yaml","state":"running","since":"2026-01-31T00:02:00Z","last_error":"bad \"news\"","last_error_at":"2026-01-31T00:01:00Z"},`,
		`{"pipeline":"two.yaml","state":"starting","since":"2026-01-31T00:00:00Z","dead":["renewal: stands still since 1m"]}`,
	}
	if diff := cmp.Diff(want, lines); diff != "" || code != 503 {
		t.Errorf("status %d\n%s", code, diff)
	}
}

func TestChecksDecideLiveness(t *testing.T) {
	b := setup()
	p := b.health.Pipeline("p")
	p.Running()
	var dead error
	remove := p.Check("a", func() error { return dead })
	p.Check("b", func() error { return nil })
	b.wantCodes(t, 200, 200)
	dead = errors.New("stuck")
	b.wantCodes(t, 503, 200)
	remove()
	b.wantCodes(t, 200, 200)
}

func TestStoppedIsTheLastWord(t *testing.T) {
	b := setup()
	p := b.health.Pipeline("p")
	p.Failing(errors.New("got over"))
	p.Stopped(nil)
	p.Failing(errors.New("late"))
	_, lines := b.get(t, "/readyz")
	if want := []string{`{"pipeline":"p","state":"stopped","since":"2026-01-31T00:00:00Z"}`}; !cmp.Equal(lines, want) {
		t.Errorf("got %s", lines)
	}
}

func TestNobodyNeedsToWatch(*testing.T) {
	var p *PipelineHealth
	p.Running()
	p.Failing(errors.New("x"))
	p.Check("a", func() error { return nil })()
	p.Stopped(nil)
}

func TestServer(t *testing.T) {
	b := setup()
	log := slog.New(slog.DiscardHandler)
	s, err := Listen(t.Context(), "127.0.0.1:0", b.mux, log)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + s.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := "{\"status\":\"ok\",\"pipelines\":[\n\n]}\n"; err != nil || resp.StatusCode != 200 || string(body) != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %q, %v", resp.Status, body, err)
	}
	post, err := http.Post("http://"+s.Addr().String()+"/healthz", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	post.Body.Close()
	if post.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %s", post.Status)
	}
	if _, err := Listen(t.Context(), s.Addr().String(), b.mux, log); err == nil || !strings.HasPrefix(err.Error(), "serve telemetry: ") {
		t.Errorf("a second server on the address: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get("http://" + s.Addr().String() + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("answers after Close")
	}
}
