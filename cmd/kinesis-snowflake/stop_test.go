package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
)

// The program catches signals, so each command that may wait for something has to end by one: at a terminal nobody can tell a
// command that ignores Ctrl-C from one that hangs.
func TestASignalEndsWhatWaitsForItsInput(t *testing.T) {
	file := pipelineFile(t, "one", quiet)
	for _, args := range [][]string{{"replay", "-c", file, "--log", "-"}, {"plan", "-c", file, "--file", "-"}} {
		t.Run(args[0], func(t *testing.T) {
			p, b := setup(notRun)
			input, typist := io.Pipe()
			defer typist.Close()
			p.stdin = input
			code := make(chan int)
			go func() { code <- p.execute(args) }()
			if _, err := io.WriteString(typist, "{}\n"); err != nil { // it is being read
				t.Fatal(err)
			}
			b.signals <- syscall.SIGINT
			if got := <-code; got != 1 || !strings.Contains(b.stderr.String(), "stopped by interrupt") {
				t.Errorf("exit code %d: %s", got, b.stderr.String())
			}
		})
	}
}

// What does not end by the first signal does not outlast the second.
func TestASecondSignalEndsACommandAtOnce(t *testing.T) {
	p, b := setup(notRun)
	started, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	done := make(chan error)
	go func() {
		done <- p.stoppable(t.Context(), func(context.Context) error {
			close(started)
			<-never
			return nil
		})
	}()
	<-started
	b.signals <- syscall.SIGTERM
	b.signals <- syscall.SIGTERM
	if err := <-done; !errors.Is(err, errTwice) {
		t.Errorf("got %v", err)
	}
}
