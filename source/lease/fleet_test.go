package lease

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/dynamodb"
)

// stream is a Lister of shards that a test changes.
type stream struct {
	mu     sync.Mutex
	shards []Shard
	calls  []string
}

// tiles returns n open shards that cover the hash range.
func tiles(n int64) []Shard {
	top := new(big.Int).Lsh(big.NewInt(1), 128)
	edge := func(i int64) *big.Int { return new(big.Int).Div(new(big.Int).Mul(top, big.NewInt(i)), big.NewInt(n)) }
	var shards []Shard
	for i := range n {
		shards = append(shards, Shard{ID: fmt.Sprintf("shardId-%012d", i), StartHash: edge(i).String(),
			EndHash: new(big.Int).Sub(edge(i+1), big.NewInt(1)).String()})
	}
	return shards
}

func (s *stream) ListShards(_ context.Context, start *Start) (Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if start == nil {
		s.calls = append(s.calls, "all")
		return Listing{Shards: slices.Clone(s.shards), Time: time.Now()}, nil
	}
	s.calls = append(s.calls, start.Position)
	var at []Shard
	for _, sh := range s.shards {
		if len(sh.Parents) == 0 && (start.Position == row.TrimHorizon || !sh.Closed) {
			at = append(at, sh)
		}
	}
	return Listing{Shards: at, Time: time.Now().Add(-3 * time.Second)}, nil // the service's clock is behind
}

func (s *stream) set(shards ...Shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards = shards
}

// fleet is a table and its workers, in a bubble.
type fleet struct {
	t      *testing.T
	server *standin.Server
	stream *stream
}

func newFleet(t *testing.T, shards ...Shard) *fleet {
	return &fleet{t: t, server: standin.New(standin.Options{}), stream: &stream{shards: shards}}
}

// worker is a coordinator and a user that keeps what it is given until it is lost or finished.
type worker struct {
	*Coordinator
	kill context.CancelFunc
	done chan error
	// drain is how long its consumers take to commit what they have when a lease is asked for.
	drain time.Duration

	mu    sync.Mutex
	helds map[string]*Held
}

func (f *fleet) start(name string, change func(*Config)) *worker {
	cfg := Config{Worker: name, Logger: quiet()}
	if change != nil {
		change(&cfg)
	}
	store := NewDynamoDB(client(f.server.RoundTripper()), table, quiet())
	c, err := NewCoordinator(cfg, store, f.stream)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, kill := context.WithCancel(context.WithoutCancel(f.t.Context()))
	w := &worker{Coordinator: c, kill: kill, done: make(chan error, 1), helds: map[string]*Held{}}
	f.t.Cleanup(kill)
	go func() { w.done <- c.Run(ctx) }()
	go w.use(ctx)
	return w
}

func (w *worker) use(ctx context.Context) {
	for {
		h, err := w.Next(ctx)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.helds[h.Shard()] = h
		w.mu.Unlock()
		over := make(chan struct{})
		go func() {
			defer close(over)
			select {
			case <-h.Lost():
			case <-h.Finished():
			}
		}()
		go func() {
			select {
			case <-h.Asked():
				select {
				case <-time.After(w.drain):
					h.HandOver()
					<-over
				case <-over:
				}
			case <-over:
			}
			w.mu.Lock()
			delete(w.helds, h.Shard())
			w.mu.Unlock()
			h.Close()
		}()
	}
}

func (w *worker) open() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.helds))
}

func (w *worker) held(shard string) *Held {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.helds[shard]
}

// within lets the clock run until ok, for d at most, and returns how long it took.
func (f *fleet) within(d time.Duration, what string, ok func() bool) time.Duration {
	f.t.Helper()
	begun := time.Now()
	for synctest.Wait(); !ok(); synctest.Wait() {
		if time.Since(begun) >= d {
			f.t.Fatalf("not after %v: %s\n%s", d, what, f.table())
		}
		<-time.After(10 * time.Millisecond)
	}
	return time.Since(begun)
}

func (f *fleet) pass(d time.Duration) { <-time.After(d); synctest.Wait() }

func (f *fleet) rows() map[string]Lease {
	s, err := NewDynamoDB(client(f.server.RoundTripper()), table, quiet()).Scan(context.Background())
	if err != nil {
		f.t.Error(err)
	}
	rows := map[string]Lease{}
	for _, l := range s.Leases {
		rows[l.Key] = l
	}
	return rows
}

func (f *fleet) table() string {
	var b strings.Builder
	rows := f.rows()
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "%+v\n", rows[k])
	}
	return b.String()
}

func (f *fleet) stop(w *worker) {
	f.t.Helper()
	if err := w.Stop(f.t.Context()); err != nil {
		f.t.Error(err)
	}
	if err := <-w.done; err != nil {
		f.t.Error(err)
	}
}

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

const lease10 = DefaultDuration
