package reader

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/reader/wire"
)

const (
	stream = "orders"
	shard0 = "shardId-000000000000"
)

// call is one request as the service saw it.
type call struct {
	op     string
	at     time.Time
	status int
	bytes  int
	from   types.StartingPosition // of SubscribeToShard
}

// rig is a reader of one shard of a stand-in, for use in a synctest bubble: no goroutine, virtual time.
type rig struct {
	t      *testing.T
	server *standin.Server
	cfg    Config
	fan    *FanOut // nil: the shard is polled
	as     *named  // whom fan reads as
	log    *bytes.Buffer

	rate     int          // bytes a second of subscriptions; 0 is no limit
	open     atomic.Int32 // subscriptions that the reader has not closed
	mu       sync.Mutex
	calls    []call
	got      []standin.Record
	ends     int
	children []types.ChildShard
}

func newRig(t *testing.T, opt standin.Options) *rig {
	t.Helper()
	server := standin.New(opt)
	if err := server.CreateStream(stream, 1); err != nil {
		t.Fatal(err)
	}
	return rigOf(t, server)
}

// rigOf is a rig of another process.
func rigOf(t *testing.T, server *standin.Server) *rig {
	r := &rig{t: t, server: server, log: new(bytes.Buffer)}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	r.cfg = Config{
		Service: kinesis.New(kinesis.Options{
			Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
			HTTPClient: wire.SafeBody(&http.Client{Transport: r}), Retryer: aws.NopRetryer{},
		}, wire.Use),
		Stream: Stream{Name: stream}, Shard: shard0, Start: row.Position{Sequence: row.TrimHorizon}, PollInterval: time.Second,
		Handle: r.handle, Ended: func(c []types.ChildShard) { r.children = c }, Trouble: NewTrouble(log, nil), Log: log,
		Missing: func(_ context.Context, cause error) (Verdict, error) { return Other, cause },
	}
	return r
}

// RoundTrip passes a request on and notes it.
func (r *rig) RoundTrip(req *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	c := call{op: op, at: time.Now()}
	if n := r.open.Load(); op == "SubscribeToShard" && n > 0 {
		r.t.Errorf("subscribes while %d subscriptions are open", n)
	}
	if op == "SubscribeToShard" {
		c.from = r.startingPosition(req)
	}
	resp, err := r.server.RoundTripper().RoundTrip(req)
	if err == nil {
		c.status = resp.StatusCode
	}
	if err == nil && resp.ContentLength < 0 {
		resp.Body = &openBody{ReadCloser: resp.Body, open: &r.open, rate: r.rate}
		r.open.Add(1)
	} else if err == nil {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		c.bytes, resp.Body = len(body), io.NopCloser(bytes.NewReader(body))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	return resp, err
}

func (r *rig) handle(_ context.Context, resp *row.Response) error {
	for i, rec := range resp.Records {
		r.got = append(r.got, standin.Record{Shard: resp.Shard, Sequence: string(rec.Sequence), PartitionKey: string(rec.PartitionKey),
			Arrival: rec.Arrival, Data: bytes.Clone(rec.Data)})
		if i == len(resp.Records)-1 && resp.Last.Sequence != string(rec.Sequence) {
			r.t.Errorf("last position %s, last record %s", resp.Last, rec.Sequence)
		}
	}
	if resp.End {
		r.ends++
	}
	return nil
}

// put appends n records of size bytes.
func (r *rig) put(n, size int) {
	r.t.Helper()
	entries := make([]standin.Entry, n)
	for i := range entries {
		entries[i] = standin.Entry{PartitionKey: fmt.Sprintf(`key "%d"`, i), Data: bytes.Repeat([]byte{byte('a' + i%26)}, size)}
	}
	if err := r.server.PutMany(stream, entries); err != nil {
		r.t.Fatal(err)
	}
}

// read reads for d and returns Read's error.
func (r *rig) read(d time.Duration) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	if r.fan != nil {
		return r.fan.Read(ctx, r.cfg)
	}
	return Read(ctx, r.cfg)
}

// whole checks that every record of the shard was handed over once and in order.
func (r *rig) whole() {
	r.t.Helper()
	var want []standin.Record
	for rec := range r.server.Records(stream) {
		if rec.Shard == r.cfg.Shard {
			want = append(want, rec)
		}
	}
	r.same(want)
}

func (r *rig) same(want []standin.Record) {
	r.t.Helper()
	synctest.Wait()
	if len(r.got) != len(want) {
		r.t.Fatalf("handed over %d records, want %d", len(r.got), len(want))
	}
	for i, w := range want {
		g := r.got[i]
		if g.Sequence != w.Sequence || g.PartitionKey != w.PartitionKey || g.Arrival != w.Arrival || !bytes.Equal(g.Data, w.Data) {
			r.t.Fatalf("record %d: handed over %s %q %d, want %s %q %d", i, g.Sequence, g.PartitionKey, g.Arrival, w.Sequence, w.PartitionKey, w.Arrival)
		}
	}
}

// of returns the calls of one operation.
func (r *rig) of(op string) (list []call) {
	synctest.Wait() // for a reader on another goroutine
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c.op == op {
			list = append(list, c)
		}
	}
	return list
}

func (r *rig) refused() (n int) {
	for _, c := range r.calls {
		if c.status != 200 {
			n++
		}
	}
	return n
}

func (r *rig) lines(containing string) (n int) {
	synctest.Wait()
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, containing) {
			n++
		}
	}
	return n
}

// faults makes the first n calls of op meet f.
func faults(op string, n int, f *standin.Fault) standin.Hooks {
	return standin.Hooks{Before: func(c standin.Call) *standin.Fault {
		if c.Op == op && c.N <= n {
			return f
		}
		return nil
	}}
}

// meter is a Budget that counts.
type meter struct {
	t          *testing.T
	used, peak int64
	acquired   []int64
}

func (m *meter) Acquire(_ context.Context, n int64) error {
	m.acquired = append(m.acquired, n)
	m.Take(n)
	return nil
}

func (m *meter) Take(n int64) {
	if n < 0 {
		m.t.Errorf("took %d", n)
	}
	m.used += n
	m.peak = max(m.peak, m.used)
}

func (m *meter) Release(n int64) {
	if m.used -= n; m.used < 0 || n < 0 {
		m.t.Errorf("released %d, leaves %d", n, m.used)
	}
}
