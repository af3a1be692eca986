package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one fault of a pipeline file.
type Error struct {
	File    string
	Line    int    // from 1; 0 when the file could not be read at all
	Column  int    // in characters, from 1
	Key     string // path of the key: sink.batch.interval; empty for a fault of the file as a whole
	Problem string // what is wrong; quotes the file, never the environment or a secret
	Allowed string // what may stand there instead
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + e.Problem)
	if e.Allowed != "" {
		b.WriteString("; allowed: " + e.Allowed)
	}
	return b.String()
}

// Errors are all faults of the files that were read, in the order of the files and of the lines. Never empty.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each fault reachable by errors.As.
func (es Errors) Unwrap() []error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return all
}

// sortByPosition orders the faults of one file; faults of one place stay in the order in which they were found.
func (es Errors) sortByPosition() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
