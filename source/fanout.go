package source

import (
	"context"

	"kinesis-snowflake/source/reader"
)

// read reads a shard for as long as ctx lives, in the way that the options name.
func (s *Source) read(ctx context.Context, cfg reader.Config) error {
	return reader.Read(ctx, cfg)
}
