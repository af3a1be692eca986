package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/loadfile"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
)

// Options configure a [Sink].
type Options struct {
	Dialer      snowflake.Dialer
	Table       snowflake.Name
	StreamName  string // for KINESISMETADATA and the table's comment
	StreamID    string // stream ARN @ creation time, for the offsets
	Application string
	WorkerID    string
	SpoolDir    string
	MaxBytes    int64 // payload bytes that a batch may grow to, for the advice given when the disk is full
	Lanes       int
	Keys        *row.Keys
	// Columns says what the table is to be; its Keys are those above.
	Columns table.Config
	// LatestKey are the record's keys by which the view beside the table shows the newest row; empty for no view.
	LatestKey []string
	// LockPatience is how old another transaction's lock on the offsets may grow before it is ended.
	LockPatience time.Duration
	// Refused hears of each row that Snowflake would not load, once the batch without it is committed.
	Refused func(ctx context.Context, shard string, r *row.Row, f *row.Failure)
	// QuoteNothing keeps what Snowflake says of a row that it refuses out of errors and reasons: it may quote the row's values.
	QuoteNothing bool
	// Waiting hears what a Load waits for, while it does: Snowflake's answer on a batch in doubt, or a lock. May be nil.
	Waiting func(error)
	NewID   func() string
	// Files replaces the machine's files in tests; nil is [loadfile.OS].
	Files loadfile.FS
	Log   *slog.Logger
}

// StageName is the internal stage, in the table's schema, that load files go through. All pipelines of a schema share
// it, each under a folder of its own.
const StageName = "KINESIS_SNOWFLAKE"

// Sink is the way into one table. NewBatch may be called from any goroutine; everything else belongs to one.
type Sink struct {
	opts   Options
	client *snowflake.Client
	ledger *snowflake.Ledger
	stage  stage
	spool  *spoolDir
	store  *loadfile.Store
	plan   atomic.Pointer[table.Plan] // nil until the table was described
	shape  shape
	latest latest
	log    *slog.Logger
}

// New prepares the spool folder. It does not log in.
func New(o Options) (*Sink, error) {
	spool, err := newSpoolDir(o.SpoolDir, o.NewID())
	if err != nil {
		return nil, err
	}
	if o.Files == nil {
		o.Files = loadfile.OS()
	}
	if o.QuoteNothing {
		o.quoteNothing()
	}
	client := snowflake.NewClient(o.Dialer, o.Log)
	s := &Sink{opts: o, client: client, spool: spool, store: loadfile.NewStore(o.Files, spool.path), log: o.Log}
	s.ledger = snowflake.NewLedger(client, snowflake.LedgerOptions{
		Table: o.Table, Stream: o.StreamID, Application: o.Application, LockPatience: o.LockPatience,
		NewID: o.NewID, Waiting: o.Waiting, Log: o.Log,
	})
	s.stage = stage{client: client, name: snowflake.Name{Database: o.Table.Database, Schema: o.Table.Schema, Object: StageName},
		folder: pathSegment(o.Table.Object), worker: pathSegment(o.WorkerID), log: o.Log}
	o.Columns.Keys = o.Keys
	s.shape = shape{client: client, target: o.Table, config: o.Columns, log: o.Log,
		comment: fmt.Sprintf("loaded by kinesis-snowflake from stream %s, application %s", o.StreamName, o.Application)}
	s.latest = latest{client: client, shape: &s.shape, keys: o.LatestKey, log: o.Log,
		name: snowflake.Name{Database: o.Table.Database, Schema: o.Table.Schema, Object: o.Table.Object + LatestEnding}}
	return s, nil
}

// Login opens a session, which needs no warehouse: a wrong key or a missing grant shows at the start, not at the first
// record.
func (s *Sink) Login(ctx context.Context) error {
	_, err := s.client.Session(ctx)
	return err
}

// Close ends the session and removes the spool folder.
func (s *Sink) Close() error {
	s.client.Discard()
	return s.spool.remove()
}

// Acquire makes this worker the owner of the shards' offsets; see [snowflake.Ledger.Acquire].
func (s *Sink) Acquire(ctx context.Context, wanted []row.Wanted) (map[string]row.Claim, error) {
	return s.ledger.Acquire(ctx, wanted)
}

// Offsets names the shards of the stream that have offsets beside the table.
func (s *Sink) Offsets(ctx context.Context) ([]string, error) { return s.ledger.Shards(ctx) }

// IsFinal reports whether going on after the error would lose or double rows.
func IsFinal(err error) bool {
	return errors.Is(err, snowflake.ErrOffsetsMissing) || errors.Is(err, snowflake.ErrApplication) || errors.Is(err, snowflake.ErrOffsetsBroken)
}

// NeedsOperator reports whether the error will stand until somebody changes a grant, a setting or an object.
func NeedsOperator(err error) bool {
	c := snowflake.ClassOf(err)
	var columnType *table.ColumnTypeError
	return c == snowflake.Permanent || c == snowflake.Drift || errors.As(err, &columnType) || errors.Is(err, errTooManyRefused) ||
		errors.Is(err, errNoColumns) || errors.Is(err, errNotNull)
}

// pathSegment makes a name fit for a stage path: letters, digits, '_', '-' and '.' stay, the rest is spelled in hex.
func pathSegment(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	return b.String()
}
