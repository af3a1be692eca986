package source

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
	"kinesis-snowflake/source/lease"
)

// rereading is a stream of one shard whose records are read again.
type rereading struct {
	*world
	tools  *Tools
	again  *Again
	shard  lease.Shard
	places []Place
	calls  map[string]int
	fault  func(kinesis.Call) *kinesis.Fault
}

func reread(t *testing.T, filter string, f func(t *testing.T, r *rereading)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rereading{world: newWorld(t, 1), calls: map[string]int{}}
		o := r.options("tools")
		o.HashRangeFilter = filter
		var err error
		if r.tools, err = NewTools(o); err != nil {
			t.Fatal(err)
		}
		info, err := r.tools.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listing, err := r.tools.Shards(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.again, r.shard = r.tools.Again(info), listing.Shards[0]
		r.kinesis.SetHooks(kinesis.Hooks{Before: func(c kinesis.Call) *kinesis.Fault {
			r.calls[c.Op]++
			if r.fault != nil {
				return r.fault(c)
			}
			return nil
		}})
		f(t, r)
	})
}

// put sends records, a pause apart.
func (r *rereading) put(n int, pause time.Duration) {
	r.t.Helper()
	for range n {
		_, sequence, err := r.kinesis.Put(stream, "k", fmt.Append(nil, len(r.places)))
		if err != nil {
			r.t.Fatal(err)
		}
		r.places = append(r.places, Place{Sequence: sequence, Arrival: time.Now()})
		if pause > 0 {
			<-time.After(pause)
		}
	}
}

// read reads places and returns what came, as "payload" or "payload:subsequence".
func (r *rereading) read(places ...Place) []string {
	r.t.Helper()
	var got []string
	err := r.again.Read(r.t.Context(), r.shard, places, func(rec *row.Record) error {
		text := string(rec.Data)
		if rec.Subsequence > 0 {
			text += fmt.Sprint(":", rec.Subsequence)
		}
		got = append(got, text)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func (r *rereading) want(got []string, want ...string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Errorf("got %q, want %q", got, want)
	}
}

// Records close together are read in one go, and those far apart each by an iterator, without what lies between.
func TestAgainReadsNeighboursInOneGo(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(100, 10*time.Millisecond)
		<-time.After(time.Hour)
		r.put(5000, 0)
		<-time.After(time.Hour)
		r.put(2, time.Minute)
		r.want(r.read(r.places[3], r.places[50], r.places[99], r.places[5100], r.places[5101]), "3", "50", "99", "5100", "5101")
		if r.calls["GetShardIterator"] != 3 || r.calls["GetRecords"] != 3 {
			t.Errorf("calls %v", r.calls)
		}
		clear(r.calls)
		r.want(r.read(r.places[150], r.places[5050]), "150", "5050")
		if r.calls["GetShardIterator"] != 1 || r.calls["GetRecords"] != 2 {
			t.Errorf("calls %v", r.calls)
		}
		r.want(r.read(Place{Sequence: r.places[7].Sequence}, Place{Sequence: r.places[8].Sequence}), "7", "8") // of unknown arrival
	})
}

// A replay leaves half of a shard's calls and bytes to others.
func TestAgainLeavesRoomForTheWorker(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		for range 12 {
			if _, sequence, err := r.kinesis.Put(stream, "k", make([]byte, 1<<20-1)); err != nil {
				t.Fatal(err)
			} else {
				r.places = append(r.places, Place{Sequence: sequence, Arrival: time.Now()})
			}
			<-time.After(1100 * time.Millisecond)
		}
		began := time.Now()
		if got := len(r.read(r.places...)); got != 12 {
			t.Errorf("%d records", got)
		}
		if d := time.Since(began); d < 8*time.Second {
			t.Errorf("12 MiB were read in %v", d)
		}
		clear(r.calls)
		began = time.Now()
		for i := range r.places {
			r.places[i].Arrival = time.Time{}
		}
		r.read(r.places...)
		if calls, d := r.calls["GetRecords"], time.Since(began); d < time.Duration(calls-1)*againSpacing {
			t.Errorf("%d calls in %v", calls, d)
		}
	})
}

func TestAgainPassesOverWhatIsGone(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(10, time.Millisecond)
		<-time.After(13 * time.Hour)
		r.put(10, time.Millisecond)
		<-time.After(12 * time.Hour) // the first ten are over 24 hours old
		r.want(r.read(r.places[2], r.places[3], r.places[12]), "12")
		r.want(r.read(Place{Sequence: "4959"}, r.places[13], Place{Sequence: r.places[19].Sequence + "9"}), "13") // numbers of another stream
		<-time.After(13 * time.Hour)
		r.want(r.read(r.places[5:15]...))
		other := r.shard
		other.ID = "shardId-000000000099"
		if err := r.again.Read(t.Context(), other, r.places, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAgainGoesOnAfterTrouble(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(30, time.Millisecond)
		n := 0
		r.fault = func(kinesis.Call) *kinesis.Fault {
			switch n++; n % 4 {
			case 0:
				return &kinesis.Fault{Code: "ProvisionedThroughputExceededException", Message: "Rate exceeded"}
			case 1:
				return kinesis.Cut()
			case 2:
				return &kinesis.Fault{Empty: true}
			}
			return nil
		}
		r.want(r.read(r.places[3], r.places[29]), "3", "29")
	})
	// An iterator lives for five minutes, and what is done with a record may take longer.
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(4500, 0)
		var got []string
		err := r.again.Read(t.Context(), r.shard, []Place{r.places[1], r.places[4400]}, func(rec *row.Record) error {
			<-time.After(6 * time.Minute)
			got = append(got, string(rec.Data))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		r.want(got, "1", "4400")
	})
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(3, 0)
		r.fault = func(c kinesis.Call) *kinesis.Fault {
			if c.Op == "GetShardIterator" {
				return &kinesis.Fault{Code: "AccessDeniedException", Message: "no"}
			}
			return nil
		}
		err := r.again.Read(t.Context(), r.shard, r.places, nil)
		if err == nil || !strings.Contains(err.Error(), "allow the IAM action kinesis:GetShardIterator on stream orders") {
			t.Error(err)
		}
		r.fault = nil
		stop := errors.New("stop")
		if err := r.again.Read(t.Context(), r.shard, r.places, func(*row.Record) error { return stop }); !errors.Is(err, stop) {
			t.Error(err)
		}
	})
}

func TestAgainOpensAggregates(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		_, sequence, err := r.kinesis.Put(stream, "a", kpltest.Aggregate(kpltest.Record{PartitionKey: "x", Data: []byte("one")}, kpltest.Record{PartitionKey: "y", Data: []byte("two")}))
		if err != nil {
			t.Fatal(err)
		}
		r.put(1, 0)
		r.want(r.read(Place{Sequence: sequence}, r.places[0]), "one", "two:1", "0")
	})
}

// Where the retention has passed over many places, one answer tells it of all of them.
func TestAgainAsksOnceOfManyThatAreGone(t *testing.T) {
	reread(t, "", func(t *testing.T, r *rereading) {
		r.put(60, time.Minute)
		<-time.After(25 * time.Hour)
		r.put(3, time.Minute)
		r.want(r.read(r.places...), "60", "61", "62")
		if r.calls["GetShardIterator"] > 4 || r.calls["GetRecords"] > 4 {
			t.Errorf("calls %v", r.calls)
		}
	})
}

// A sample has as many records as are wanted, though they came at once, so that no time tells the first from the newest.
func TestSampleOfABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		tools, err := NewTools(w.options("tools"))
		if err != nil {
			t.Fatal(err)
		}
		for n := range 500 {
			if _, _, err := w.kinesis.Put(stream, fmt.Sprint("k", n), []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
		again, listing := begun(t, tools)
		for want, whole := range map[int]bool{100: false, 499: false, 500: true, 900: true} {
			got, err := again.Sample(t.Context(), listing.Shards[0], Sampling{Records: want, Bytes: 1 << 20})
			if err != nil || len(got.Records) != min(want, 500) || got.Whole != whole && want != 500 {
				t.Errorf("%d records of %d, whole %v, %v", len(got.Records), want, got.Whole, err)
			}
		}
	})
}

// Samples of several shards share what they have to say: a line is not told once a shard.
func TestSamplesSayOnceWhatTheyHaveToSay(t *testing.T) {
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		o := w.options("tools")
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		tools, err := NewTools(o)
		if err != nil {
			t.Fatal(err)
		}
		var users []kpltest.Record
		for n := range 40 {
			users = append(users, kpltest.Record{PartitionKey: fmt.Sprint("k", n), Data: []byte("{}")})
		}
		for n := range 40 {
			if _, _, err := w.kinesis.Put(stream, fmt.Sprint("k", n), kpltest.Aggregate(users...)); err != nil {
				t.Fatal(err)
			}
		}
		again, listing := begun(t, tools)
		for _, shard := range listing.Shards {
			if _, err := again.Sample(t.Context(), shard, Sampling{Records: 100, Bytes: 1 << 20}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n := strings.Count(log.String(), "behind a reshard"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}

// begun describes the stream, and lists its shards.
func begun(t *testing.T, tools *Tools) (*Again, lease.Listing) {
	t.Helper()
	info, err := tools.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listing, err := tools.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tools.Again(info), listing
}
