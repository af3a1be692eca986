package main

import (
	"fmt"
	"io"
	"sync"
)

// mostLines is how many log lines are kept; a file of bad records makes one each.
const mostLines = 20

// later keeps log lines, one a Write, until nothing is redrawn any more.
type later struct {
	mu    sync.Mutex
	lines [][]byte
	more  int
}

// Write implements io.Writer.
func (l *later) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == mostLines {
		l.more++
	} else {
		l.lines = append(l.lines, append([]byte{}, line...))
	}
	return len(line), nil
}

func (l *later) writeTo(w io.Writer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("write log: %w", err)
		}
	}
	if l.more > 0 {
		if _, err := fmt.Fprintf(w, "and %d more lines\n", l.more); err != nil {
			return fmt.Errorf("write log: %w", err)
		}
	}
	return nil
}
