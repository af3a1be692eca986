//go:build interop

package kcl_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
	"kinesis-snowflake/source/kpl/kpltest"
)

// patience bounds every wait; a JVM beside others on two cores takes its time.
const patience = 90 * time.Second

func TestMain(m *testing.M) {
	// Most of a test is waiting, for leases to expire and for KCL's own intervals.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	// The driver asks cloud metadata addresses at its first login otherwise.
	if err := os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// world is one stream, one application's lease table and one account.
type world struct {
	t                     *testing.T
	kinesis               *kinesis.Server
	dynamodb              *dynamodb.Server // nil where DynamoDB is a server by others
	snowflake             *snowflake.Server
	kinesisURL, dynamoURL string
	snowflakeURL          string
	stream, application   string
	lease                 time.Duration
	sent                  int
}

// newWorld makes a stream of so many shards. DynamoDB is the stand-in unless an endpoint is given.
func newWorld(t *testing.T, shards int, dynamoURL string) *world {
	t.Helper()
	w := &world{
		t: t, kinesis: kinesis.New(kinesis.Options{}), snowflake: snowflake.New(snowflake.Options{}), dynamoURL: dynamoURL,
		stream: "orders", application: "orders-" + strings.ToLower(rand.Text()), lease: 3 * time.Second,
	}
	k, s := httptest.NewServer(w.kinesis.Handler()), httptest.NewServer(w.snowflake.Handler())
	t.Cleanup(func() { w.snowflake.Close(); s.Close(); k.Close() })
	w.kinesisURL, w.snowflakeURL = k.URL, s.URL
	if dynamoURL == "" {
		w.dynamodb = dynamodb.New(dynamodb.Options{})
		d := httptest.NewServer(w.dynamodb.Handler())
		t.Cleanup(d.Close)
		w.dynamoURL = d.URL
	}
	w.snowflake.AddUser("LOADER", "secret", nil)
	w.snowflake.CreateSchema("RAW", "KINESIS")
	w.must(w.kinesis.CreateStream(w.stream, shards))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put sends n records more, numbered on from the last.
func (w *world) put(n int) {
	w.t.Helper()
	entries := make([]kinesis.Entry, n)
	for i := range entries {
		entries[i] = kinesis.Entry{PartitionKey: fmt.Sprint("key-", w.sent), Data: w.next()}
	}
	w.must(w.kinesis.PutMany(w.stream, entries))
}

// putAggregates sends aggregates of the KPL, with so many records each.
func (w *world) putAggregates(aggregates, each int) {
	w.t.Helper()
	open := w.open()
	entries := make([]kinesis.Entry, aggregates)
	for i := range entries {
		start := open[i%len(open)].Start
		records := make([]kpltest.Record, each)
		for j := range records {
			// KCL drops aggregates with records that do not belong into the shard.
			records[j] = kpltest.Record{PartitionKey: fmt.Sprint("key-", w.sent), ExplicitHashKey: start, Data: w.next()}
		}
		entries[i] = kinesis.Entry{PartitionKey: "a", ExplicitHashKey: start, Data: kpltest.Aggregate(records...)}
	}
	w.must(w.kinesis.PutMany(w.stream, entries))
}

func (w *world) next() []byte {
	w.sent++
	return fmt.Appendf(nil, `{"id":%d}`, w.sent-1)
}

func (w *world) config(name string) *config.Pipeline {
	return &config.Pipeline{
		File: "orders.yaml",
		Source: config.Source{
			Stream: w.stream, Region: "us-east-1", Application: w.application, Start: config.Start{Position: config.TrimHorizon}, Consumer: config.Polling,
			AccessKeyID: config.NewSecret("AKIDINTEROP"), SecretAccessKey: config.NewSecret("secret"),
			KinesisEndpoint: w.kinesisURL, DynamoDBEndpoint: w.dynamoURL,
			PollInterval: 250 * time.Millisecond, LeaseDuration: w.lease, WorkerID: name,
		},
		Sink: config.Sink{
			Account: "testaccount", User: "loader", Password: config.NewSecret("secret"), Warehouse: "WH", Database: "RAW", Schema: "KINESIS",
			Table: "ORDERS", URL: w.snowflakeURL, SpoolDir: w.t.TempDir(),
			Batch: config.Batch{Interval: 300 * time.Millisecond, MaxBytes: 16 << 20, MaxRows: 1_000_000},
		},
		Memory: 64 << 20, ShutdownTimeout: time.Minute,
		FailedMessages: config.FailedMessages{Payload: config.PayloadCut, MaxBytes: 1 << 10},
	}
}

// ours is a pipeline of the connector that runs.
type ours struct {
	t      *testing.T
	cancel context.CancelFunc
	done   chan error
	lost   atomic.Int64 // leases, by the log
}

// losses counts the lost leases that a worker logs.
type losses struct {
	slog.Handler
	lost *atomic.Int64
}

// Handle implements [slog.Handler].
func (l losses) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "lease lost" {
		l.lost.Add(1)
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (l losses) WithAttrs(attrs []slog.Attr) slog.Handler {
	return losses{l.Handler.WithAttrs(attrs), l.lost}
}

// start starts a worker of the connector.
func (w *world) start(name string) *ours {
	ctx, cancel := context.WithCancel(w.t.Context())
	o := &ours{t: w.t, cancel: cancel, done: make(chan error, 1)}
	log := slog.New(losses{slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}), &o.lost}).With("worker", name)
	go func() { o.done <- pipeline.Run(ctx, w.config(name), pipeline.RunOptions{Logger: log}) }()
	w.t.Cleanup(o.cancel)
	return o
}

// stop ends it gracefully.
func (o *ours) stop() {
	o.t.Helper()
	o.cancel()
	if err := <-o.done; err != nil {
		o.t.Fatalf("stop the connector: %v", err)
	}
}

// loaded are the ids in the table, in order.
func (w *world) loaded() []int {
	w.t.Helper()
	rows, err := w.snowflake.Exec(w.t.Context(), `SELECT "ID" FROM "RAW"."KINESIS"."ORDERS" ORDER BY "ID"`)
	if err != nil {
		return nil // not made yet
	}
	ids := make([]int, len(rows.Rows))
	for i, r := range rows.Rows {
		ids[i], err = strconv.Atoi(r[0].Text)
		w.must(err)
	}
	return ids
}

// lease is a row of the lease table, by KCL's names.
type lease map[string]types.AttributeValue

func (l lease) text(name string) string {
	if v, ok := l[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (l lease) finished() bool { return l.text("checkpoint") == "SHARD_END" }

// leases are the rows of the lease table that are leases, by key.
func (w *world) leases() map[string]lease {
	w.t.Helper()
	client := awsdynamodb.New(awsdynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &w.dynamoURL, Credentials: credentials.NewStaticCredentialsProvider("AKIDINTEROP", "secret", ""),
	})
	out, err := client.Scan(w.t.Context(), &awsdynamodb.ScanInput{TableName: &w.application, ConsistentRead: aws.Bool(true)})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return nil
	}
	w.must(err)
	leases := map[string]lease{}
	for _, item := range out.Items {
		if l := lease(item); strings.HasPrefix(l.text("leaseKey"), "shardId-") {
			leases[l.text("leaseKey")] = l
		}
	}
	return leases
}

// printed are the ids that workers of KCL processed, in order.
func (w *world) printed(workers ...*worker) []int {
	w.t.Helper()
	var ids []int
	for _, j := range workers {
		for _, data := range j.records() {
			id, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(data, `{"id":`), "}"))
			w.must(err)
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// eventually waits for what no event tells of.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	late, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
