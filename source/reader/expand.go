package reader

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"unsafe"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/source/kpl"
)

// partRecords is how many records a part of an answer has at most, unless a single aggregate has more. The service sends up
// to 10,000 records, and a full answer of aggregates can hold over a million user records; the table of a part has 7 MB.
const partRecords = 64 << 10

// expander turns the records that an answer holds into those that are handed over: user records in place of aggregates, and
// nothing that is done already. The zero value is ready; one goroutine uses it, for one answer after the other:
//
//	e.begin(records, done)
//	for more := true; more; {
//		p := e.next()
//		... // p.records are lent until the next call; what they point to is the answer's
//		more = p.more
//	}
//	e.end()
type expander struct {
	// aggregates counts, and says what becomes of user records outside of hashes. May be nil.
	aggregates *Aggregates
	hashes     *kpl.Range // the shard's; nil when nothing is to be said of it
	most       int        // records of a part; partRecords when zero

	in      []row.Record
	done    row.Position
	decoder kpl.Decoder
	table   *table
	counts  AggregateCounts
}

// part is what is handed over at once: whole records of the service, with all of their user records.
type part struct {
	records []row.Record
	bytes   int          // of their data
	last    row.Position // up to where the part reaches; zero if it is not past what was done
	taken   int          // records of the service in it, those included of which nothing is handed over
	more    bool         // another part follows
}

// begin starts an answer, of which everything up to a position is done. That position may lie inside an aggregate.
func (e *expander) begin(records []row.Record, done row.Position) {
	e.in, e.done = records, done
}

// next returns the next part. There is always one, if only an empty one.
func (e *expander) next() part {
	taken := len(e.in)
	e.skip()
	p := part{}
	n := 0
	for n < len(e.in) && !kpl.Suspect(e.in[n].Data) {
		p.bytes += len(e.in[n].Data)
		n++
	}
	p.records = e.in[:n]
	if n < len(e.in) {
		e.expand(&p, n)
	} else {
		e.in = nil
	}
	// Positions inside an answer only grow, so the last is that of its last record, unless that is an aggregate.
	if n > 0 && p.last.IsZero() {
		p.last = row.Position{Sequence: string(p.records[n-1].Sequence)}
	}
	p.taken, p.more = taken-len(e.in), len(e.in) > 0
	if e.aggregates != nil {
		e.aggregates.add(&e.counts)
	}
	return p
}

// skip leaves out the records that are done as a whole. An iterator at a position yields its record again, and there may be
// more where the service sends what was sent before.
func (e *expander) skip() {
	for len(e.in) > 0 && e.done.IsNumber() {
		switch c := row.CompareSequence(e.in[0].Sequence, e.done.Sequence); {
		case c > 0:
			e.done = row.Position{}
		case c == 0 && kpl.Suspect(e.in[0].Data):
			return // expand leaves out what is done of it
		default:
			e.in = e.in[1:]
		}
	}
}

// expand fills a part through the table. The first n records are known to be plain.
func (e *expander) expand(p *part, n int) {
	if e.table == nil {
		e.table = getExpanded(e.in)
	}
	t, most := e.table, cmp.Or(e.most, partRecords)
	clear(t.records) // of the part before: this one may be shorter
	t.records = append(t.records[:0], p.records...)
	var last *row.Record
	sub := int64(0)
	for ; n < len(e.in); n++ {
		rec := &e.in[n]
		users, err := 0, kpl.ErrPlain
		if kpl.Suspect(rec.Data) {
			users, err = e.decoder.Open(rec.Data)
		}
		if len(t.records) > 0 && len(t.records)+max(users, 1) > most {
			break
		}
		skip := int64(-1) // the last subsequence that is done
		if !e.done.IsZero() && row.CompareSequence(rec.Sequence, e.done.Sequence) == 0 {
			skip = e.done.Subsequence
		}
		e.done = row.Position{} // later records are past it
		switch {
		case err == nil:
			e.users(p, rec, users, skip)
		case skip < 0:
			e.plain(p, rec, err)
		}
		if end := int64(max(users-1, 0)); end > skip {
			last, sub = rec, end
		}
	}
	e.decoder.Close()
	e.in = e.in[n:]
	p.records = t.records
	if last != nil {
		p.last = row.Position{Sequence: string(last.Sequence), Subsequence: sub}
	}
}

// plain hands a record over as it is.
func (e *expander) plain(p *part, rec *row.Record, err error) {
	e.table.records = append(e.table.records, *rec)
	p.bytes += len(rec.Data)
	if !errors.Is(err, kpl.ErrPlain) {
		e.table.records[len(e.table.records)-1].Failure = &row.Failure{Stage: row.StageDecode, Reason: err.Error()}
	}
}

// users hands over the user records of the open aggregate that come after a subsequence.
func (e *expander) users(p *part, rec *row.Record, n int, skip int64) {
	t, filter := e.table, KeepMisplaced
	t.records = slices.Grow(t.records, n)
	first, bytes := len(t.records), p.bytes
	outside, dropped := 0, 0
	e.counts.Aggregates++
	var u kpl.Record
	for e.decoder.Next(&u) {
		if e.hashes != nil && e.decoder.Outside(&u, *e.hashes) {
			if outside++; outside == 1 {
				filter = e.aggregates.leaves()
			}
			if filter == DropMisplaced {
				dropped++
				continue
			}
		}
		if int64(u.Index) <= skip {
			continue
		}
		t.records = append(t.records, row.Record{Sequence: rec.Sequence, Subsequence: int64(u.Index), PartitionKey: u.PartitionKey, Data: u.Data, Arrival: rec.Arrival})
		p.bytes += len(u.Data)
		if u.Reason != "" {
			t.records[len(t.records)-1].Failure = &row.Failure{Stage: row.StageDecode, Reason: u.Reason}
		}
	}
	if outside > 0 && filter == DropMisplacedAggregates {
		dropped = n
		clear(t.records[first:])
		t.records, p.bytes = t.records[:first], bytes
	}
	e.counts.UserRecords += int64(n)
	e.counts.Outside += int64(outside)
	e.counts.Dropped += int64(dropped)
}

// size is the memory that the expander holds beside the answer.
func (e *expander) size() int {
	if e.table == nil {
		return 0
	}
	return len(e.table.records) * int(unsafe.Sizeof(row.Record{}))
}

// end gives the memory back. The parts' records are invalid from here on. It is idempotent.
func (e *expander) end() {
	e.in, e.done = nil, row.Position{}
	if e.table != nil {
		e.table.put()
		e.table = nil
	}
}

// table is where user records stand.
type table struct{ records []row.Record }

// expanded lends the tables of all shards of a process: a shard holds one only while it hands an answer over. Those of shards
// with little to read are kept apart, so that they do not hold on to tables for full answers.
var expanded struct{ small, full sync.Pool }

const (
	// keptRecords bounds the tables that are lent again; a larger one is the garbage collector's.
	keptRecords = 2 * partRecords
	// smallRecords and smallBytes part the two sizes.
	smallRecords = 4 << 10
	smallBytes   = 1 << 20
)

// getExpanded returns a table for the user records of some records.
func getExpanded(records []row.Record) *table {
	pool, bytes := &expanded.small, 0
	for i := range records {
		bytes += len(records[i].Data)
	}
	if bytes > smallBytes {
		pool = &expanded.full
	}
	if t, ok := pool.Get().(*table); ok {
		return t
	}
	return &table{}
}

func (t *table) put() {
	clear(t.records) // so that it pins no answer
	t.records = t.records[:0]
	switch n := cap(t.records); {
	case n <= smallRecords:
		expanded.small.Put(t)
	case n <= keptRecords:
		expanded.full.Put(t)
	}
}
