package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline/delivery"
	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/telemetry"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/loadfile"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/source"
	"kinesis-snowflake/transform"
)

// RunOptions are what a run needs beside the file.
type RunOptions struct {
	UntilCaughtUp bool
	Logger        *slog.Logger
	Health        *telemetry.PipelineHealth
	// Progress is called about five times a second while the pipeline runs, and once at its end.
	Progress func(Progress)
	// Transports replace the clients' own in tests, SpoolFiles the machine's files.
	KinesisTransport, DynamoDBTransport, SnowflakeTransport http.RoundTripper
	SpoolFiles                                              loadfile.FS
}

const (
	progressEvery = 200 * time.Millisecond
	firstRetry    = 200 * time.Millisecond
	// looks is how often in a lease duration a worker looks at its leases, and learns which of them are asked for: a
	// worker that joins asks for many within one look.
	looks = 3
	// maxLanes bounds the answers in work at once, and with them the load files of a batch. Compression takes most
	// of the time, so more than the cores gain nothing.
	maxLanes = 16
)

// Run runs one pipeline until ctx ends, or until it has caught up when that is asked for. Ending ctx is a graceful
// stop: what was read is committed, checkpointed and released within the file's shutdown_timeout.
func Run(ctx context.Context, cfg *config.Pipeline, o RunOptions) (err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	defer func() { o.Health.Stopped(err) }()
	r, closeSink, err := build(ctx, cfg, o)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, closeSink()) }()
	if err := preflight(ctx, r.committer.loader, r.condition, o.Logger); err != nil {
		return unlessStopped(ctx, err)
	}
	if err := resume(ctx, r.source.(sourceAdapter).source, r.committer.loader.(loader).sink, cfg.Source.Start.Position); err != nil {
		return unlessStopped(ctx, err)
	}
	r.condition.begin()
	watched := make(chan struct{})
	watchCtx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(watched)
		watch(watchCtx, r.core, o.Progress)
	}()
	defer func() { stopWatch(); <-watched }()
	return r.run(ctx)
}

// unlessStopped makes nothing of an error that a stop before the first record brought about.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// loginWait bounds the log-in at the start; if Snowflake cannot be reached now, it may be when the first batch is due.
const loginWait = 30 * time.Second

// preflight logs in once, so that what only an operator can mend ends the run at its start.
func preflight(ctx context.Context, l Loader, c *condition, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, loginWait)
	defer cancel()
	err := l.(loader).sink.Login(ctx)
	if err == nil {
		return nil
	}
	if l.Sort(err) == Operator {
		return err
	}
	c.set(partLoad, err) // until a batch is loaded
	log.WarnContext(ctx, "cannot log in to snowflake yet; trying again when there is something to load", "error", err)
	return nil
}

func build(ctx context.Context, cfg *config.Pipeline, o RunOptions) (*runner, func() error, error) {
	log, condition := o.Logger, newCondition(o.Health)
	budget := newBudget(int64(cfg.Memory))
	src, err := source.New(sourceOptions(cfg, o, budget, condition))
	if err != nil {
		return nil, nil, fmt.Errorf("set up the source: %w", err)
	}
	info, err := src.Prepare(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys := row.NewKeys()
	failures := newFailureLog(cfg, info, log)
	lanes := min(runtime.GOMAXPROCS(0), maxLanes)
	onState := func(err error) { condition.set(partLoad, err) }
	newTransformer, violated, err := transformers(cfg, keys, log)
	if err != nil {
		return nil, nil, err
	}
	so, err := sinkOptions(cfg, info, o)
	if err != nil {
		return nil, nil, err
	}
	var core *core // before anything is loaded
	refuse := func(ctx context.Context, shard string, r *row.Row, why *row.Failure) {
		core.leftOut.Add(1)
		logRefused(ctx, failures, shard, r, why)
	}
	so.WorkerID, so.Lanes, so.Keys, so.Refused, so.Waiting = src.WorkerID(), lanes, keys, refuse, onState
	snk, err := sink.New(so)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the sink: %w", err)
	}
	pool := newWorkers(lanes, newTransformer)
	core = newCore(loader{snk}, pool, failures, delivery.Config{
		Interval: cfg.Sink.Batch.Interval, MaxBytes: int64(cfg.Sink.Batch.MaxBytes), MaxRows: int64(cfg.Sink.Batch.MaxRows),
		Gather: cfg.Source.LeaseDuration / looks, Retry: firstRetry, MaxRetry: maxRetry, GiveUp: o.UntilCaughtUp,
	}, log, onState)
	core.violations = violated
	return &runner{
		core: core, condition: condition, source: sourceAdapter{src, core}, shutdown: cfg.ShutdownTimeout, until: o.UntilCaughtUp, poll: 50 * time.Millisecond, log: log,
		committer: &committer{core},
	}, snk.Close, nil
}

func newFailureLog(cfg *config.Pipeline, info source.StreamInfo, log *slog.Logger) *transform.FailureLog {
	return transform.NewFailureLog(transform.FailureLogOptions{
		Logger: log, Stream: cfg.Source.Stream, StreamID: info.ID(), Application: cfg.Source.Application, Table: tableOf(cfg).String(),
		Payload: transform.PayloadMode(cfg.FailedMessages.Payload), MaxBytes: int(cfg.FailedMessages.MaxBytes),
	})
}

func tableOf(cfg *config.Pipeline) snowflake.Name {
	return snowflake.Name{Database: cfg.Sink.Database, Schema: cfg.Sink.Schema, Object: cfg.Sink.Table}
}

// sinkOptions are those that the file decides.
func sinkOptions(cfg *config.Pipeline, info source.StreamInfo, o RunOptions) (sink.Options, error) {
	login, err := login(cfg, o.SnowflakeTransport)
	if err != nil {
		return sink.Options{}, err
	}
	columns, err := TableConfig(cfg)
	if err != nil {
		return sink.Options{}, err
	}
	return sink.Options{
		Dialer: snowflake.NewDialer(login), Table: tableOf(cfg), StreamName: cfg.Source.Stream, StreamID: info.ID(), Application: cfg.Source.Application,
		SpoolDir: cfg.Sink.SpoolDir, MaxBytes: int64(cfg.Sink.Batch.MaxBytes), LockPatience: cfg.Source.LeaseDuration, NewID: newID, Log: o.Logger, Files: o.SpoolFiles,
		Columns: columns, LatestKey: cfg.Sink.Key, QuoteNothing: cfg.FailedMessages.Payload == config.PayloadNone,
	}, nil
}

func sourceOptions(cfg *config.Pipeline, o RunOptions, b *budget, c *condition) source.Options {
	s := cfg.Source
	stream := s.Stream
	if s.StreamARN != "" {
		stream = s.StreamARN
	}
	return source.Options{
		Stream: stream, Region: s.Region, Application: s.Application, Start: string(s.Start.Position), StartTime: s.Start.Time,
		FanOut: s.Consumer == config.FanOut, ConsumerName: s.ConsumerName, PollInterval: s.PollInterval, LeaseDuration: s.LeaseDuration, WorkerID: s.WorkerID,
		AccessKeyID: s.AccessKeyID.Reveal(), SecretAccessKey: s.SecretAccessKey.Reveal(), SessionToken: s.SessionToken.Reveal(),
		RoleARN: s.RoleARN, ExternalID: s.ExternalID,
		KinesisEndpoint: s.KinesisEndpoint, DynamoDBEndpoint: s.DynamoDBEndpoint,
		KinesisTransport: o.KinesisTransport, DynamoDBTransport: o.DynamoDBTransport,
		HashRangeFilter: string(s.HashRangeFilter), Budget: b, Logger: o.Logger, Trouble: c.set,
	}
}

func login(cfg *config.Pipeline, transport http.RoundTripper) (snowflake.Login, error) {
	s := cfg.Sink
	l := snowflake.Login{
		Account: s.Account, URL: s.URL, User: s.User, Password: s.Password.Reveal(), Role: s.Role, Warehouse: s.Warehouse,
		Database: s.Database, Schema: s.Schema, Application: cfg.Source.Application,
		LockTimeout: min(cfg.Source.LeaseDuration, maxLockTimeout), NoRevocationCheck: s.SPCS, Transport: transport,
	}
	switch {
	case s.SPCS:
		l.User, l.OAuth = "", snowflake.TokenFile(s.SPCSTokenFile)
	case s.OAuthTokenFile != "":
		l.OAuth = snowflake.TokenFile(s.OAuthTokenFile)
	case s.PATFile != "":
		l.PAT = snowflake.TokenFile(s.PATFile)
	case !s.PAT.IsZero():
		l.PAT = snowflake.Token(s.PAT.Reveal())
	case s.WorkloadIdentity != "":
		l.Workload = &snowflake.Workload{Provider: string(s.WorkloadIdentity), Path: s.WorkloadPath, Resource: s.WorkloadResource}
		if s.WorkloadTokenFile != "" {
			l.Workload.Token = snowflake.TokenFile(s.WorkloadTokenFile)
		}
	}
	if pem := s.PrivateKey.Reveal(); pem != "" {
		key, err := snowflake.ParsePrivateKey(pem, s.PrivateKeyPassphrase.Reveal())
		if err != nil {
			return l, fmt.Errorf("read sink.private_key: %w", err)
		}
		l.PrivateKey = key
	}
	return l, nil
}

// maxLockTimeout is how long a statement waits for the offsets' lock before it looks at who holds it. A live worker
// holds it for one round trip.
const maxLockTimeout = 15 * time.Second

func newID() string { return strings.ToLower(rand.Text()) }

func logRefused(ctx context.Context, f *transform.FailureLog, shard string, r *row.Row, why *row.Failure) {
	f.Log(ctx, &row.Record{Sequence: r.Sequence, Subsequence: r.Subsequence, PartitionKey: r.PartitionKey, Arrival: r.Arrival, Data: objectOf(r)}, shard, r.Index, why)
}

func watch(ctx context.Context, c *core, progress func(Progress)) {
	if progress == nil {
		return
	}
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			progress(c.progress())
		case <-ctx.Done():
			progress(c.progress())
			return
		}
	}
}
