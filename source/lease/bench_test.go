package lease

import (
	"fmt"
	"testing"
	"time"

	"kinesis-snowflake/internal/row"
)

// crowd is a table of leases that 50 workers renew.
func crowd(leases int) []Lease {
	var rows []Lease
	for i, sh := range tiles(int64(leases)) {
		w := fmt.Sprint("worker-", i%50)
		rows = append(rows, Lease{Key: sh.ID, Owner: w, Worker: w, Counter: 1, StartHash: sh.StartHash, EndHash: sh.EndHash,
			Checkpoint: row.Position{Sequence: "49590338271490256608559692538361571095921575989136588898"}, Nonce: fmt.Sprint("other-", i)})
	}
	return rows
}

// A look at a table of 1000 leases, all of them renewed since the one before.
func BenchmarkScan1000(b *testing.B) {
	m := NewMachine(Config{Worker: "me", Duration: 10 * time.Second, Start: Start{Position: row.TrimHorizon}, Seed: 1, Instance: "i"})
	rows := crowd(1000)
	now := time.Hour
	at := func() Instant { return Instant{Mono: now, Wall: time.Unix(1000, 0).Add(now)} }
	b.ReportAllocs()
	for b.Loop() {
		for i := range rows {
			rows[i].Counter++
		}
		m.scan.next = now
		m.Advance(at())
		m.Scanned(at(), Scan{Leases: rows}, nil)
		m.Advance(at())
		now += 3 * time.Second
	}
}

// A renewal of one of 20 held leases beside 980 others.
func BenchmarkRenew(b *testing.B) {
	m := NewMachine(Config{Worker: "worker-7", Duration: 10 * time.Second, Start: Start{Position: row.TrimHorizon}, Seed: 1, Instance: "i"})
	rows := crowd(1000)
	now := time.Hour
	at := func() Instant { return Instant{Mono: now, Wall: time.Unix(1000, 0).Add(now)} }
	for i := range rows {
		if rows[i].Owner == "worker-7" {
			rows[i].Owner, rows[i].Worker = "", ""
		}
	}
	stored := map[string]Lease{}
	for _, l := range rows {
		stored[l.Key] = l
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		for done := 0; done == 0; {
			out := m.Advance(at())
			if out.Scan {
				m.Scanned(at(), Scan{Leases: rows}, nil)
			}
			if out.List != nil {
				m.list.running = false
				m.list.next = never
			}
			for _, w := range out.Writes {
				l := w.Update.Apply(stored[w.Update.Key])
				stored[l.Key] = l
				m.Wrote(at(), w.ID, l, nil)
				done++
				n++
			}
			if done == 0 {
				now = max(out.Wake, now)
				m.scan.next = max(m.scan.next, now+time.Second)
				if m.scan.done {
					m.scan.next = never
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/renewal")
}
