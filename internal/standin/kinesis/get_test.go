package kinesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAnswerIsJSON reads GetRecords answers back with encoding/json, for keys and payloads that need care.
func TestAnswerIsJSON(t *testing.T) {
	st := &stream{}
	h := st.addShard(hashKey{}, maxHashKey, 0, 1_700_000_000)
	keys := []string{"plain", `quote " back \`, "\x00\n\x1f", "é\u2028<&>", "", strings.Repeat("k", 256)}
	for i, key := range keys {
		st.add(h, 1_700_000_000_007+int64(i), key, bytes.Repeat([]byte{byte(i)}, i), 0)
	}
	st.add(h, 1_700_000_000_107, "", []byte("x"), flagNoKey|flagEncrypted)
	b := batch{view: h.log.view(0, len(h.log.entries)), shard: h, next: "AAA", behind: 5}
	var got struct {
		Records []struct {
			SequenceNumber, EncryptionType string
			PartitionKey                   *string
			Data                           []byte
			ApproximateArrivalTimestamp    json.Number
		}
		NextShardIterator  string
		MillisBehindLatest int
	}
	if err := json.Unmarshal(b.append(nil), &got); err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		r := got.Records[i]
		if r.PartitionKey == nil || *r.PartitionKey != key || !bytes.Equal(r.Data, bytes.Repeat([]byte{byte(i)}, i)) ||
			r.ApproximateArrivalTimestamp.String() != fmt.Sprintf("1700000000.%03d", 7+i) || len(r.SequenceNumber) != 56 {
			t.Errorf("record %d reads as %+v", i, r)
		}
	}
	if last := got.Records[len(keys)]; last.PartitionKey != nil || last.EncryptionType != "KMS" {
		t.Errorf("a record without key reads as %+v", last)
	}
	if got.NextShardIterator != "AAA" || got.MillisBehindLatest != 5 {
		t.Errorf("answer reads as %+v", got)
	}
}

// TestTrimFreesChunks keeps a view across a trim: it stays whole while the log lets its chunks go.
func TestTrimFreesChunks(t *testing.T) {
	var r records
	data := bytes.Repeat([]byte("x"), 1000)
	for i := range 5000 {
		r.append(uint64(i+1), int64(i), fmt.Sprint(i), data, 0)
	}
	before := len(r.chunks)
	v := r.view(0, len(r.entries))
	r.trim(4990)
	if len(r.entries) != 10 || r.trimmed != 4990 || len(r.chunks) > 2 || before < 5 {
		t.Errorf("after a trim the log has %d records, %d of %d chunks", len(r.entries), len(r.chunks), before)
	}
	for i, e := range v.entries {
		if string(v.key(e)) != fmt.Sprint(i) || !bytes.Equal(v.data(e), data) {
			t.Fatalf("record %d of a view changes by a trim", i)
		}
	}
	r.append(5001, 5001, "new", data, 0)
	w := r.view(r.from(4991), len(r.entries))
	if string(w.key(w.entries[0])) != "4990" || string(w.key(w.entries[len(w.entries)-1])) != "new" {
		t.Errorf("records after a trim have keys %s to %s", w.key(w.entries[0]), w.key(w.entries[len(w.entries)-1]))
	}
	r.trim(9999)
	if len(r.chunks) != 0 || len(r.entries) != 0 {
		t.Errorf("an empty log keeps %d chunks", len(r.chunks))
	}
	r.append(5002, 10_000, "again", data, 0)
	if u := r.view(0, 1); string(u.key(u.entries[0])) != "again" {
		t.Error("a log that was emptied does not take records")
	}
}

// TestAnswerAllocates gates the hot path: writing 10,000 records allocates nothing of its own.
func TestAnswerAllocates(t *testing.T) {
	b := bigBatch(t)
	buf := b.append(nil)
	if n := testing.AllocsPerRun(5, func() { buf = b.append(buf[:0]) }); n > 0 {
		t.Errorf("writing an answer allocates %v times", n)
	}
}

func bigBatch(tb testing.TB) batch {
	tb.Helper()
	st := &stream{}
	h := st.addShard(hashKey{}, maxHashKey, 0, 1_700_000_000)
	data := bytes.Repeat([]byte("0123456789"), 60)
	for i := range maxAnswerCount {
		st.add(h, 1_700_000_000_000+int64(i), fmt.Sprintf("key-%d", i), data, 0)
	}
	return batch{view: h.log.view(0, maxAnswerCount), shard: h, next: "AAA"}
}

func BenchmarkAnswer(b *testing.B) {
	batch := bigBatch(b)
	buf := batch.append(nil)
	b.SetBytes(int64(600 * maxAnswerCount))
	for b.Loop() {
		buf = batch.append(buf[:0])
	}
}

// BenchmarkGetRecords is a whole call in process, without a client's decoding.
func BenchmarkGetRecords(b *testing.B) {
	s := New(Options{Limits: &Limits{}})
	if err := s.CreateStream("s", 1); err != nil {
		b.Fatal(err)
	}
	entries := make([]Entry, maxAnswerCount)
	for i := range entries {
		entries[i] = Entry{PartitionKey: fmt.Sprint(i), Data: bytes.Repeat([]byte("x"), 600)}
	}
	if err := s.PutMany("s", entries); err != nil {
		b.Fatal(err)
	}
	st, _ := s.lock("s", time.Now())
	it := s.iterator(st, st.shards[0], 0, time.Now())
	st.mu.Unlock()
	b.SetBytes(int64(600 * maxAnswerCount))
	for b.Loop() {
		r, err := http.NewRequest(http.MethodPost, "http://kinesis.test", strings.NewReader(`{"ShardIterator":"`+it+`"}`))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", targetPrefix+"GetRecords")
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
		resp, err := s.RoundTripper().RoundTrip(r)
		if err != nil || resp.StatusCode != 200 {
			b.Fatal(resp, err)
		}
		resp.Body.Close()
	}
}

func BenchmarkPutMany(b *testing.B) {
	s := New(Options{})
	if err := s.CreateStream("s", 4); err != nil {
		b.Fatal(err)
	}
	entries := make([]Entry, 1000)
	for i := range entries {
		entries[i] = Entry{PartitionKey: fmt.Sprint(i), Data: bytes.Repeat([]byte("x"), 600)}
	}
	b.SetBytes(600 * 1000)
	for b.Loop() {
		if err := s.PutMany("s", entries); err != nil {
			b.Fatal(err)
		}
	}
}
