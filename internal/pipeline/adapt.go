package pipeline

import (
	"context"
	"errors"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/loadfile"
	"kinesis-snowflake/source"
)

// sourceAdapter makes a [source.Source] the pipeline's [Source].
type sourceAdapter struct {
	source *source.Source
	core   *core
}

func (a sourceAdapter) Run(ctx context.Context) error   { return a.source.Run(ctx, opener{a.core}) }
func (a sourceAdapter) Drain(ctx context.Context) error { return a.source.Drain(ctx) }

func (a sourceAdapter) Pending() (pending, open int, known bool) {
	s := a.source.Status()
	return s.Pending, s.Open, s.Synced
}

type opener struct{ core *core }

func (o opener) Open(_ context.Context, s *source.Shard) (source.ShardConsumer, error) {
	return o.core.openShard(s), nil
}

// loader makes a [sink.Sink] the pipeline's [Loader].
type loader struct{ sink *sink.Sink }

func (l loader) NewBatch() Batch { return l.sink.NewBatch() }

func (l loader) Acquire(ctx context.Context, wanted []row.Wanted) (map[string]row.Claim, error) {
	return l.sink.Acquire(ctx, wanted)
}

func (l loader) Load(ctx context.Context, b Batch, parts []row.Part) (row.Outcome, error) {
	return l.sink.Load(ctx, b.(*sink.Batch), parts)
}

func (l loader) Sort(err error) Severity {
	switch {
	case errors.As(err, new(*loadfile.CorruptError)):
		return Lost
	case sink.IsFinal(err):
		return Stop
	case sink.NeedsOperator(err):
		return Operator
	default:
		return Transient
	}
}
