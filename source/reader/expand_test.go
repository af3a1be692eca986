package reader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	standin "kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source/kpl"
	"kinesis-snowflake/source/kpl/kpltest"
)

// wholeRecord is a position behind all of a record, as KCL writes it.
const wholeRecord = 1<<63 - 1

// sent is an answer, and what is in it.
type sent struct {
	records []row.Record
	users   []row.Record // what is handed over of it, from the beginning
	ends    []row.Position
}

func (s *sent) add(users ...string) {
	seq := fmt.Appendf(nil, "49%d", 100+len(s.records))
	rec := row.Record{Sequence: seq, Arrival: int64(len(s.records))}
	if len(users) == 1 && !strings.HasPrefix(users[0], "+") {
		rec.PartitionKey, rec.Data = []byte("plain"), []byte(users[0])
		s.users = append(s.users, rec)
		s.records = append(s.records, rec)
		s.ends = append(s.ends, row.Position{Sequence: string(seq)})
		return
	}
	var list []kpltest.Record
	for i, u := range users {
		list = append(list, kpltest.Record{PartitionKey: "k" + u, Data: []byte(u)})
		s.users = append(s.users, row.Record{Sequence: seq, Subsequence: int64(i), PartitionKey: []byte("k" + u), Data: []byte(u), Arrival: rec.Arrival})
	}
	rec.PartitionKey, rec.Data = []byte("a"), kpltest.Aggregate(list...)
	if len(users) == 0 {
		rec.Data = kpltest.Seal(kpltest.Bytes(nil, 1, []byte("unused")))
	}
	s.records = append(s.records, rec)
	s.ends = append(s.ends, row.Position{Sequence: string(seq), Subsequence: int64(max(len(users)-1, 0))})
}

// after is what of the answer is not done.
func (s *sent) after(done row.Position) (out []row.Record) {
	for _, r := range s.users {
		if !done.IsNumber() || done.Compare(row.Position{Sequence: string(r.Sequence), Subsequence: r.Subsequence}) < 0 {
			out = append(out, r)
		}
	}
	return out
}

// run passes an answer through e and returns copies of what is handed over.
func run(t interface{ Fatalf(string, ...any) }, e *expander, records []row.Record, done row.Position) (out []row.Record, last row.Position, parts int) {
	e.begin(records, done)
	defer e.end()
	for more := true; more; parts++ {
		p := e.next()
		n := 0
		for _, r := range p.records {
			n += len(r.Data)
			out = append(out, row.Record{Sequence: bytes.Clone(r.Sequence), Subsequence: r.Subsequence, PartitionKey: bytes.Clone(r.PartitionKey), Data: bytes.Clone(r.Data), Arrival: r.Arrival, Failure: r.Failure})
		}
		if n != p.bytes {
			t.Fatalf("%d bytes, said to be %d", n, p.bytes)
		}
		if !p.last.IsZero() {
			if p.last.Compare(last) <= 0 || p.last.Compare(done) <= 0 {
				t.Fatalf("a part ends at %s after %s; %s was done", p.last, last, done)
			}
			last = p.last
		}
		if n := len(p.records); n > 0 && p.last.Compare(row.Position{Sequence: string(p.records[n-1].Sequence), Subsequence: p.records[n-1].Subsequence}) < 0 {
			t.Fatalf("a part of %d records ends at %s", n, p.last)
		}
		more = p.more
	}
	return out, last, parts
}

func show(list []row.Record) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, "%s:%d %s=%s@%d %v\n", r.Sequence, r.Subsequence, r.PartitionKey, r.Data, r.Arrival, r.Failure)
	}
	return b.String()
}

func TestAnswersAreExpanded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sent
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			if rapid.Bool().Draw(t, "plain") {
				s.add(rapid.SampledFrom([]string{"", "{}", "\xf3", "\xf3\x89\x9a\xc2 and no aggregate"}).Draw(t, "data"))
				continue
			}
			users := make([]string, rapid.IntRange(0, 5).Draw(t, "users"))
			for i := range users {
				users[i] = fmt.Sprintf("+%d", i)
			}
			s.add(users...)
		}
		done := row.Position{Sequence: rapid.SampledFrom([]string{"", row.TrimHorizon, row.Latest}).Draw(t, "start")}
		if len(s.ends) > 0 && rapid.Bool().Draw(t, "begun") {
			done = rapid.SampledFrom(s.ends).Draw(t, "done")
			done.Subsequence = rapid.SampledFrom([]int64{0, 1, 2, done.Subsequence, wholeRecord}).Draw(t, "sub")
		}
		e := expander{most: rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "most")}
		if rapid.Bool().Draw(t, "counted") {
			e.aggregates = NewAggregates(slog.New(slog.DiscardHandler), KeepMisplaced, byKeys)
		}
		for range 2 { // once more, by the table of the first time
			got, last, parts := run(t, &e, s.records, done)
			if show(got) != show(s.after(done)) {
				t.Fatalf("after %s: got\n%swant\n%s", done, show(got), show(s.after(done)))
			}
			var want row.Position
			if n := len(s.ends); n > 0 && s.ends[n-1].Compare(done) > 0 {
				want = s.ends[n-1]
			}
			if last != want {
				t.Fatalf("ends at %q, want %q", last, want)
			}
			if e.most == 0 && parts != 1 {
				t.Fatalf("%d parts", parts)
			}
		}
	})
}

func TestPartsHoldWholeAggregates(t *testing.T) {
	var s sent
	s.add("p")
	s.add("+a", "+b", "+c")
	s.add("+d", "+e", "+f")
	s.add("+g", "+h", "+i", "+j", "+k", "+l")
	s.add("q")
	s.add("r")
	e := expander{most: 5}
	e.begin(s.records, row.Position{})
	defer e.end()
	var sizes []int
	for more := true; more; {
		p := e.next()
		sizes = append(sizes, len(p.records))
		more = p.more
	}
	if fmt.Sprint(sizes) != "[4 3 6 2]" {
		t.Errorf("parts of %v records", sizes)
	}
}

func TestATableThatIsLentAgainPinsNoAnswer(t *testing.T) {
	var s sent
	s.add("+a", "+b", "+c", "+d")
	s.add("+e", "+f")
	s.add("+g", "+h", "+i")
	none, err := kpl.ParseRange("1", "1") // so that all are outside
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []expander{
		{}, {most: 3}, // parts that get shorter
		{hashes: &none, aggregates: NewAggregates(slog.New(slog.DiscardHandler), DropMisplacedAggregates, byKeys)},
	} {
		e.begin(s.records, row.Position{})
		for e.next().more {
		}
		records := e.table.records
		records = records[:cap(records)]
		e.end()
		for i := range records {
			if records[i].Data != nil || records[i].Sequence != nil {
				t.Errorf("record %d of a table of %d still points into the answer", i, len(records))
			}
		}
	}
}

func TestUserRecordsThatCannotBeRead(t *testing.T) {
	user := func(key uint64, data string) []byte {
		return kpltest.Bytes(nil, 3, kpltest.Bytes(kpltest.Varint(nil, 1, key), 3, []byte(data)))
	}
	broken := kpltest.Seal(bytes.Join([][]byte{kpltest.Bytes(nil, 1, []byte("k")), user(0, "a"), user(7, "b"), user(0, "c")}, nil))
	many := kpltest.Seal(append(kpltest.Bytes(nil, 1, nil), bytes.Repeat(user(0, ""), kpl.MaxRecords+1)...))
	got, last, _ := run(t, new(expander), []row.Record{{Sequence: []byte("1"), PartitionKey: []byte("a"), Data: broken}, {Sequence: []byte("2"), PartitionKey: []byte("a"), Data: many}}, row.Position{})
	if len(got) != 4 || last != (row.Position{Sequence: "2"}) {
		t.Fatalf("%d records up to %s", len(got), last)
	}
	for i, want := range []string{"", "partition key 7 is not in its table of 1", "", "more than 524288 user records"} {
		f := got[i].Failure
		if (f == nil) != (want == "") || f != nil && (f.Stage != row.StageDecode || !strings.Contains(f.Reason, want)) {
			t.Errorf("record %d: failure %v, want %q", i, f, want)
		}
	}
	if got[1].Subsequence != 1 || string(got[1].Data) != "b" || string(got[2].Data) != "c" || got[2].Subsequence != 2 || !bytes.Equal(got[3].Data, many) {
		t.Errorf("got %s", show(got[:3]))
	}
}

func TestMisplacedUserRecords(t *testing.T) {
	low, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
	if err != nil {
		t.Fatal(err)
	}
	mixed := kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte("in")}, kpltest.Record{PartitionKey: "one", Data: []byte("out")},
		kpltest.Record{PartitionKey: "one", ExplicitHashKey: "5", Data: []byte("in2")})
	sound := kpltest.Aggregate(kpltest.Record{PartitionKey: "a", Data: []byte("sound")})
	records := []row.Record{
		{Sequence: []byte("1"), PartitionKey: []byte("one"), Data: []byte("plain")}, // outside itself, and no business of the filter
		{Sequence: []byte("2"), Data: sound},
		{Sequence: []byte("3"), Data: mixed},
	}
	for _, c := range []struct {
		filter  MisplacedFilter
		shard   *kpl.Range
		want    string
		outside int64
		dropped int64
		said    string
	}{
		{KeepMisplaced, &low, "plain sound in out in2", 1, 0, "duplicates are possible"},
		{DropMisplaced, &low, "plain sound in in2", 1, 1, "source.hash_range_filter"},
		{DropMisplacedAggregates, &low, "plain sound", 1, 3, "source.hash_range_filter"},
		{DropMisplacedAggregates, nil, "plain sound in out in2", 0, 0, ""},
		{DropMisplaced, nil, "plain sound in out in2", 0, 0, ""},
	} {
		var log bytes.Buffer
		a := NewAggregates(slog.New(slog.NewTextHandler(&log, nil)), c.filter, byKeys)
		e := expander{aggregates: a, hashes: c.shard}
		got, last, _ := run(t, &e, records, row.Position{})
		var texts []string
		for _, r := range got {
			texts = append(texts, string(r.Data))
		}
		if text := strings.Join(texts, " "); text != c.want {
			t.Errorf("filter %d: %s, want %s", c.filter, text, c.want)
		}
		if last != (row.Position{Sequence: "3", Subsequence: 2}) {
			t.Errorf("filter %d: ends at %s", c.filter, last)
		}
		if n := a.Counts(); n != (AggregateCounts{2, 4, c.outside, c.dropped}) {
			t.Errorf("filter %d: %+v", c.filter, n)
		}
		if (log.Len() > 0) != (c.said != "") || !strings.Contains(log.String(), c.said) {
			t.Errorf("filter %d: log %q", c.filter, log.String())
		}
	}
}

func byKeys() (bool, error) { return false, nil }

// A stream can be switched to a distribution by the service while it is read. Its user records then lie outside of what
// were their shards' ranges, and no filter may leave them out.
func TestNothingIsLeftOutOfAStreamThatTheServiceDistributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, standin.Options{})
		none, err := kpl.ParseRange("1", "1") // so that all are outside
		if err != nil {
			t.Fatal(err)
		}
		auto, unknown, asked := false, error(nil), 0
		r.cfg.HashRange = &none
		r.cfg.Aggregates = NewAggregates(slog.New(slog.NewTextHandler(r.log, nil)), DropMisplaced, func() (bool, error) { asked++; return auto, unknown })
		got := 0
		r.cfg.Handle = func(_ context.Context, resp *row.Response) error {
			got += len(resp.Records)
			return nil
		}
		step := func(name string, records, questions int) {
			t.Helper()
			got, asked = 0, 0
			if err := r.read(3 * time.Second); err != nil {
				t.Fatal(err)
			}
			if got != records || asked != questions {
				t.Errorf("%s: %d records after %d questions, want %d after %d", name, got, asked, records, questions)
			}
		}
		r.mixed(4) // two plain, and two aggregates of four
		step("by keys", 2, 1)
		step("by keys, a moment later", 2, 0)
		<-time.After(time.Minute)
		unknown = errors.New("no route to host")
		step("unknown", 10, 3) // each aggregate asks, and the line that is due does
		unknown, auto = nil, true
		step("by the service", 10, 1)
		auto = false
		outside := r.cfg.Aggregates.Counts().Outside
		step("and that is kept in mind", 10, 0)
		if now := r.cfg.Aggregates.Counts().Outside; now != outside {
			t.Errorf("%d more user records are said to be outside", now-outside)
		}
		if n := r.lines("by itself now"); n != 1 {
			t.Errorf("%d lines about the distribution:\n%s", n, r.log)
		}
		if n := r.lines("behind a reshard"); n != 1 {
			t.Errorf("%d lines about the producer:\n%s", n, r.log)
		}
	})
}

func TestMisplacedUserRecordsAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := NewAggregates(slog.New(slog.NewTextHandler(&log, nil)), KeepMisplaced, byKeys)
		for range 30 * 5 {
			a.add(&AggregateCounts{Aggregates: 1, UserRecords: 10, Outside: 2})
			a.add(&AggregateCounts{Aggregates: 1, UserRecords: 10})
			<-time.After(time.Second)
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "user_records_outside=242 ") {
			t.Errorf("%d lines in 150 s:\n%s", n, log.String())
		}
		if got := a.Counts(); got != (AggregateCounts{300, 3000, 300, 0}) {
			t.Errorf("%+v", got)
		}
	})
}

// bulk is n records of the service with payload of about size bytes, in aggregates or plain.
func bulk(n, size int, aggregated bool) []row.Record {
	records := make([]row.Record, n)
	for i := range records {
		records[i] = row.Record{Sequence: fmt.Appendf(nil, "49%054d", i), PartitionKey: []byte("a"), Data: bytes.Repeat([]byte{'x'}, size)}
		if aggregated {
			list := make([]kpltest.Record, max(1, size/600))
			for j := range list {
				list[j] = kpltest.Record{PartitionKey: fmt.Sprint("customer-", i*len(list)+j), Data: bytes.Repeat([]byte{'x'}, 600)}
			}
			records[i].Data = kpltest.Aggregate(list...)
		}
	}
	return records
}

func TestNoAllocationPerUserRecord(t *testing.T) {
	allocs := func(n, size int, aggregated bool, want int) float64 {
		records := bulk(n, size, aggregated)
		e := expander{aggregates: NewAggregates(slog.New(slog.DiscardHandler), KeepMisplaced, byKeys)}
		shard, err := kpl.ParseRange("0", "170141183460469231731687303715884105727")
		if err != nil {
			t.Fatal(err)
		}
		e.hashes = &shard
		return testing.AllocsPerRun(20, func() {
			e.begin(records, row.Position{})
			if p := e.next(); len(p.records) != want || p.more {
				t.Fatalf("%d records, want %d", len(p.records), want)
			}
			// The table is kept here, as the pool would keep it but for a collection in between.
			e.in = nil
		})
	}
	// The text of the last position, and nothing else. The log line is written in the first run.
	if few, many := allocs(50, 600, false, 50), allocs(5000, 600, false, 5000); few > 1 || many > few {
		t.Errorf("%v allocations for 50 plain records, %v for 5,000", few, many)
	}
	if few, many := allocs(50, 600, true, 50), allocs(50, 50_000, true, 4150); few > 1 || many > few {
		t.Errorf("%v allocations for 50 aggregates of one, %v for 50 of 83", few, many)
	}
}

func BenchmarkExpand(b *testing.B) {
	for _, c := range []struct {
		name       string
		n, size    int
		aggregated bool
	}{{"plain", 8000, 600, false}, {"aggregates", 96, 50_000, true}} {
		b.Run(c.name, func(b *testing.B) {
			records := bulk(c.n, c.size, c.aggregated)
			e := expander{aggregates: NewAggregates(slog.New(slog.DiscardHandler), KeepMisplaced, byKeys)}
			b.SetBytes(int64(c.n * c.size))
			b.ReportAllocs()
			for b.Loop() {
				e.begin(records, row.Position{})
				for more := true; more; {
					more = e.next().more
				}
				e.end()
			}
		})
	}
}
