package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
		go func() {
			select {
			case <-h.Lost():
			case <-h.Finished():
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

func TestWorkers(t *testing.T) {
	bubble(t, "AKilledOnesLeasesAreTakenOver", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a := f.start("a", nil)
		if took := f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 4 }); took > time.Second {
			t.Errorf("a fresh table took %v", took)
		}
		b := f.start("b", nil)
		f.pass(time.Minute)
		if len(b.open()) != 0 || len(a.open()) != 4 {
			t.Fatalf("a %v, b %v", a.open(), b.open())
		}
		a.held("shardId-000000000001").Checkpoint(row.Position{Sequence: "77"})
		f.pass(2 * time.Second)
		a.kill()
		// Half a duration until the scan that still sees the last renewal as new, and a duration from there.
		took := f.within(lease10*3/2+time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if took < lease10-lease10/renewals {
			t.Errorf("taken over after %v, while the leases were valid", took)
		}
		if got := b.held("shardId-000000000001").Start().Sequence; got != "77" {
			t.Errorf("b starts from %s", got)
		}
		f.stop(b)
	})
	bubble(t, "AStoppedOnesLeasesAreTakenAtOnce", func(t *testing.T) {
		f := newFleet(t, tiles(4)...)
		a := f.start("a", nil)
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 4 })
		b := f.start("b", nil)
		f.pass(time.Minute)
		h := a.held("shardId-000000000002")
		h.Checkpoint(row.Position{Sequence: "123"})
		f.stop(a)
		select {
		case <-h.Lost():
		default:
			t.Error("a lease was released and its user was not told")
		}
		for key, l := range f.rows() {
			if l.Owner != "" {
				t.Errorf("%s still belongs to %s", key, l.Owner)
			}
		}
		f.within(lease10/scanParts+time.Second, "b has all", func() bool { return len(b.open()) == 4 })
		if got := b.held("shardId-000000000002").Start().Sequence; got != "123" {
			t.Errorf("b starts from %s", got)
		}
		f.stop(b)
	})
	bubble(t, "StartTogetherWithoutAFight", func(t *testing.T) {
		f := newFleet(t, tiles(20)...)
		var ws []*worker
		for i := range 4 {
			ws = append(ws, f.start(fmt.Sprint("w", i), nil))
		}
		open := func() (n int) {
			for _, w := range ws {
				n += len(w.open())
			}
			return n
		}
		f.within(lease10, "all are held", func() bool { return open() == 20 })
		f.pass(time.Minute)
		if open() != 20 {
			t.Errorf("%d are held", open())
		}
		for key, l := range f.rows() {
			if l.OwnerSwitches > 0 {
				t.Errorf("%s changed hands %d times", key, l.OwnerSwitches)
			}
		}
		for _, w := range ws {
			f.stop(w)
		}
	})
}

// jumpy is a clock whose wall a test sets.
type jumpy struct {
	Clock
	ahead atomic.Int64
}

func (j *jumpy) Now() Instant {
	i := j.Clock.Now()
	i.Wall = i.Wall.Add(time.Duration(j.ahead.Load()))
	return i
}

func TestTrouble(t *testing.T) {
	bubble(t, "AClockThatJumpsFences", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		clock := &jumpy{Clock: SystemClock()}
		a := f.start("a", func(c *Config) { c.Clock = clock })
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		f.pass(20 * time.Second)
		h := a.held("shardId-000000000000")
		clock.ahead.Store(int64(time.Hour)) // the machine was suspended for an hour
		took := f.within(lease10/fenceParts+20*time.Millisecond, "a fenced itself", func() bool {
			select {
			case <-h.Lost():
				return true
			default:
				return false
			}
		})
		if err := h.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("confirm: %v", err)
		}
		// Nobody was there to take them, so they are had again at once.
		f.within(time.Second, "a has them again", func() bool { return len(a.open()) == 2 })
		t.Log("fenced after", took)
		f.stop(a)
	})
	bubble(t, "ThrottlingIsNoLoss", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		a := f.start("a", nil)
		b := f.start("b", nil)
		f.within(2*time.Second, "all are held", func() bool { return len(a.open())+len(b.open()) == 2 })
		f.pass(30 * time.Second)
		before := append(a.open(), b.open()...)
		f.server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" {
				return standin.Throttle()
			}
			return nil
		}})
		f.pass(lease10 / 2) // longer than the interval of renewals
		f.server.SetHooks(standin.Hooks{})
		f.pass(30 * time.Second)
		if after := append(a.open(), b.open()...); !slices.Equal(before, after) {
			t.Errorf("held before %v, after %v", before, after)
		}
		for key, l := range f.rows() {
			if l.OwnerSwitches > 0 {
				t.Errorf("%s changed hands", key)
			}
		}
		f.stop(a)
		f.stop(b)
	})
	bubble(t, "LostAnswersAreNoLoss", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		var every atomic.Int64
		f.server.SetHooks(standin.Hooks{After: func(_ context.Context, c standin.Call) *standin.Fault {
			if n := every.Load(); c.Op == "UpdateItem" && n > 0 && int64(c.N)%n != 0 {
				return standin.Cut()
			}
			return nil
		}})
		a := f.start("a", nil)
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		every.Store(3) // two of three answers are lost
		h := a.held("shardId-000000000000")
		for i := range 60 {
			h.Checkpoint(row.Position{Sequence: fmt.Sprint(i + 1)})
			f.pass(time.Second)
		}
		if err := h.MarkOffsets(t.Context()); err != nil {
			t.Error(err)
		}
		select {
		case <-h.Lost():
			t.Error("lost")
		default:
		}
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "60" || !l.Offsets {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "ALostTakeIsNoForeignLease", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		f.server.SetHooks(standin.Hooks{After: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" && c.N == 1 {
				return standin.Cut()
			}
			return nil
		}})
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		f.stop(a)
	})
	bubble(t, "AMissingGrantEndsTheRun", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		f.server.SetHooks(standin.Hooks{Before: func(_ context.Context, c standin.Call) *standin.Fault {
			if c.Op == "Scan" {
				return standin.Deny("Scan", "table/"+table)
			}
			return nil
		}})
		a := f.start("a", nil)
		if err := <-a.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "grant dynamodb:Scan") {
			t.Error(err)
		}
	})
	bubble(t, "AnotherStreamEndsTheRun", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", func(c *Config) { c.StreamCreated = 1 })
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		f.stop(a)
		b := f.start("b", func(c *Config) { c.StreamCreated = 2 })
		if err := <-b.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "delete the lease table") {
			t.Error(err)
		}
		c := f.start("c", nil)
		f.stream.set(Shard{ID: "shardId-000000000000", StartHash: "0", EndHash: "7"})
		if err := <-c.done; !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "choose another") {
			t.Error(err)
		}
	})
}

func TestHeld(t *testing.T) {
	bubble(t, "CheckpointIsWrittenWithinASecond", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")
		for _, s := range []string{"9", "10", "8", row.ShardEnd, ""} {
			h.Checkpoint(row.Position{Sequence: s})
		}
		f.pass(checkpointDelay + 10*time.Millisecond)
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "10" {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "ConfirmIsAWriteThatBeganLater", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")

		hold := make(chan struct{})
		var entered atomic.Int64
		f.server.SetHooks(standin.Hooks{Before: func(ctx context.Context, c standin.Call) *standin.Fault {
			if c.Op == "UpdateItem" && entered.Add(1) == 1 {
				<-hold
			}
			return nil
		}})
		f.within(lease10, "a renewal is under way", func() bool { return entered.Load() == 1 })
		done := make(chan error, 1)
		go func() { done <- h.Confirm(t.Context()) }()
		synctest.Wait()
		close(hold)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := entered.Load(); n < 2 {
			t.Errorf("confirmed by %d writes, one of which began earlier", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Confirm(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		f.stop(a)
		if err := h.Confirm(t.Context()); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
	})
	bubble(t, "DrainKeepsWhatIsHeld", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		a.Drain()
		if _, err := a.Next(t.Context()); !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
		h := a.held("shardId-000000000000")
		h.Close()
		f.pass(3 * lease10)
		h.Checkpoint(row.Position{Sequence: "5"})
		if err := h.Confirm(t.Context()); err != nil {
			t.Error(err)
		}
		if l := f.rows()[h.Shard()]; l.Checkpoint.Sequence != "5" || l.Owner != "a" {
			t.Errorf("%+v", l)
		}
		f.stop(a)
	})
	bubble(t, "AHandOverOfKCLIsAnswered", func(t *testing.T) {
		f := newFleet(t, tiles(1)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has it", func() bool { return len(a.open()) == 1 })
		h := a.held("shardId-000000000000")
		h.Checkpoint(row.Position{Sequence: "42"})
		// initiateGracefulLeaseHandoff of KCL 3.5.1: the counter is not changed.
		_, err := client(f.server.RoundTripper()).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(table), Key: item{"leaseKey": text(h.Shard())},
			UpdateExpression:          aws.String("SET leaseOwner = :java, checkpointOwner = :a"),
			ConditionExpression:       aws.String("leaseOwner = :a AND attribute_not_exists(checkpointOwner) AND attribute_exists(leaseKey)"),
			ExpressionAttributeValues: item{":java": text("java"), ":a": text("a")},
		})
		if err != nil {
			t.Fatal(err)
		}
		before := f.rows()[h.Shard()].Counter
		f.within(lease10/renewals+time.Second, "the lease is java's", func() bool {
			l := f.rows()[h.Shard()]
			return l.Owner == "java" && l.CheckpointOwner == "" && l.Checkpoint.Sequence == "42" && l.Counter == before+1
		})
		<-h.Lost()
		// A dead java's lease comes back.
		f.within(2*lease10, "a has it again", func() bool { return len(a.open()) == 1 })
		f.stop(a)
	})
}

func TestShards(t *testing.T) {
	bubble(t, "LatestIsRememberedAsATime", func(t *testing.T) {
		f := newFleet(t, tiles(2)...)
		latest := func(c *Config) { c.Start.Position = row.Latest }
		a := f.start("a", latest)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		h := a.held("shardId-000000000001")
		begun := time.UnixMilli(f.rows()[h.Shard()].StartMillis)
		if d := time.Since(begun); d < 3*time.Second || d > 4*time.Second { // the service's clock is 3 s behind
			t.Errorf("the start is remembered as %v", begun)
		}
		if h.Start().Sequence != row.Latest || !h.StartTime().Equal(begun) {
			t.Errorf("%v from %v, not %v", h.Start(), h.StartTime(), begun)
		}
		a.kill() // before the first checkpoint
		f.pass(time.Hour)
		b := f.start("b", latest)
		f.within(2*lease10, "b has all", func() bool { return len(b.open()) == 2 })
		if h := b.held("shardId-000000000001"); !h.StartTime().Equal(begun) {
			t.Errorf("%v from %v, not %v", h.Start(), h.StartTime(), begun)
		}
		f.stop(b)
	})
	bubble(t, "SplitAndMerge", func(t *testing.T) {
		base := tiles(2)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		b := f.start("b", nil)
		f.pass(time.Minute)
		merged := Shard{ID: "shardId-000000000002", Parents: []string{base[0].ID, base[1].ID}, StartHash: base[0].StartHash, EndHash: base[1].EndHash}
		closed := slices.Clone(base)
		closed[0].Closed, closed[1].Closed = true, true
		f.stream.set(append(closed, merged)...)

		a.held(base[0].ID).Checkpoint(row.Position{Sequence: "5"})
		a.held(base[0].ID).Finish([]Shard{merged})
		f.within(5*time.Second, "the first parent has ended", func() bool { return len(a.open()) == 1 })
		if l := f.rows()[base[0].ID]; !l.Finished() || l.Owner != "" || !slices.Equal(l.Children, []string{merged.ID}) {
			t.Errorf("%+v", l)
		}
		f.pass(time.Minute)
		if s := a.Status(); len(b.open()) != 0 || len(a.open()) != 1 || s.Pending+b.Status().Held != 1 {
			t.Errorf("the merged shard is read before its second parent ended: a %v, b %v, %+v", a.open(), b.open(), s)
		}
		a.held(base[1].ID).Finish(nil) // a server that names no children
		f.within(lease10, "the merged shard is read", func() bool {
			return slices.Equal(append(a.open(), b.open()...), []string{merged.ID})
		})
		l := f.rows()[merged.ID]
		if l.Checkpoint.Sequence != row.TrimHorizon || !slices.Equal(l.Parents, merged.Parents) || l.StartHash != merged.StartHash || l.EndHash != merged.EndHash {
			t.Errorf("%+v", l)
		}

		// The parents expire. Their rows go once the child has begun, not before.
		f.stream.set(merged)
		f.pass(5 * time.Minute)
		if n := len(f.rows()); n != 3 {
			t.Fatalf("%d rows", n)
		}
		for _, w := range []*worker{a, b} {
			if h := w.held(merged.ID); h != nil {
				h.Checkpoint(row.Position{Sequence: "7"})
			}
		}
		f.pass(5 * time.Minute)
		if n := len(f.rows()); n != 1 {
			t.Errorf("%d rows\n%s", n, f.table())
		}
		f.stop(a)
		f.stop(b)
	})
	bubble(t, "AGoneShardEndsWithoutChildren", func(t *testing.T) {
		base := tiles(2)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 2 })
		f.stream.set(base[1])
		h := a.held(base[0].ID)
		h.Finish(nil)
		f.within(2*time.Second, "it has ended", func() bool { return f.rows()[base[0].ID].Finished() })
		<-h.Finished()
		f.stop(a)
	})
	bubble(t, "OffsetsMakeLeases", func(t *testing.T) {
		base := tiles(2)
		base[0].Closed = true
		child := Shard{ID: "shardId-000000000002", StartHash: base[0].StartHash, EndHash: base[0].EndHash}
		f := newFleet(t, base[0], base[1], child)
		a := f.start("a", func(c *Config) {
			c.Start.Position = row.Latest
			c.Offsets = []string{base[0].ID, base[1].ID, "shardId-999999999999"}
		})
		f.within(2*time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		for id, want := range map[string]string{base[0].ID: row.TrimHorizon, base[1].ID: row.TrimHorizon, child.ID: row.Latest} {
			h := a.held(id)
			if h.Start().Sequence != want || h.HasOffsets() != (want == row.TrimHorizon) {
				t.Errorf("%s starts at %v, offsets %v", id, h.Start(), h.HasOffsets())
			}
		}
		f.stop(a)
	})
	bubble(t, "AMissingRowIsCreated", func(t *testing.T) {
		base := tiles(3)
		f := newFleet(t, base...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		f.stop(a)
		_, err := client(f.server.RoundTripper()).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(table), Key: item{"leaseKey": text(base[1].ID)}})
		if err != nil {
			t.Fatal(err)
		}
		b := f.start("b", nil)
		f.within(5*time.Second, "b has all", func() bool { return len(b.open()) == 3 })
		if s := b.Status(); !s.Synced && s.Pending != 0 {
			t.Errorf("%+v", s)
		}
		f.stop(b)
	})
	bubble(t, "StatusTellsTheLivingFromTheDead", func(t *testing.T) {
		f := newFleet(t, tiles(3)...)
		a := f.start("a", nil)
		f.within(time.Second, "a has all", func() bool { return len(a.open()) == 3 })
		f.within(time.Second, "a is synced", func() bool { return a.Status() == Status{Synced: true, Leases: 3, Held: 3, Open: 3} })
		b := f.start("b", nil)
		f.within(time.Second, "b is synced", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Pending: 3} })
		f.within(lease10, "b has seen a renew", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Others: 3} })
		a.kill()
		f.within(2*lease10, "b has all", func() bool { return b.Status() == Status{Synced: true, Leases: 3, Held: 3, Open: 3} })
		f.stop(b)
	})
}
