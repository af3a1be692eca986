package pipeline

import (
	"net/http"

	"kinesis-snowflake/config"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
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
