package pipeline

import (
	"context"
	"fmt"

	"kinesis-snowflake/config"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/source"
)

// resume keeps a start other than TRIM_HORIZON from passing over what the offsets say is still to come. That is so when
// the lease table was deleted while the table's offsets stand: their shards are
// then read from the beginning, and what is loaded already is left out.
func resume(ctx context.Context, src *source.Source, snk *sink.Sink, start config.StartPosition) error {
	if start == config.TrimHorizon {
		return nil // every shard is read from its beginning as it is
	}
	fresh, err := src.Fresh(ctx)
	if err != nil || !fresh {
		return err
	}
	shards, err := snk.Offsets(ctx)
	if err != nil {
		return fmt.Errorf("there are no leases yet, and how far the table came must be known before reading begins at %s: %w", start, err)
	}
	src.SetOffsets(shards)
	return nil
}
