package kinesistest

import (
	"fmt"
	"runtime"
	"testing"
)

// Verdict judges a target by one rule and returns in which way it breaks it, or "".
func Verdict(t *testing.T, rule Rule, target Target) string {
	v := &verdict{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil { // an answer lacks what every answer has
				v.failure = fmt.Sprint(p)
			}
		}()
		rule.Check(v, NewEnv(target))
	}()
	<-done
	return v.failure
}

// verdict is a T that remembers whether the rule was broken.
type verdict struct {
	*testing.T
	failure string
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
