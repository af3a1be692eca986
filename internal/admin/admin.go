package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/source/lease"
	"kinesis-snowflake/source/reader"
)

// Options are what the operations need beside the pipeline file.
type Options struct {
	Logger *slog.Logger // of what the services' clients have to say; discarded when nil
	// Transports replace the clients' own in tests.
	KinesisTransport, DynamoDBTransport, SnowflakeTransport http.RoundTripper
}

// Admin operates on the leases of one pipeline. Its methods are for one goroutine. Close ends its Snowflake session.
type Admin struct {
	cfg    *config.Pipeline
	tools  *source.Tools
	leases *lease.DynamoDB
	log    *slog.Logger
	o      Options
	client *snowflake.Client // nil until Snowflake is needed
}

// New prepares the operations. It makes no call.
func New(cfg *config.Pipeline, o Options) (*Admin, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	tools, err := source.NewTools(pipeline.SourceOptions(cfg, pipeline.RunOptions{
		Logger: o.Logger, KinesisTransport: o.KinesisTransport, DynamoDBTransport: o.DynamoDBTransport,
	}))
	if err != nil {
		return nil, fmt.Errorf("set up the source: %w", err)
	}
	return &Admin{cfg: cfg, tools: tools, leases: tools.Leases(), log: o.Logger, o: o}, nil
}

// Close ends what was opened.
func (a *Admin) Close() {
	if a.client != nil {
		a.client.Discard()
	}
}

// ErrRefused marks what is not done because it would do harm, or makes no sense, as things stand; the text says what to do.
var ErrRefused = errors.New("refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// ledger logs in to Snowflake and returns the table's offsets.
func (a *Admin) ledger(ctx context.Context, info source.StreamInfo) (*snowflake.Ledger, error) {
	login, err := pipeline.SnowflakeLogin(a.cfg, a.o.SnowflakeTransport)
	if err != nil {
		return nil, err
	}
	a.client = snowflake.NewClient(snowflake.NewDialer(login), a.log)
	if _, err := a.client.Session(ctx); err != nil {
		return nil, err
	}
	return snowflake.NewLedger(a.client, snowflake.LedgerOptions{
		Table: a.table(), Stream: info.ID(), Application: a.cfg.Source.Application, LockPatience: a.cfg.Source.LeaseDuration,
		NewID: pipeline.NewID, Log: a.log,
	}), nil
}

func (a *Admin) table() snowflake.Name {
	return snowflake.Name{Database: a.cfg.Sink.Database, Schema: a.cfg.Sink.Schema, Object: a.cfg.Sink.Table}
}

func (a *Admin) offsets() snowflake.Name {
	n := a.table()
	n.Object += "$OFFSETS"
	return n
}

// tries bounds the repeats of a write whose outcome is unknown or that was throttled, over a minute or so.
const tries = 12

// again makes a write of the lease table, word for word, until it is known what became of it.
func again(ctx context.Context, write func(context.Context) error) error {
	for n := range tries {
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		err := write(callCtx)
		cancel()
		switch class := lease.ClassOf(err); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case class == lease.ClassLost, class == lease.ClassPermanent, n == tries-1:
			return err
		}
		if err := reader.Pause(ctx, min(100*time.Millisecond<<n, maxPause)); err != nil {
			return err
		}
	}
	panic("unreachable")
}

const (
	callTimeout = 10 * time.Second
	maxPause    = 10 * time.Second
)

// twice runs what may be repeated against Snowflake once more after an error that left the session in doubt.
func twice(do func() error) error {
	err := do()
	if err != nil && (snowflake.ClassOf(err) == snowflake.Gone || snowflake.ClassOf(err) == snowflake.Retry) {
		err = do()
	}
	return err
}
