//go:build interop

package pipeline_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/snowflake"
)

// TestInterop runs the pipeline from Kinesis servers that others wrote, with its leases in DynamoDB servers that others
// wrote, into the Snowflake stand-in, and looks for every record there, once.
func TestInterop(t *testing.T) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	for _, s := range []struct {
		name, kinesis, dynamodb string
		records                 int // before the first run
		reshards                bool
	}{
		{"kinesis-local and dynalite", "INTEROP_KINESIS_LOCAL", "INTEROP_DYNALITE", 1500, true},
		// More than one answer for each shard: kinesalite says MillisBehindLatest 0 in all of them.
		{"kinesalite and dynalite", "INTEROP_KINESALITE", "INTEROP_DYNALITE", 44_000, true},
		// A shard that moto split goes on taking records, with its iterators never ending.
		{"moto and moto", "INTEROP_MOTO", "INTEROP_MOTO", 1500, false},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, os.Getenv(s.kinesis), os.Getenv(s.dynamodb))
			reshard := func() {
				if s.reshards {
					w.reshard()
				}
			}
			w.put(s.records)
			w.run()
			w.account("a first run")
			w.put(750)
			reshard()
			w.put(750)
			w.run()
			w.account("a run after a reshard")
			w.runWhile(func() {
				w.put(750)
				reshard()
				w.put(750)
			})
			w.account("a run during a reshard")
			w.run()
			w.account("a run with nothing new")
		})
	}
}

// world is one stream, one lease table and one account.
type world struct {
	t         *testing.T
	kinesis   *kinesis.Client
	snowflake *snowflake.Server
	stream    string
	file      string
	sent      int
}

const (
	schema   = "KINESIS"
	database = "RAW"
)

func newWorld(t *testing.T, kinesisURL, dynamoURL string) *world {
	w := &world{t: t, stream: "interop-" + strings.ToLower(rand.Text()), snowflake: snowflake.New(snowflake.Options{})}
	srv := httptest.NewServer(w.snowflake.Handler())
	t.Cleanup(func() { w.snowflake.Close(); srv.Close() })
	w.snowflake.AddUser("loader", "secret", nil)
	w.snowflake.CreateSchema(database, schema)
	w.kinesis = kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: &kinesisURL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	_, err := w.kinesis.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: &w.stream, ShardCount: aws.Int32(4)})
	w.must(err)
	w.active()
	dir := t.TempDir()
	w.file = filepath.Join(dir, "pipeline.yaml")
	w.must(os.WriteFile(w.file, fmt.Appendf(nil, `source:
  stream: %s
  region: us-east-1
  application: %[1]s-app
  start: TRIM_HORIZON
  access_key_id: AKIDEXAMPLE
  secret_access_key: secret
  kinesis_endpoint: %s
  dynamodb_endpoint: %s
  poll_interval: 200ms
  lease_duration: 5s
sink:
  account: TESTACCOUNT
  user: loader
  password: secret
  warehouse: LOAD_XS
  database: %s
  schema: %s
  url: %s
  spool_dir: %s
  batch: {interval: 1s}
`, w.stream, kinesisURL, dynamoURL, database, schema, srv.URL, dir), 0o600))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// active waits for a change of the stream to be over.
func (w *world) active() {
	w.t.Helper()
	waiter := kinesis.NewStreamExistsWaiter(w.kinesis, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 100*time.Millisecond
	})
	w.must(waiter.Wait(w.t.Context(), &kinesis.DescribeStreamInput{StreamName: &w.stream}, 30*time.Second))
}

// put puts n records more, numbered on from the last.
func (w *world) put(n int) {
	w.t.Helper()
	for batch := range slices.Chunk(slices.Collect(func(yield func(types.PutRecordsRequestEntry) bool) {
		for range n {
			id := w.sent
			w.sent++
			if !yield(types.PutRecordsRequestEntry{PartitionKey: aws.String(strconv.Itoa(id)), Data: fmt.Appendf(nil, `{"id":%d,"name":"n%d","at":{"x":[%d,null]}}`, id, id, id)}) {
				return
			}
		}
	}), 250) {
		out, err := w.kinesis.PutRecords(w.t.Context(), &kinesis.PutRecordsInput{StreamName: &w.stream, Records: batch})
		w.must(err)
		if *out.FailedRecordCount != 0 {
			w.t.Fatalf("%d of %d records are not stored", *out.FailedRecordCount, len(batch))
		}
	}
}

// reshard splits the open shard with the lowest hash keys and merges the two with the highest.
func (w *world) reshard() {
	w.t.Helper()
	out, err := w.kinesis.ListShards(w.t.Context(), &kinesis.ListShardsInput{StreamName: &w.stream})
	w.must(err)
	open := slices.DeleteFunc(out.Shards, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	key := func(s *string) *big.Int {
		n, ok := new(big.Int).SetString(*s, 10)
		if !ok {
			w.t.Fatalf("hash key %q", *s)
		}
		return n
	}
	slices.SortFunc(open, func(a, b types.Shard) int {
		return key(a.HashKeyRange.StartingHashKey).Cmp(key(b.HashKeyRange.StartingHashKey))
	})
	first, last := open[0], open[len(open)-2:]
	middle := key(first.HashKeyRange.StartingHashKey)
	middle = middle.Add(middle, key(first.HashKeyRange.EndingHashKey)).Rsh(middle, 1)
	_, err = w.kinesis.SplitShard(w.t.Context(), &kinesis.SplitShardInput{StreamName: &w.stream, ShardToSplit: first.ShardId, NewStartingHashKey: aws.String(middle.String())})
	w.must(err)
	w.active()
	_, err = w.kinesis.MergeShards(w.t.Context(), &kinesis.MergeShardsInput{StreamName: &w.stream, ShardToMerge: last[0].ShardId, AdjacentShardToMerge: last[1].ShardId})
	w.must(err)
	w.active()
}

// run runs the pipeline until it has caught up.
func (w *world) run() {
	w.t.Helper()
	pipelines, err := config.Load(w.file)
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	w.must(pipeline.Run(ctx, pipelines[0], pipeline.RunOptions{
		UntilCaughtUp: true, Logger: w.log(),
	}))
	w.must(ctx.Err())
	w.t.Logf("caught up after %s", time.Since(began).Round(time.Millisecond))
}

// runWhile runs the pipeline while change puts records, until it has loaded them all, and then stops it.
func (w *world) runWhile(change func()) {
	w.t.Helper()
	pipelines, err := config.Load(w.file)
	w.must(err)
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	loaded := make(chan int64, 1)
	done := make(chan error, 1)
	go func() {
		done <- pipeline.Run(ctx, pipelines[0], pipeline.RunOptions{Logger: w.log(), Progress: func(p pipeline.Progress) {
			select {
			case <-loaded:
			default:
			}
			loaded <- p.Tally.Loaded
		}})
	}()
	before := w.sent
	change()
	for {
		select {
		case n := <-loaded:
			if n >= int64(w.sent-before) {
				cancel()
				w.must(<-done)
				return
			}
		case err := <-done:
			w.t.Fatalf("the pipeline ended before it loaded all: %v", err)
		}
	}
}

func (w *world) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// account insists on every record sent, once.
func (w *world) account(after string) {
	w.t.Helper()
	rows, err := w.snowflake.Exec(w.t.Context(), fmt.Sprintf(`SELECT COUNT(*), COUNT(DISTINCT "ID"), MIN("ID"), MAX("ID") FROM "%s"."%s"."%s"`, database, schema, strings.ToUpper(w.stream)))
	w.must(err)
	var got []string
	for _, v := range rows.Rows[0] {
		got = append(got, v.Text)
	}
	want := []string{strconv.Itoa(w.sent), strconv.Itoa(w.sent), "0", strconv.Itoa(w.sent - 1)}
	if !slices.Equal(got, want) {
		w.t.Fatalf("after %s: rows, distinct, first and last are %v, want %v", after, got, want)
	}
}
