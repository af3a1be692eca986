// Package pipeline moves records from the source through transform to the sink.
package pipeline

import (
	"context"
	"errors"
	"log/slog"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/telemetry"
)

// RunOptions are what a run needs beside the file.
type RunOptions struct {
	UntilCaughtUp bool
	Logger        *slog.Logger
	Health        *telemetry.PipelineHealth
}

// Run runs one pipeline until ctx ends, or until it has caught up when that is asked for.
func Run(context.Context, *config.Pipeline, RunOptions) error {
	return errors.New("not built")
}
