package pipeline

import (
	"log/slog"
	"net/http"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/transform/step"
)

// SourceOptions says how a file's stream and lease table are reached, for a command that looks at them without running the
// pipeline.
func SourceOptions(cfg *config.Pipeline, o RunOptions) source.Options {
	options := sourceOptions(cfg, o, nil, newCondition(nil))
	options.Budget, options.Trouble = nil, nil
	return options
}

// SnowflakeLogin says how a file's Snowflake account is reached.
func SnowflakeLogin(cfg *config.Pipeline, transport http.RoundTripper) (snowflake.Login, error) {
	return login(cfg, transport)
}

// NewID returns an id that no other process ever had.
func NewID() string { return newID() }

// SinkOptions are those of a file's sink, but for what a process chooses: WorkerID, Lanes, Keys and Refused.
func SinkOptions(cfg *config.Pipeline, info source.StreamInfo, o RunOptions) (sink.Options, error) {
	return sinkOptions(cfg, info, o)
}

// Transformers returns what makes a file's transformers, one for each goroutine, which share keys.
func Transformers(cfg *config.Pipeline, keys *row.Keys, log *slog.Logger) (func() Transformer, error) {
	made, _, err := transformers(cfg, keys, log)
	return made, err
}

// Watched returns a file's Transformer for a sample, and what knows which paths of its steps led to nothing. It calls violated for
// each document that violates the schema and is loaded all the same.
func Watched(cfg *config.Pipeline, keys *row.Keys, violated func(rec *row.Record, index uint32, f *row.Failure)) (Transformer, *step.Watch, error) {
	s, err := newShaping(&cfg.Transform)
	if err != nil {
		return nil, nil, err
	}
	var watch *step.Watch
	s.steps, watch = s.steps.Watched()
	made, err := s.transformers(&cfg.Transform, keys, func() warn { return violated })
	if err != nil {
		return nil, nil, err
	}
	return made(), watch, nil
}
