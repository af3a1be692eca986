package replay

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
)

// Options are what a replay needs beside the pipeline file and the log.
type Options struct {
	DryRun bool         // look, and load nothing
	Logger *slog.Logger // of what the services' clients have to say; discarded when nil
	Told   func(string) // hears of each batch that was loaded, and every 10 s how far a long reading is; may be nil
	// Transports replace the clients' own in tests.
	KinesisTransport, DynamoDBTransport, SnowflakeTransport http.RoundTripper
}

// Run replays the messages of a log that are the pipeline's. It may be run as often as one likes, at any time. An error says
// why it could not go on; the report is that of what was done until then, and nil if the log was not looked at yet.
func Run(ctx context.Context, cfg *config.Pipeline, log *Log, o Options) (*Report, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Told == nil {
		o.Told = func(string) {}
	}
	r := &replay{cfg: cfg, o: o}
	r.report = newReport(cfg, log, o.DryRun)
	err := r.run(ctx, log)
	if r.messages == nil {
		return nil, err
	}
	r.report.close(r.messages)
	return r.report, err
}

// replay is one run. It belongs to one goroutine, but for the readers of shards.
type replay struct {
	cfg      *config.Pipeline
	o        Options
	tools    *source.Tools
	info     source.StreamInfo
	listed   map[string]lease.Shard
	sink     *sink.Sink
	keys     *row.Keys
	messages *messages
	claims   map[string]row.Claim // of the replay's own offsets
	refused  map[place]refusal    // rows of the batch that is loaded that were left out of it
	report   *Report
}

// place is a user record.
type place struct {
	shard string
	at    row.Position
}

func (r *replay) run(ctx context.Context, log *Log) (err error) {
	ro := pipeline.RunOptions{Logger: r.o.Logger, KinesisTransport: r.o.KinesisTransport, DynamoDBTransport: r.o.DynamoDBTransport, SnowflakeTransport: r.o.SnowflakeTransport}
	if r.tools, err = source.NewTools(pipeline.SourceOptions(r.cfg, ro)); err != nil {
		return fmt.Errorf("set up the source: %w", err)
	}
	if r.info, err = r.tools.Describe(ctx); err != nil {
		return err
	}
	so, err := pipeline.SinkOptions(r.cfg, r.info, ro)
	if err != nil {
		return err
	}
	r.messages = gather(log, pipelineID{stream: r.cfg.Source.Stream, streamID: r.info.ID(), application: r.cfg.Source.Application, table: so.Table.String()})
	if len(r.messages.shards) == 0 {
		return nil
	}
	r.keys = row.NewKeys()
	so.StreamID = snowflake.ReplayStream(r.info.ID())
	so.WorkerID, so.Lanes, so.Keys, so.Refused = "replay-"+pipeline.NewID()[:8], 1, r.keys, r.refuse
	if r.sink, err = sink.New(so); err != nil {
		return fmt.Errorf("set up the sink: %w", err)
	}
	defer func() { _ = r.sink.Close() }() // what stays of its folder goes with the next that is made
	if err := r.sink.Login(ctx); err != nil {
		return err
	}
	listing, err := r.tools.Shards(ctx)
	if err != nil {
		return err
	}
	r.listed = map[string]lease.Shard{}
	for _, s := range listing.Shards {
		r.listed[s.ID] = s
	}
	if err := r.admit(ctx); err != nil {
		return err
	}
	return r.load(ctx)
}

// refusal is what was left out of a message's rows when they were loaded.
type refusal struct {
	rows  int64
	first row.Failure
	index uint32 // of that row
	multi bool
}

// refuse hears of a row that was left out of a batch: Snowflake would not load it, or a column that must have a value has none.
func (r *replay) refuse(_ context.Context, shard string, row *row.Row, f *row.Failure) {
	p := place{shard, positionOf(row)}
	was := r.refused[p]
	if was.rows++; was.rows == 1 {
		was.first, was.index, was.multi = *f, row.Index, row.Multi
	}
	r.refused[p] = was
}

func positionOf(r *row.Row) row.Position {
	return row.Position{Sequence: string(r.Sequence), Subsequence: r.Subsequence}
}

// keptFor words a time of retention.
func keptFor(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}
