package delivery

import (
	"time"

	"kinesis-snowflake/internal/mutant"
)

// Config says when batches are sealed and how trouble is met.
type Config struct {
	Interval time.Duration // from the first answer of a batch to its sealing
	MaxBytes int64         // payload before compression
	MaxRows  int64
	// Gather is the least time between two batches that are sealed early for drains.
	Gather time.Duration
	// Retry is the first pause after an error; it doubles up to MaxRetry.
	Retry, MaxRetry time.Duration
	// GiveUp ends the machine at an error that somebody must mend.
	GiveUp bool
	// Sort says what an error calls for. It must be pure.
	Sort func(error) Severity
	// Broken are the rules that a test breaks.
	Broken mutant.Set
}

// Severity is how an error is met.
type Severity int

// The severities.
const (
	Transient Severity = iota // it will pass: try again
	Operator                  // somebody must change something; try again, slowly, and say so
	Stop                      // going on would lose or double rows
	Lost                      // the batch's own files are of no use: read its records again
)
