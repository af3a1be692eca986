package telemetry

import (
	"slices"
	"sync"
	"time"
)

// State is what a pipeline is doing.
type State string

// A pipeline starts, runs, may fail and run again any number of times, and stops once.
const (
	Starting State = "starting"
	Running  State = "running"
	Failing  State = "failing"
	Stopped  State = "stopped"
)

// Health is the health of a process: of its pipelines. Safe for use by several goroutines.
type Health struct {
	now func() time.Time

	mu        sync.Mutex
	pipelines []*PipelineHealth
}

// NewHealth is the health of a process that has no pipelines yet.
func NewHealth() *Health { return &Health{now: time.Now} }

// Pipeline adds a pipeline, in state [Starting]. The name shows in the answers of the probes.
func (h *Health) Pipeline(name string) *PipelineHealth {
	p := &PipelineHealth{name: name, now: h.now, state: Starting, since: h.now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pipelines = append(h.pipelines, p)
	return p
}

func (h *Health) all() []*PipelineHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.pipelines)
}

// PipelineHealth is where one pipeline reports its state. Its methods may be called on a nil pointer, and then do nothing,
// so that a pipeline can run without anyone watching. Safe for use by several goroutines.
type PipelineHealth struct {
	name string
	now  func() time.Time

	mu        sync.Mutex
	state     State
	since     time.Time
	lastError string
	lastAt    time.Time
	checks    []*check
}

type check struct {
	name  string
	alive func() error
}

// Running reports that the pipeline reads and loads. The last error stays on record.
func (p *PipelineHealth) Running() { p.report(Running, nil) }

// Failing reports an error that the pipeline will try to get over by itself.
func (p *PipelineHealth) Failing(err error) { p.report(Failing, err) }

// Stopped reports that the pipeline has ended: cleanly when err is nil.
func (p *PipelineHealth) Stopped(err error) { p.report(Stopped, err) }

func (p *PipelineHealth) report(s State, err error) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == Stopped {
		return // a late report of a goroutine that is still on its way out
	}
	now := p.now()
	if p.state != s {
		p.state, p.since = s, now
	}
	if err != nil {
		p.lastError, p.lastAt = err.Error(), now
	} else if s == Stopped {
		p.lastError, p.lastAt = "", time.Time{} // ended well: what was got over no longer counts
	}
}

// Check registers a liveness check: alive returns nil, or why only a restart of the process can help. It is called at every
// probe, on the server's goroutine, and must not block. The returned function takes the check away again.
func (p *PipelineHealth) Check(name string, alive func() error) (remove func()) {
	if p == nil {
		return func() {}
	}
	c := &check{name, alive}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, c)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.checks = slices.DeleteFunc(p.checks, func(o *check) bool { return o == c })
	}
}
