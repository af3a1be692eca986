package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
)

const stream, application = "orders", "orders-to-snowflake"

// world is a Kinesis and a DynamoDB of one synctest bubble, and what all workers have seen of a stream.
type world struct {
	t       *testing.T
	kinesis *kinesis.Server
	dynamo  *dynamodb.Server

	mu      sync.Mutex
	seen    map[string][]string // shard -> sequence numbers in the order of their delivery
	reading map[string]string   // shard -> worker that has it open
	opened  []string            // shards, in the order of Open
	log     bytes.Buffer
}

func newWorld(t *testing.T, shards int) *world {
	t.Helper()
	w := &world{t: t, kinesis: kinesis.New(kinesis.Options{}), dynamo: dynamodb.New(dynamodb.Options{}),
		seen: map[string][]string{}, reading: map[string]string{}}
	if err := w.kinesis.CreateStream(stream, shards); err != nil {
		t.Fatal(err)
	}
	return w
}

// Write takes log lines of all workers.
func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func (w *world) options(worker string) Options {
	return Options{
		Stream: stream, Region: "us-east-1", Application: application, WorkerID: worker,
		AccessKeyID: "key", SecretAccessKey: "secret",
		KinesisTransport: w.kinesis.RoundTripper(), DynamoDBTransport: w.dynamo.RoundTripper(),
		Logger: slog.New(slog.NewTextHandler(w, nil)).With("worker", worker),
	}
}

func (w *world) source(worker string) *Source {
	w.t.Helper()
	s, err := New(w.options(worker))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// put appends n records with spread keys.
func (w *world) put(n int) {
	w.t.Helper()
	entries := make([]kinesis.Entry, n)
	for i := range entries {
		entries[i] = kinesis.Entry{PartitionKey: fmt.Sprint("key-", i), Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	if err := w.kinesis.PutMany(stream, entries); err != nil {
		w.t.Fatal(err)
	}
}

// worker is a Source that runs.
type worker struct {
	*Source
	sink   *sink
	cancel context.CancelFunc
	done   chan error
}

func (w *world) start(name string) *worker { return w.run(w.source(name), &sink{world: w, name: name}) }

func (w *world) run(s *Source, k *sink) *worker {
	ctx, cancel := context.WithCancel(w.t.Context())
	r := &worker{Source: s, sink: k, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx, k) }()
	return r
}

// stop drains, then ends the worker, and returns Run's error.
func (r *worker) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Drain(ctx); err != nil {
		return err
	}
	r.cancel()
	return <-r.done
}

// cable is a connection that can be cut.
type cable struct {
	to  http.RoundTripper
	cut atomic.Bool
}

func (c *cable) RoundTrip(req *http.Request) (*http.Response, error) {
	if c.cut.Load() {
		return nil, errors.New("no route to host")
	}
	return c.to.RoundTrip(req)
}

// wait lets d pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// sink commits what it is handed, at once. It checks that nobody else reads the shard.
type sink struct {
	world  *world
	name   string
	open   func(*Shard) error
	handle func(*shardSink, *row.Response) error
	drain  func(context.Context, *shardSink) error
	hold   bool // commit nothing

	mu     sync.Mutex
	shards map[string]*shardSink
}

type shardSink struct {
	sink     *sink
	shard    *Shard
	finished bool
	drained  bool
	closed   bool
}

func (k *sink) Open(_ context.Context, s *Shard) (ShardConsumer, error) {
	if k.open != nil {
		if err := k.open(s); err != nil {
			return nil, err
		}
	}
	w := k.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if other := w.reading[s.ID()]; other != "" {
		w.t.Errorf("%s opens %s, which %s reads", k.name, s.ID(), other)
	}
	w.reading[s.ID()] = k.name
	w.opened = append(w.opened, s.ID())
	c := &shardSink{sink: k, shard: s}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shards == nil {
		k.shards = map[string]*shardSink{}
	}
	k.shards[s.ID()] = c
	return c, nil
}

func (c *shardSink) Handle(_ context.Context, r *row.Response) error {
	if c.closed || c.drained {
		c.sink.world.t.Errorf("%s: Handle after Drain or Close", r.Shard)
	}
	if c.sink.handle != nil {
		if err := c.sink.handle(c, r); err != nil {
			return err
		}
	}
	w := c.sink.world
	w.mu.Lock()
	for _, rec := range r.Records {
		w.seen[r.Shard] = append(w.seen[r.Shard], string(rec.Sequence))
	}
	w.mu.Unlock()
	if c.sink.hold {
		return nil
	}
	if r.Last.IsNumber() {
		c.shard.Checkpoint(r.Last)
	}
	if r.End && !c.finished {
		c.finished = true
		c.shard.Finish()
	}
	return nil
}

// Drain finds everything committed, as Handle commits at once, unless the test says otherwise.
func (c *shardSink) Drain(ctx context.Context) error {
	if c.closed || c.drained {
		c.sink.world.t.Errorf("%s: drained after Close, or twice", c.shard.ID())
	}
	c.drained = true
	if c.sink.drain != nil {
		return c.sink.drain(ctx, c)
	}
	return nil
}

func (c *shardSink) Close() {
	if c.closed {
		c.sink.world.t.Errorf("%s: closed twice", c.shard.ID())
	}
	c.closed = true
	c.sink.world.mu.Lock()
	defer c.sink.world.mu.Unlock()
	delete(c.sink.world.reading, c.shard.ID())
}

// whole checks that each record of the stream was handed over, in its shard's order; once, unless again is allowed.
func (w *world) whole(again bool) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	want := map[string][]string{}
	for r := range w.kinesis.Records(stream) {
		want[r.Shard] = append(want[r.Shard], r.Sequence)
	}
	for shard, list := range want {
		got := w.seen[shard]
		if again {
			got = slices.Clone(got)
			slices.SortFunc(got, row.CompareSequence[string, string])
			got = slices.Compact(got)
		}
		if !slices.Equal(got, list) {
			w.t.Errorf("%s: %d records handed over, %d put, or not in order", shard, len(got), len(list))
		}
	}
	for shard := range w.seen {
		if _, ok := want[shard]; !ok {
			w.t.Errorf("%s was read and is not there", shard)
		}
	}
}

// parentsFirst checks that no shard was opened before its parents were read to their end.
func (w *world) parentsFirst() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	first, last := map[string]int{}, map[string]int{}
	for i, id := range w.opened {
		if _, ok := first[id]; !ok {
			first[id] = i
		}
		last[id] = i
	}
	for _, s := range w.kinesis.Shards(stream) {
		at, ok := first[s.ID]
		if !ok {
			w.t.Errorf("%s was never opened", s.ID)
			continue
		}
		for _, parent := range s.Parents {
			if last[parent] > at {
				w.t.Errorf("%s was opened before its parent %s was done", s.ID, parent)
			}
		}
	}
}
