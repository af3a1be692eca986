package reader

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
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
