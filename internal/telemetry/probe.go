package telemetry

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// report is one pipeline's line in a probe's answer.
type report struct {
	Pipeline    string     `json:"pipeline"`
	State       State      `json:"state"`
	Since       time.Time  `json:"since"`
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	Dead        []string   `json:"dead,omitempty"` // the liveness checks that failed, each with its reason
}

// ready: running, or ended well.
func (r report) ready() bool {
	return r.State == Running || r.State == Stopped && r.LastError == ""
}

func (p *PipelineHealth) snapshot() report {
	p.mu.Lock()
	r := report{Pipeline: p.name, State: p.state, Since: p.since.UTC(), LastError: p.lastError}
	if p.lastError != "" {
		at := p.lastAt.UTC()
		r.LastErrorAt = &at
	}
	checks := append([]*check(nil), p.checks...)
	p.mu.Unlock()
	// Outside the lock: a check may itself report.
	for _, c := range checks {
		if err := c.alive(); err != nil {
			r.Dead = append(r.Dead, c.name+": "+err.Error())
		}
	}
	return r
}

// Routes adds /healthz and /readyz to mux.
//
// /healthz answers 200 while every registered check is alive, else 503. /readyz answers 200 when each pipeline is running or
// has ended well, else 503. Both answer JSON, with one line for each pipeline.
func (h *Health) Routes(mux *http.ServeMux) {
	mux.Handle("GET /healthz", h.probe(func(r report) bool { return len(r.Dead) == 0 }))
	mux.Handle("GET /readyz", h.probe(report.ready))
}

func (h *Health) probe(good func(report) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status, code := "ok", http.StatusOK
		var lines [][]byte
		for _, p := range h.all() {
			r := p.snapshot()
			if !good(r) {
				status, code = "unavailable", http.StatusServiceUnavailable
			}
			line, err := json.Marshal(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			lines = append(lines, line)
		}
		var body bytes.Buffer
		body.WriteString(`{"status":"` + status + `","pipelines":[` + "\n")
		body.Write(bytes.Join(lines, []byte(",\n")))
		body.WriteString("\n]}\n")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		_, _ = w.Write(body.Bytes()) // a prober that hung up needs no answer
	})
}
