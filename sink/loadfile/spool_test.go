package loadfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
)

// cloneRow copies a row, and makes nil and empty bytes the same.
func cloneRow(r *row.Row) *row.Row {
	c := *r
	c.Sequence = append([]byte{}, r.Sequence...)
	c.PartitionKey = append([]byte{}, r.PartitionKey...)
	c.Fields = nil
	for _, f := range r.Fields {
		f.Name, f.Value = append([]byte{}, f.Name...), append([]byte{}, f.Value...)
		c.Fields = append(c.Fields, f)
	}
	return &c
}

func genRow(t *rapid.T, keys *row.Keys) *row.Row {
	bytes := func(label string, max int) []byte { return rapid.SliceOfN(rapid.Byte(), 0, max).Draw(t, label) }
	r := &row.Row{
		Sequence: bytes("sequence", 130), Subsequence: rapid.Int64().Draw(t, "subsequence"), PartitionKey: bytes("partition key", 40),
		Arrival: rapid.Int64().Draw(t, "arrival"), Index: rapid.Uint32().Draw(t, "index"), Multi: rapid.Bool().Draw(t, "multi"),
	}
	for range rapid.IntRange(0, 5).Draw(t, "fields") {
		name := bytes("name", 4)
		key := row.NoKey
		if rapid.Bool().Draw(t, "interned") {
			key = keys.Intern(name)
		}
		value := bytes("value", 50)
		if rapid.IntRange(0, 20).Draw(t, "long") == 0 {
			value = make([]byte, rapid.IntRange(1, 3*blockSize).Draw(t, "length"))
		}
		r.Fields = append(r.Fields, row.Field{Key: key, Kind: row.Kind(rapid.IntRange(0, int(row.Array)).Draw(t, "kind")),
			Flags: row.Flag(rapid.IntRange(0, 7).Draw(t, "flags")), Name: name, Value: value})
	}
	return r
}

func TestSpoolGivesRowsBack(t *testing.T) {
	store := NewStore(OS(), t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		keys := row.NewKeys()
		s, err := store.Spool(keys, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var want []*row.Row
		var shards []int
		for range rapid.IntRange(0, 3).Draw(t, "rounds") {
			for range rapid.IntRange(0, 8).Draw(t, "rows") {
				r := genRow(t, keys)
				shard := rapid.IntRange(0, 3000).Draw(t, "shard")
				if err := s.Append(shard, r); err != nil {
					t.Fatal(err)
				}
				want, shards = append(want, r), append(shards, shard)
			}
			i := 0
			err := s.Scan(func(shard int, r *row.Row) error {
				if i >= len(want) || shard != shards[i] {
					t.Fatalf("row %d of shard %d is too much", i, shard)
				}
				if got := cloneRow(r); !reflect.DeepEqual(got, cloneRow(want[i])) {
					t.Fatalf("row %d: %+v, want %+v", i, got, want[i])
				}
				i++
				return nil
			})
			if err != nil || i != len(want) || s.Rows() != int64(i) {
				t.Fatalf("%d of %d rows, %d counted: %v", i, len(want), s.Rows(), err)
			}
		}
	})
	if left := files(t, store.Dir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func smallRow(i int) *row.Row {
	return &row.Row{Sequence: fmt.Append(nil, 4000+i), Fields: []row.Field{
		{Key: row.NoKey, Kind: row.String, Name: []byte("name"), Value: []byte(`"` + strings.Repeat("x", 1000) + `"`)}}}
}

func fill(t *testing.T, s *Spool, rows int) {
	t.Helper()
	for i := range rows {
		if err := s.Append(1, smallRow(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func count(s *Spool) (n int, err error) {
	err = s.Scan(func(_ int, r *row.Row) error {
		if want := fmt.Sprint(4000 + n); string(r.Sequence) != want {
			return fmt.Errorf("sequence %s, want %s", r.Sequence, want)
		}
		n++
		return nil
	})
	return n, err
}

func TestSpoolDetectsDamage(t *testing.T) {
	for _, at := range []int64{0, 3, 4, 7, headerSize, 500, blockSize, blockSize + 5000} {
		s, err := NewStore(OS(), t.TempDir()).Spool(row.NewKeys(), 0)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s, 400)
		var b [1]byte
		if _, err := s.handle.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 0x10
		if _, err := s.handle.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if _, err := count(s); !errors.As(err, &corrupt) {
			t.Errorf("byte %d changed: %v", at, err)
		} else if at == 3 && corrupt.Reason != "impossible length" { // not a buffer of 256 MiB
			t.Errorf("length changed: %v", err)
		}
		s.Close()
	}
}

func TestSpoolDetectsCutFile(t *testing.T) {
	s, err := NewStore(OS(), t.TempDir()).Spool(row.NewKeys(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill(t, s, 400)
	if err := s.handle.(interface{ Truncate(int64) error }).Truncate(s.written - 1); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if _, err := count(s); !errors.As(err, &corrupt) || corrupt.Reason != "file is cut" {
		t.Errorf("cut file: %v", err)
	}
}

func TestSpoolOnFullDisk(t *testing.T) {
	disk := &smallDisk{room: 3 * blockSize / 2}
	s, err := NewStore(disk, t.TempDir()).Spool(row.NewKeys(), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for err = nil; err == nil && n < 1000; n++ {
		err = s.Append(1, smallRow(n))
	}
	n-- // the last was refused
	var full *WriteError
	if !errors.As(err, &full) || !full.Full() {
		t.Fatalf("after %d rows: %v", n, err)
	}
	if want := `no space left on device: give spool_dir 64 MiB more`; !strings.HasSuffix(err.Error(), want) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("error %q", err)
	}
	if got, err := count(s); err != nil || got != n || s.Rows() != int64(n) {
		t.Errorf("%d rows of %d, %d counted: %v", got, n, s.Rows(), err)
	}
	disk.room = 1 << 20 // someone made room
	for i := range 200 {
		if err := s.Append(1, smallRow(n+i)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := count(s); err != nil || got != n+200 {
		t.Errorf("%d rows of %d: %v", got, n+200, err)
	}
}

func TestSpoolOfSystemThatKeepsNames(t *testing.T) {
	disk := &smallDisk{room: 1 << 20, kept: true}
	store := NewStore(disk, t.TempDir())
	s, err := store.Spool(row.NewKeys(), 0)
	if err != nil {
		t.Fatal(err)
	}
	disk.kept = false
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, store.Dir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSpoolWithoutFolder(t *testing.T) {
	if _, err := NewStore(OS(), t.TempDir()+"/none").Spool(row.NewKeys(), 0); err == nil || !strings.HasPrefix(err.Error(), "create spool file: ") {
		t.Errorf("error %v", err)
	}
}

func TestScanStopsAtError(t *testing.T) {
	s, err := NewStore(OS(), t.TempDir()).Spool(row.NewKeys(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill(t, s, 300)
	stop, calls := errors.New("stop"), 0
	if err := s.Scan(func(int, *row.Row) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls: %v", calls, err)
	}
}

// FuzzDecodeRow: bytes that are no row are refused, not followed.
func FuzzDecodeRow(f *testing.F) {
	keys := row.NewKeys()
	keys.Intern([]byte("a"))
	f.Add(appendRow(nil, 3, &row.Row{Sequence: []byte("12"), Multi: true, Fields: []row.Field{{Key: 0, Kind: row.Int, Name: []byte("a"), Value: []byte("1")}}}))
	f.Add([]byte{1, 2, 3, 0x7f})
	f.Add([]byte{1, 2, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s scanner
		shard, rest, err := s.row(b, keys)
		if err != nil {
			return
		}
		if len(rest) >= len(b) {
			t.Fatal("nothing was read")
		}
		again := appendRow(nil, shard, &s.current)
		var u scanner
		if _, _, err := u.row(again, keys); err != nil {
			t.Fatalf("row %x read as %x is refused", b, again)
		}
		if got, want := cloneRow(&u.current), cloneRow(&s.current); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}
