package reader

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl/kpltest"
)

// mixed puts n records, of which every other is an aggregate of four, and returns where every one of their user records
// stands.
func (r *rig) mixed(n int) []row.Position {
	r.t.Helper()
	from := len(collect(r.server))
	entries := make([]standin.Entry, n)
	for i := range entries {
		entries[i] = standin.Entry{PartitionKey: "a", Data: []byte("{}")}
		if i%2 == 1 {
			users := make([]kpltest.Record, 4)
			for j := range users {
				users[j] = kpltest.Record{PartitionKey: fmt.Sprint("k", j), Data: fmt.Appendf(nil, `{"id":%d}`, i*4+j)}
			}
			entries[i].Data = kpltest.Aggregate(users...)
		}
	}
	if err := r.server.PutMany(stream, entries); err != nil {
		r.t.Fatal(err)
	}
	var all []row.Position
	for i, rec := range collect(r.server)[from:] {
		for j := range 1 + 3*(i%2) {
			all = append(all, row.Position{Sequence: rec.Sequence, Subsequence: int64(j)})
		}
	}
	return all
}

// places has the rig note where each record that is handed over stands.
func (r *rig) places() *[]row.Position {
	var got []row.Position
	r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
		for _, rec := range resp.Records {
			got = append(got, row.Position{Sequence: string(rec.Sequence), Subsequence: rec.Subsequence})
		}
		if n := len(got); len(resp.Records) > 0 && got[n-1] != resp.Last {
			r.t.Errorf("last position %s, last record %s", resp.Last, got[n-1])
		}
		return nil
	}
	return &got
}

func TestReadsOnFromInsideAnAggregate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		all := r.mixed(6)
		for _, c := range []struct {
			start row.Position
			want  []row.Position
		}{
			{row.Position{Sequence: row.TrimHorizon}, all},
			{all[0], all[1:]}, // a plain record
			{all[1], all[2:]}, // the first of an aggregate
			{all[3], all[4:]},
			{all[4], all[5:]}, // its last
			{row.Position{Sequence: all[3].Sequence, Subsequence: wholeRecord}, all[5:]},
			{all[len(all)-2], all[len(all)-1:]},
			{all[len(all)-1], nil},
		} {
			got := r.places()
			r.cfg.Start = c.start
			if err := r.read(5 * time.Second); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(*got, c.want) {
				t.Errorf("from %s: %v, want %v", c.start, *got, c.want)
			}
			<-time.After(10 * time.Second)
		}
	})
}

// An answer of which everything was done already is not the tip: only one that came empty is.
func TestARecordThatWasDoneIsNotTheTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		all := r.mixed(2)
		r.cfg.Start = all[len(all)-1]
		var behind []int64
		r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
			if len(resp.Records) > 0 || !resp.Last.IsZero() {
				t.Errorf("%d records up to %q after the last", len(resp.Records), resp.Last)
			}
			behind = append(behind, resp.MillisBehindLatest)
			return nil
		}
		if err := r.read(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if len(behind) < 2 || behind[0] == 0 || slices.ContainsFunc(behind[1:], func(n int64) bool { return n != 0 }) {
			t.Errorf("milliseconds behind the tip: %v", behind)
		}
	})
}

func TestRewindIntoAnAggregate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		all := r.mixed(8)
		got := r.places()
		note, rewound := r.cfg.Handle, false
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(resp.Records) > 0 && !rewound {
				rewound = true
				return &row.Rewind{After: all[7]}
			}
			return note(ctx, resp)
		}
		if err := r.read(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(*got, all[8:]) || all[7].Subsequence == 0 || all[8].Subsequence == 0 {
			t.Errorf("after %s: %v, want %v", all[7], *got, all[8:])
		}
	})
}

func TestExpiredIteratorsAmongAggregates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{Hooks: standin.Hooks{Before: func(standin.Call) *standin.Fault { return &standin.Fault{AtMost: 3} }}})
		all := r.mixed(12)
		r.cfg.Start = all[2]
		got := r.places()
		note, answers := r.cfg.Handle, 0
		r.cfg.Handle = func(ctx context.Context, resp *row.Response) error {
			if len(resp.Records) > 0 {
				answers++
				<-time.After(6 * time.Minute)
			}
			return note(ctx, resp)
		}
		if err := r.read(time.Hour); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(*got, all[3:]) {
			t.Errorf("got %v, want %v", *got, all[3:])
		}
		// The start's record comes again, and no other: 11 records, three an answer.
		if n := len(r.of("GetShardIterator")); n < 4 || answers != 4 {
			t.Errorf("%d iterators for %d answers", n, answers)
		}
	})
}

// crowd puts n aggregates of very many small user records.
func (r *rig) crowd(n, users int) {
	r.t.Helper()
	list := make([]kpltest.Record, users)
	for i := range list {
		list[i] = kpltest.Record{PartitionKey: "k", Data: []byte("{}")}
	}
	entries := slices.Repeat([]standin.Entry{{PartitionKey: "a", Data: kpltest.Aggregate(list...)}}, n)
	if err := r.server.PutMany(stream, entries); err != nil {
		r.t.Fatal(err)
	}
}

func TestTheBudgetKnowsOfUserRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		m := &meter{t: t}
		r.cfg.Budget = m
		r.crowd(1, 60_000)
		seen := 0
		r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
			table := int64(len(resp.Records)) * int64(unsafe.Sizeof(row.Record{}))
			if m.used < table+int64(resp.Bytes) {
				t.Errorf("%d records in hand, %d bytes taken", len(resp.Records), m.used)
			}
			seen += len(resp.Records)
			return nil
		}
		if err := r.read(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		if seen != 60_000 || m.used != 0 {
			t.Errorf("%d records, %d bytes were not given back", seen, m.used)
		}
		if m.acquired[1] < 6<<20 {
			t.Errorf("estimates %v: the second knows nothing of the first answer's user records", m.acquired[:3])
		}
	})
}

// An answer with very many user records is handed over in parts, and a rewind drops the parts that are still to come.
func TestAnAnswerInParts(t *testing.T) {
	for _, rewind := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, standin.Options{})
			r.crowd(5, 30_000)
			if _, _, err := r.server.Split(stream, shard0); err != nil {
				t.Fatal(err)
			}
			var sizes []int
			var last row.Position
			ends, rewound := 0, false
			r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
				if rewind && !rewound {
					rewound = true
					return &row.Rewind{}
				}
				if resp.End {
					ends++
				}
				if len(resp.Records) == 0 {
					return nil
				}
				sizes = append(sizes, len(resp.Records))
				if resp.Last.Subsequence != 29_999 || resp.Last.Compare(last) <= 0 {
					t.Errorf("%s after %s", resp.Last, last)
				}
				if last = resp.Last; ends > 0 && len(sizes) < 3 {
					t.Errorf("the end is told with part %d", len(sizes))
				}
				if len(sizes) < 3 && resp.MillisBehindLatest == 0 {
					t.Errorf("part %d is at the tip", len(sizes))
				}
				return nil
			}
			if err := r.read(10 * time.Second); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(sizes, []int{60_000, 60_000, 30_000}) || ends == 0 || rewound != rewind {
				t.Errorf("parts of %v records, the end told %d times", sizes, ends)
			}
		})
	}
}
