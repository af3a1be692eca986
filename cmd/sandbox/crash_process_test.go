package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// buildProgram builds the program as it is shipped.
func buildProgram(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kinesis-snowflake")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "minicore_disabled", "-o", binary, "./cmd/kinesis-snowflake")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return binary
}

// process is a running program.
type process struct {
	worker  string
	command *exec.Cmd
	exited  chan struct{} // closed once it is dead and waited for

	mu  sync.Mutex
	log bytes.Buffer
}

func startProgram(t testing.TB, binary, worker string, args ...string) *process {
	t.Helper()
	p := &process{worker: worker, command: exec.CommandContext(t.Context(), binary, args...), exited: make(chan struct{})}
	p.command.Stderr = p
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.command.Wait() // the state that it leaves tells more
	}()
	return p
}

// Write takes the program's log.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// said gives the log.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// tail gives the end of the log.
func (p *process) tail() string {
	lines := strings.Split(p.said(), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func (p *process) kill() { _ = p.command.Process.Kill() } // it may be dead already

// signal sends what the program is to notice, or the kernel to do to it: stop it, let it go on.
func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Errorf("send %s to %s: %v", s, p.worker, err)
	}
}
