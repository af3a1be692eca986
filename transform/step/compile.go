package step

import (
	"fmt"
	"strings"
)

// Error is a fault of one step of a list.
type Error struct {
	Step    int // from 1
	Name    string
	At      Text   // what is at fault
	Problem string // says what is wrong, so that it follows the text: "is no type"
	Allowed string // what may stand there instead; may be empty
}

func (e *Error) Error() string {
	text := fmt.Sprintf("step %d, %s: %q %s", e.Step, e.Name, e.At.Value, e.Problem)
	if e.Allowed != "" {
		text += "; allowed: " + e.Allowed
	}
	return text
}

// Errors are all faults of a list of steps.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Program is a list of steps, ready to run. It is safe for concurrent use.
type Program struct {
	steps []Config
}

// Compile checks steps and makes them ready. Its error is an [Errors] with every fault. Without steps the Program is nil.
func Compile(steps []Config) (*Program, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	return &Program{steps: steps}, nil
}
