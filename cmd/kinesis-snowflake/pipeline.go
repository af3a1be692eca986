package main

import (
	"context"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
)

// runPipeline runs one pipeline until ctx ends or, when asked to, until it has caught up.
func runPipeline(ctx context.Context, cfg *config.Pipeline, o runOptions) error {
	return pipeline.Run(ctx, cfg, pipeline.RunOptions{UntilCaughtUp: o.untilCaughtUp, Logger: o.logger, Health: o.health})
}
