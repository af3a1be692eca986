package dynamodbtest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Verdicts judges a target by every rule that it has the capabilities for, and returns how it breaks each, by the rule's
// full name ("Group/rule"); "" is a rule that it keeps.
func Verdicts(t *testing.T, target Target) map[string]string {
	all := map[string]string{}
	for _, g := range groups() {
		for _, r := range g.rules {
			if r.needs == nil || r.needs(target.Can) {
				all[g.name+"/"+r.name] = judge(t, r, target)
			}
		}
	}
	return all
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
