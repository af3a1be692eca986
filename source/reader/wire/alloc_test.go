package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// load returns a body of n records of size bytes.
func load(n, size int) []byte {
	data := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", size)))
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"SequenceNumber":"49%054d","ApproximateArrivalTimestamp":1700000000.%03d,"Data":"%s","PartitionKey":"key \"%d\"","EncryptionType":"KMS"}`, i, i%1000, data, i))
	}
	return []byte(body(records...))
}

func TestNoAllocationPerRecord(t *testing.T) {
	allocs := func(n int) float64 {
		text, a := load(n, 100), new(Answer)
		work := make([]byte, len(text))
		return testing.AllocsPerRun(20, func() {
			copy(work, text)
			a.Records = a.Records[:0]
			if err := decode(work, a); err != nil || len(a.Records) != n {
				t.Fatalf("%d records, error %v", len(a.Records), err)
			}
		})
	}
	// The text of the next iterator, and nothing else.
	if few, many := allocs(10), allocs(5000); few > 3 || many > few {
		t.Errorf("%v allocations for 10 records, %v for 5,000", few, many)
	}
}

func TestCallAllocatesLittle(t *testing.T) {
	const n = 5000
	c := client(canned{200, load(n, 100), false}, Use)
	a := new(Answer)
	allocs := testing.AllocsPerRun(10, func() {
		if err := GetRecords(t.Context(), c, input, a); err != nil || len(a.Records) != n {
			t.Fatalf("%d records, error %v", len(a.Records), err)
		}
		a.Release()
	})
	// The SDK's own middleware takes about 300 a call; a body or a table allocated anew would not show in a count, so
	// the benchmark's B/op is the place to look for those.
	if allocs > 600 {
		t.Errorf("%v allocations a call of %d records", allocs, n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{226, 600, 2700} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			n := 4 << 20 / size
			text, a := load(n, size), new(Answer)
			work := make([]byte, len(text))
			b.SetBytes(int64(n * size))
			b.ReportAllocs()
			for b.Loop() {
				copy(work, text)
				a.Records = a.Records[:0]
				if err := decode(work, a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	const n, size = 10000, 600
	text := load(n, size)
	b.Run("stock", func(b *testing.B) {
		c := client(canned{200, text, false})
		b.SetBytes(n * size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.GetRecords(b.Context(), input); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("swapped", func(b *testing.B) {
		c, a := client(canned{200, text, false}, Use), new(Answer)
		b.SetBytes(n * size)
		b.ReportAllocs()
		for b.Loop() {
			if err := GetRecords(b.Context(), c, input, a); err != nil {
				b.Fatal(err)
			}
			a.Release()
		}
	})
}

// An event of 2 MiB, what a shard sends in a second.
func BenchmarkEvent(b *testing.B) {
	const n, size = 3500, 600
	frame := events(b, n, size)
	b.Run("stock", func(b *testing.B) {
		out, err := client(endless{append(initial(b), frame...), frame}).SubscribeToShard(b.Context(), subscribeInput)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n * size)
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := <-out.GetStream().Events(); !ok {
				b.Fatal(out.GetStream().Err())
			}
		}
		b.StopTimer()
		_ = out.GetStream().Close()
	})
	b.Run("swapped", func(b *testing.B) {
		s, a := &Subscription{body: io.NopCloser(&again{frame: frame})}, new(Answer)
		b.SetBytes(n * size)
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Next(a, admitAll); err != nil {
				b.Fatal(err)
			}
			a.Release()
		}
	})
}

// endless answers with a body that begins with one text and goes on with another for ever.
type endless struct{ first, then []byte }

func (e endless) Do(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ContentLength: -1, Request: req, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(bytes.NewReader(e.first), &again{frame: e.then}))}, nil
}
