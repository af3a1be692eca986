package loadfile

import (
	"errors"
	"fmt"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/internal/sample"
	"kinesis-snowflake/sink/table"
)

func TestNoAllocationsPerRow(t *testing.T) {
	keys := row.NewKeys()
	rows, _ := sample.Clicks(keys, 1000)
	store := NewStore(OS(), t.TempDir())
	s, err := store.Spool(keys, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	appendAll := func() {
		for i := range rows {
			if err := s.Append(i, &rows[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	appendAll()
	if n := testing.AllocsPerRun(10, appendAll); n > 2 {
		t.Errorf("%v allocations to append %d rows", n, len(rows))
	}
	scan := func() {
		if err := s.Scan(func(int, *row.Row) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	scan()
	if n := testing.AllocsPerRun(10, scan); n > 2+float64(s.written/blockSize) {
		t.Errorf("%v allocations to scan %d rows", n, s.Rows())
	}
	f, err := store.Create("b.json.zst", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	line := fmt.Appendf(nil, "[%1000d]\n", 1)
	lines := func() {
		for range 1000 {
			if err := f.Append(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines()
	if n := testing.AllocsPerRun(10, lines); n > 2 {
		t.Errorf("%v allocations to append 1000 lines", n)
	}
}

func BenchmarkSpoolAppend(b *testing.B) {
	keys := row.NewKeys()
	rows, bytes := sample.Clicks(keys, 1000)
	store := NewStore(OS(), b.TempDir())
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	var s *Spool
	for i := 0; b.Loop(); i++ {
		if i%100 == 0 {
			if s != nil {
				s.Close()
			}
			s, _ = store.Spool(keys, 0)
		}
		for i := range rows {
			if err := s.Append(1, &rows[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	s.Close()
}

func BenchmarkSpoolScan(b *testing.B) {
	keys := row.NewKeys()
	rows, bytes := sample.Clicks(keys, 1000)
	s, err := NewStore(OS(), b.TempDir()).Spool(keys, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range rows {
		if err := s.Append(1, &rows[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Scan(func(int, *row.Row) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWholeRow is all that a row costs after its transform: spooled, fitted, compressed.
func BenchmarkWholeRow(b *testing.B) {
	keys := row.NewKeys()
	rows, bytes := sample.Clicks(keys, 20000)
	var seen table.Observation
	for i := range rows {
		seen.Add(&rows[i])
	}
	empty, err := table.NewPlan(table.Config{Keys: keys}, nil, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	p, err := table.NewPlan(table.Config{Keys: keys}, empty.Extend(&seen).Add, &seen, nil)
	if err != nil {
		b.Fatal(err)
	}
	store := NewStore(OS(), b.TempDir())
	var st table.Stats
	var line []byte
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		s, err := store.Spool(keys, 0)
		if err != nil {
			b.Fatal(err)
		}
		f, err := store.Create("b.json.zst", 0)
		if err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			line = table.AppendRow(line[:0], p, "shardId-000000000012", &rows[i], &st)
			if err := errors.Join(s.Append(0, &rows[i]), f.Append(line)); err != nil {
				b.Fatal(err)
			}
		}
		info, err := f.Finish()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(bytes)/float64(info.Size), "payload/file")
		if err := errors.Join(store.Remove(info.Path), s.Close()); err != nil {
			b.Fatal(err)
		}
	}
}
