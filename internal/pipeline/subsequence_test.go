package pipeline

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"kinesis-snowflake/internal/row"
)

// aggregates is an answer with aggregates of the sequence numbers from..to, each of n user records.
func aggregates(shard string, from, to, n int) *row.Response {
	r := &row.Response{Shard: shard, MillisBehindLatest: 5}
	for seq := from; seq <= to; seq++ {
		for sub := range n {
			r.Records = append(r.Records, row.Record{Sequence: []byte(strconv.Itoa(seq)), Subsequence: int64(sub), Data: []byte("0123456789")})
			r.Last = row.Position{Sequence: strconv.Itoa(seq), Subsequence: int64(sub)}
		}
	}
	return r
}

func TestCheckpointNamesTheLastUserRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		r := newRig(t, table, roomy)
		lease := newLease("a")
		s := r.openShard(lease)
		mustHandle(t, s, aggregates("a", 1, 2, 3))
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := row.Position{Sequence: "2", Subsequence: 2}
		if lease.at != want || table.offsets["a"].At != want {
			t.Errorf("checkpoint %v, offset %v, want %v", lease.at, table.offsets["a"].At, want)
		}
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, []string{"a/1", "a/1.1", "a/1.2", "a/2", "a/2.1", "a/2.2"})
	})
}

// Another application, or the offset, stands inside of an aggregate: what is left of it is loaded, and only that.
func TestReadingBeginsInsideAnAggregate(t *testing.T) {
	for name, c := range map[string]struct {
		start, offset row.Position
		want          []string
	}{
		"lease":         {start: row.Position{Sequence: "5", Subsequence: 1}, want: []string{"a/5.2", "a/5.3", "a/6", "a/6.1", "a/6.2", "a/6.3"}},
		"whole record":  {start: row.Position{Sequence: "5", Subsequence: math.MaxInt64}, want: []string{"a/6", "a/6.1", "a/6.2", "a/6.3"}},
		"offset":        {start: row.Position{Sequence: row.TrimHorizon}, offset: row.Position{Sequence: "5", Subsequence: 2}, want: []string{"a/5.3", "a/6", "a/6.1", "a/6.2", "a/6.3"}},
		"offset beyond": {start: row.Position{Sequence: "5"}, offset: row.Position{Sequence: "6", Subsequence: 2}, want: []string{"a/6.3"}},
		"lease beyond":  {start: row.Position{Sequence: "6", Subsequence: 2}, offset: row.Position{Sequence: "5"}, want: []string{"a/6.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := newFakeTable()
				table.offsets["a"] = row.Claim{Epoch: 4, At: c.offset}
				r := newRig(t, table, roomy)
				lease := newLease("a")
				lease.start = c.start
				mustHandle(t, r.openShard(lease), aggregates("a", 5, 6, 4))
				advance(time.Minute)
				wantRows(t, table, c.want)
				if want := (row.Position{Sequence: "6", Subsequence: 3}); lease.at != want {
					t.Errorf("checkpoint %v, want %v", lease.at, want)
				}
				if err := r.end(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A reader that is sent back to inside an aggregate begins with the whole of it.
func TestRewindIntoAnAggregate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newFakeTable()
		full := false
		table.appends = func(string) error {
			if full {
				return errors.New("no space left on device")
			}
			return nil
		}
		r := newRig(t, table, roomy)
		lease := newLease("a")
		lease.start = row.Position{Sequence: "5"}
		s := r.openShard(lease)
		mustHandle(t, s, aggregates("a", 5, 5, 3))
		advance(time.Minute)
		full = true
		mustHandle(t, s, aggregates("a", 6, 6, 3))
		full = false
		synctest.Wait()
		var rewind *row.Rewind
		if err := s.Handle(t.Context(), aggregates("a", 7, 7, 3)); !errors.As(err, &rewind) || rewind.After != (row.Position{Sequence: "5", Subsequence: 2}) {
			t.Fatalf("handle: %v, want a rewind to 5:2", err)
		}
		mustHandle(t, s, aggregates("a", 5, 6, 3))
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		wantRows(t, table, []string{"a/5.1", "a/5.2", "a/6", "a/6.1", "a/6.2"})
	})
}
