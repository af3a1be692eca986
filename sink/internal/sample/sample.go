// Package sample makes rows for the tests and benchmarks of the packages under sink. Only tests import it.
package sample

import (
	"fmt"
	"math/rand/v2"

	"kinesis-snowflake/internal/row"
)

// Clicks returns rows like the events of a web shop, of 15 keys and about 600 bytes, and their payload's size. They are the same
// ones every time.
func Clicks(keys *row.Keys, n int) (rows []row.Row, bytes int) {
	r := rand.New(rand.NewPCG(1, 2))
	agents := []string{"Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"}
	for i := range n {
		record := row.Row{Sequence: fmt.Appendf(nil, "4965482%049d", i), PartitionKey: fmt.Appendf(nil, "%016x", r.Uint64()), Arrival: 1782907200000 + int64(i*7)}
		add := func(name string, kind row.Kind, format string, args ...any) {
			f := row.Field{Key: keys.Intern([]byte(name)), Kind: kind, Name: []byte(name), Value: fmt.Appendf(nil, format, args...)}
			record.Fields = append(record.Fields, f)
			bytes += len(f.Name) + len(f.Value) + 4
		}
		add("event_id", row.String, `"%08x-%04x-4d2b-9d2a-%012x"`, r.Uint32(), r.IntN(1<<16), r.Uint64N(1<<48))
		add("event_type", row.String, `"%s"`, []string{"page_view", "click", "scroll"}[r.IntN(3)])
		add("event_ts", row.String, `"2026-07-01T12:%02d:%02d.%03dZ"`, i/60000%60, i/1000%60, i%1000)
		add("received_at", row.Int, "%d", 1782907200000+int64(i*7+r.IntN(300)))
		if r.IntN(10) < 3 {
			add("user_id", row.Null, "null")
		} else {
			add("user_id", row.Int, "%d", 1000000+r.IntN(5000000))
		}
		add("session_id", row.String, `"%016x%016x"`, r.Uint64(), r.Uint64())
		add("page_url", row.String, `"https://shop.example.com/en/products/%d?utm_source=newsletter"`, r.IntN(20000))
		add("page_title", row.String, `"Élégance: la nouvelle collection"`)
		add("referrer", row.String, `"https://www.google.com/"`)
		add("user_agent", row.String, `"Mozilla/5.0 (%s"`, agents[r.IntN(2)])
		add("ip", row.String, `"%d.%d.%d.%d"`, 1+r.IntN(220), r.IntN(256), r.IntN(256), r.IntN(256))
		add("geo", row.Object, `{"country":"CH","city":"Zürich","lat":%.4f,"lon":%.4f}`, r.Float64()*90, r.Float64()*180)
		add("is_mobile", row.False+row.Kind(i&1), "%t", i&1 == 1)
		add("load_ms", row.Float, "%.1f", r.ExpFloat64()*300)
		add("revenue", row.Float, "%.2f", r.ExpFloat64()*30)
		rows = append(rows, record)
	}
	return rows, bytes
}
