package dynamodbtest

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
)

// Verdicts gives the full name ("Group/rule") of every rule that a target has the capabilities for, with a function that
// judges the target by it and returns how the target breaks it, or "". It may be called again: each call makes a table of
// its own.
func Verdicts(t *testing.T, target Target) iter.Seq2[string, func() string] {
	return func(yield func(string, func() string) bool) {
		for _, g := range groups() {
			for _, r := range g.rules {
				if r.needs != nil && !r.needs(target.Can) {
					continue
				}
				if !yield(g.name+"/"+r.name, func() string { return judge(t, r, target) }) {
					return
				}
			}
		}
	}
}

func judge(t *testing.T, r rule, target Target) string {
	v := &verdict{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil { // an answer lacks what every answer has
				v.failures = append(v.failures, fmt.Sprint(p))
			}
		}()
		r.run(&env{T: v, Target: target})
	}()
	<-done
	return strings.Join(v.failures, "; ")
}

// verdict is a T that remembers what was said against the target.
type verdict struct {
	*testing.T
	failures []string
}

func (v *verdict) Log(...any) {}

func (v *verdict) Error(args ...any) { v.failures = append(v.failures, fmt.Sprint(args...)) }

func (v *verdict) Errorf(format string, args ...any) { v.Error(fmt.Sprintf(format, args...)) }

func (v *verdict) Fatal(args ...any) {
	v.Error(args...)
	runtime.Goexit()
}

func (v *verdict) Fatalf(format string, args ...any) { v.Fatal(fmt.Sprintf(format, args...)) }
