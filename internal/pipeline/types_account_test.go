package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	sf "github.com/snowflakedb/gosnowflake/v2"

	"kinesis-snowflake/internal/row"
	service "kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/sink"
	"kinesis-snowflake/sink/snowflake"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform"
)

const (
	typesStream = "records"
	typesShard  = "shardId-000000000000"
)

// typesT is what *testing.T and *rapid.T have in common.
type typesT interface {
	Helper()
	Fatalf(format string, args ...any)
}

// typesAccount is a Snowflake account that sinks load tables of.
type typesAccount struct {
	*service.Server
	spool string

	mu     sync.Mutex
	tables int
	ids    int
}

func newTypesAccount(t *testing.T) *typesAccount {
	t.Helper()
	// The driver asks cloud metadata addresses at its first login otherwise, and logs every statement that is refused,
	// the look for a table that is not there yet among them.
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	if err := sf.GetLogger().SetLogLevel("off"); err != nil {
		t.Fatal(err)
	}
	a := (&typesAccount{spool: t.TempDir()}).fresh()
	t.Cleanup(a.Close)
	return a
}

// fresh is an empty account beside a, for whoever closes it.
func (a *typesAccount) fresh() *typesAccount {
	s := service.New(service.Options{})
	s.AddUser("LOADER", "secret", nil)
	s.CreateSchema("RAW", "KINESIS")
	return &typesAccount{Server: s, spool: a.spool}
}

func (a *typesAccount) login() snowflake.Login {
	return snowflake.Login{Account: "testaccount", URL: "http://snowflake.test", User: "loader", Password: "secret", Warehouse: "WH",
		Database: "RAW", Schema: "KINESIS", Application: "app", LockTimeout: 5 * time.Second, Transport: a.RoundTripper()}
}

// typesTable is one table and the workers that load it.
type typesTable struct {
	account *typesAccount
	name    string
	records map[string][]byte // by sequence number: those that became rows
	next    int

	shape  table.Config
	names  map[string]string // column by key, ASCII letters in upper case: where a pin has given one
	failed map[string]string // by sequence number: why a record became no row; nil where that is a fault
}

func (a *typesAccount) table() *typesTable {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tables++
	return &typesTable{account: a, name: fmt.Sprintf("T%d", a.tables), records: map[string][]byte{}}
}

// typesWorker loads records through a transformer and a sink of its own, as its own shard.
type typesWorker struct {
	table *typesTable
	sink  *sink.Sink
	tr    *transform.Transformer
	shard string
	claim row.Claim
	logs  *typesLog
}

func (tb *typesTable) worker(t typesT, name string) *typesWorker {
	t.Helper()
	w := &typesWorker{table: tb, shard: "shardId-" + name, logs: newTypesLog()}
	keys := row.NewKeys()
	s, err := sink.New(sink.Options{
		Dialer: snowflake.NewDialer(tb.account.login()), Table: snowflake.Name{Database: "RAW", Schema: "KINESIS", Object: tb.name},
		StreamName: typesStream, StreamID: "arn:aws:kinesis:us-east-1:000000000000:stream/records@1", Application: "app",
		WorkerID: name, SpoolDir: tb.account.spool, MaxBytes: 1 << 20, Lanes: 1, Keys: keys, LockPatience: time.Minute,
		Columns: tb.shape,
		Refused: func(_ context.Context, _ string, r *row.Row, f *row.Failure) {
			if tb.failed != nil && f.Stage == row.StageValidate {
				tb.failed[string(r.Sequence)] = f.Reason
				delete(tb.records, string(r.Sequence))
				return
			}
			panic(fmt.Sprintf("snowflake refuses record %s: %s", r.Sequence, f.Reason))
		},
		NewID: tb.account.newID, Log: slog.New(w.logs),
	})
	if err != nil {
		t.Fatalf("new sink: %v", err)
	}
	w.sink, w.tr = s, transform.New(transform.Options{Keys: keys})
	claims, err := s.Acquire(context.Background(), []row.Wanted{{Shard: w.shard}})
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	w.claim = claims[w.shard]
	return w
}

func (a *typesAccount) newID() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids++
	return fmt.Sprintf("id%d", a.ids)
}

func (w *typesWorker) close(t typesT) {
	t.Helper()
	if err := w.sink.Close(); err != nil {
		t.Fatalf("close sink: %v", err)
	}
}

// load loads records as one batch; each must become a row.
func (w *typesWorker) load(t typesT, records ...[]byte) {
	t.Helper()
	if err := w.commit(w.batch(t, records...)); err != nil {
		t.Fatalf("load: %v", err)
	}
}

// batch makes a batch of records and the part for it.
func (w *typesWorker) batch(t typesT, records ...[]byte) (*sink.Batch, row.Part) {
	t.Helper()
	b := w.sink.NewBatch()
	part := row.Part{Shard: w.shard, Claim: w.claim, Skip: w.claim.At}
	for _, data := range records {
		w.table.next++
		seq := strconv.Itoa(w.table.next)
		err := w.tr.Apply(&row.Record{Sequence: []byte(seq), PartitionKey: []byte("p"), Data: data, Arrival: 1},
			func(r *row.Row) error { return b.Append(0, w.shard, r) },
			func(_ uint32, f *row.Failure) { t.Fatalf("record %.200q: %+v", data, f) })
		if err != nil {
			t.Fatalf("record %.200q: %v", data, err)
		}
		w.table.records[seq] = data
		part.To = row.Position{Sequence: seq}
	}
	return b, part
}

func (w *typesWorker) commit(b *sink.Batch, part row.Part) error {
	defer b.Discard()
	out, err := w.sink.Load(context.Background(), b, []row.Part{part})
	if err != nil {
		return err
	}
	if !out.Committed || out.Moved[w.shard] == 0 && w.table.failed == nil {
		return fmt.Errorf("not committed: %+v", out)
	}
	if out.Moved[w.shard] > 0 {
		w.claim.At = part.To
	}
	return nil
}

// typesLog keeps the lines that are logged.
type typesLog struct {
	mu    sync.Mutex
	lines []map[string]string
}

func newTypesLog() *typesLog { return &typesLog{} }

// with returns the lines of a message.
func (l *typesLog) with(message string) (lines []map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if line[slog.MessageKey] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *typesLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *typesLog) WithGroup(string) slog.Handler            { return l }
func (l *typesLog) WithAttrs([]slog.Attr) slog.Handler       { return l }

func (l *typesLog) Handle(_ context.Context, r slog.Record) error {
	line := map[string]string{slog.MessageKey: r.Message, slog.LevelKey: r.Level.String()}
	r.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func typesFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (a *typesAccount) mustExec(t typesT, statement string) *service.ResultSet {
	t.Helper()
	res, err := a.Exec(context.Background(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return res
}
