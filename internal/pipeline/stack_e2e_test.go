package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/internal/telemetry"
	"kinesis-snowflake/sink/loadfile"
)

func TestMain(m *testing.M) {
	// The driver asks cloud metadata addresses at its first login otherwise.
	if err := os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	stream      = "orders"
	application = "orders-to-snowflake"
)

// stack is the three services in a bubble, where waiting costs nothing.
type stack struct {
	t         *testing.T
	kinesis   *kinesis.Server
	dynamodb  *dynamodb.Server
	snowflake *snowflake.Server
	spool     string
	health    *telemetry.PipelineHealth // of the runs that are started; may be nil
	files     loadfile.FS               // their spool; nil is the real disk

	sent, bad int // records so far; of them those that become no row
}

func inStack(t *testing.T, shards int, f func(t *testing.T, s *stack)) {
	t.Helper()
	spool := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stack{t: t, spool: spool, kinesis: kinesis.New(kinesis.Options{}), dynamodb: dynamodb.New(dynamodb.Options{}), snowflake: snowflake.New(snowflake.Options{})}
		defer s.snowflake.Close()
		s.snowflake.AddUser("LOADER", "secret", nil)
		s.snowflake.CreateSchema("RAW", "KINESIS")
		if err := s.kinesis.CreateStream(stream, shards); err != nil {
			t.Fatal(err)
		}
		f(t, s)
		<-time.After(10 * time.Minute) // what the clients still had under way ends
		if left, err := filepath.Glob(filepath.Join(spool, "*")); err != nil || len(left) > 0 {
			t.Errorf("spool folder holds %v, %v; want nothing", left, err)
		}
	})
}

// put sends n records, one in a hundred of them no row.
func (s *stack) put(n int) {
	s.t.Helper()
	entries := make([]kinesis.Entry, n)
	for i := range entries {
		id := s.sent
		s.sent++
		doc := fmt.Sprintf(`{"id":%d,"name":"order %d","paid":%t,"items":[{"sku":%d}]}`, id, id, id%2 == 0, id)
		switch id % 200 {
		case 99:
			doc, s.bad = `{"id":`+fmt.Sprint(id)+`,`, s.bad+1
		case 199:
			doc, s.bad = fmt.Sprintf(`[%d]`, id), s.bad+1
		}
		entries[i] = kinesis.Entry{PartitionKey: fmt.Sprint("key-", id), Data: []byte(doc)}
	}
	if err := s.kinesis.PutMany(stream, entries); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) config(worker string) *config.Pipeline {
	return &config.Pipeline{
		File: "orders.yaml",
		Source: config.Source{
			Stream: stream, Region: "us-east-1", Application: application, Start: config.Start{Position: config.TrimHorizon}, Consumer: config.Polling,
			AccessKeyID: config.NewSecret("AKID"), SecretAccessKey: config.NewSecret("secret"),
			KinesisEndpoint: "http://kinesis.test", DynamoDBEndpoint: "http://dynamodb.test",
			PollInterval: time.Second, LeaseDuration: 10 * time.Second, WorkerID: worker,
		},
		Sink: config.Sink{
			Account: "testaccount", User: "loader", Password: config.NewSecret("secret"), Warehouse: "WH", Database: "RAW", Schema: "KINESIS",
			Table: "ORDERS", URL: "http://snowflake.test", SpoolDir: s.spool,
			Batch: config.Batch{Interval: 5 * time.Second, MaxBytes: 16 << 20, MaxRows: 1_000_000},
		},
		Memory: 64 << 20, ShutdownTimeout: time.Minute,
		FailedMessages: config.FailedMessages{Payload: config.PayloadCut, MaxBytes: 1 << 10},
	}
}

// running is a Run on its own goroutine.
type running struct {
	stop context.CancelFunc
	done chan error
	log  *logLines

	mu   sync.Mutex
	seen Progress
	news chan struct{} // closed and replaced at each progress
}

func (s *stack) start(cfg *config.Pipeline, until bool) *running {
	return s.startOver(newCable(s), cfg, until)
}

func (s *stack) startOver(c *cable, cfg *config.Pipeline, until bool) *running {
	ctx, stop := context.WithCancel(s.t.Context())
	r := &running{stop: stop, done: make(chan error, 1), log: &logLines{}, news: make(chan struct{})}
	o := RunOptions{
		UntilCaughtUp: until, Logger: slog.New(slog.NewJSONHandler(r.log, nil)), Health: s.health, SpoolFiles: s.files,
		KinesisTransport: c.kinesis, DynamoDBTransport: c.dynamodb, SnowflakeTransport: c.snowflake,
		Progress: func(p Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.seen = p
			close(r.news)
			r.news = make(chan struct{})
		},
	}
	go func() { r.done <- Run(ctx, cfg, o) }()
	return r
}

// until waits for a progress that ok accepts, for ten minutes of the bubble.
func (r *running) until(t *testing.T, ok func(Progress) bool) {
	t.Helper()
	deadline := time.After(10 * time.Minute)
	for {
		r.mu.Lock()
		p, news := r.seen, r.news
		r.mu.Unlock()
		if ok(p) {
			return
		}
		select {
		case <-news:
		case err := <-r.done:
			r.done <- err
			t.Fatalf("ended meanwhile: %v", err)
		case <-deadline:
			t.Fatalf("still waiting at %+v; log:\n%s", p, r.log)
		}
	}
}

// end waits for the run to end without an error.
func (r *running) end(t *testing.T) Progress {
	t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			t.Fatalf("run: %v; log:\n%s", err, r.log)
		}
	case <-time.After(time.Hour):
		t.Fatalf("did not end; log:\n%s", r.log)
	}
	r.stop()
	return r.seen
}

func (s *stack) catchUp() Progress {
	s.t.Helper()
	return s.start(s.config("catcher"), true).end(s.t)
}

// cable is one worker's connections.
type cable struct{ kinesis, dynamodb, snowflake *wire }

type wire struct {
	next   http.RoundTripper
	broken atomic.Bool
}

func newCable(s *stack) *cable {
	return &cable{&wire{next: s.kinesis.RoundTripper()}, &wire{next: s.dynamodb.RoundTripper()}, &wire{next: s.snowflake.RoundTripper()}}
}

func (c *cable) cut() {
	c.kinesis.broken.Store(true)
	c.snowflake.broken.Store(true)
	c.cutDynamoDB()
}

func (c *cable) cutDynamoDB() { c.dynamodb.broken.Store(true) }
func (c *cable) mend()        { c.dynamodb.broken.Store(false) }

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.broken.Load() {
		return nil, errors.New("no route to host")
	}
	return w.next.RoundTrip(r)
}

type logLines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

type orderRow struct {
	id       string
	metadata map[string]any
}

// rows reads ORDERS.
func (s *stack) rows() (out []orderRow) {
	s.t.Helper()
	res, err := s.snowflake.Exec(s.t.Context(), `SELECT "ID", "KINESISMETADATA" FROM "RAW"."KINESIS"."ORDERS"`)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range res.Rows {
		o := orderRow{id: r[0].Text}
		if err := json.Unmarshal([]byte(r[1].Text), &o.metadata); err != nil {
			s.t.Fatalf("KINESISMETADATA %q: %v", r[1].Text, err)
		}
		out = append(out, o)
	}
	return out
}

// complete checks that every record that is a row is in the table once, under the shard and sequence number that it has
// in the stream.
func (s *stack) complete() {
	s.t.Helper()
	type place struct{ shard, sequence string }
	loaded := map[place]string{}
	rows := s.rows()
	for _, r := range rows {
		p := place{fmt.Sprint(r.metadata["shardId"]), fmt.Sprint(r.metadata["sequenceNumber"])}
		if _, twice := loaded[p]; twice {
			s.t.Fatalf("record %v is in the table twice", p)
		}
		loaded[p] = r.id
	}
	if len(rows) != s.sent-s.bad {
		s.t.Fatalf("%d rows, want %d: %d records less %d that are no row", len(rows), s.sent-s.bad, s.sent, s.bad)
	}
	for rec := range s.kinesis.Records(stream) {
		var doc struct{ ID json.Number }
		if json.Unmarshal(rec.Data, &doc) != nil {
			continue
		}
		if got := loaded[place{rec.Shard, rec.Sequence}]; got != doc.ID.String() {
			s.t.Fatalf("record %s of %s has id %q in the table, want %s", rec.Sequence, rec.Shard, got, doc.ID)
		}
	}
}
