package validate

import "github.com/santhosh-tekuri/jsonschema/v5"

type verdict uint8

const (
	unknown verdict = iota
	good
	bad
)

type form struct{}

func compileFast(*jsonschema.Schema) *form { return nil }

type evaluator struct{}

func newEvaluator(*form) *evaluator { return nil }

func (e *evaluator) check([]byte) verdict { return unknown }
