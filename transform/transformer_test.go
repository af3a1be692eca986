package transform_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/internal/sample"
)

func apply(t testing.TB, tr *transform.Transformer, rec *row.Record, emit func(*row.Row) error) {
	t.Helper()
	if f, err := applyOne(tr, rec, emit); f != nil || err != nil {
		t.Fatalf("%q: %v %v", rec.Data, f, err)
	}
}

// applyOne returns the last failure.
func applyOne(tr *transform.Transformer, rec *row.Record, emit func(*row.Row) error) (last *row.Failure, err error) {
	err = tr.Apply(rec, emit, func(_ uint32, f *row.Failure) { last = f })
	return last, err
}

func TestApply(t *testing.T) {
	keys := row.NewKeys()
	tr := transform.New(transform.Options{Keys: keys})
	rec := &row.Record{
		Sequence: []byte("49650000000000000000000000000000000000000000000000000001"), Subsequence: 7,
		PartitionKey: []byte("pk"), Arrival: 1782907200123,
		Data: []byte(` {"a": 1, "b\n":"x", "\u0000": null, "a":{} } `),
	}
	var rows []row.Row
	apply(t, tr, rec, func(r *row.Row) error {
		rows = append(rows, *r)
		return nil
	})
	want := []row.Row{{
		Sequence: rec.Sequence, Subsequence: 7, PartitionKey: rec.PartitionKey, Arrival: rec.Arrival,
		Fields: []row.Field{
			{Key: 0, Kind: row.Int, Name: []byte("a"), Value: []byte("1")},
			{Key: 1, Kind: row.String, Name: []byte("b\n"), Value: []byte(`"x"`)},
			{Key: row.NoKey, Kind: row.Null, Flags: row.HostileKey, Name: []byte(`\u0000`), Value: []byte("null")},
			{Key: 0, Kind: row.Object, Name: []byte("a"), Value: []byte("{}")},
		},
	}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestApplyEmptyObject(t *testing.T) {
	tr := transform.New(transform.Options{Keys: row.NewKeys()})
	rows := 0
	emit := func(r *row.Row) error {
		rows += 1 + len(r.Fields)
		return nil
	}
	apply(t, tr, &row.Record{Data: []byte(`{"a":1}`)}, emit)
	apply(t, tr, &row.Record{Data: []byte(`{}`)}, emit)
	if rows != 3 {
		t.Errorf("%d rows and fields, want 3", rows)
	}
}

func TestApplyReturnsEmitsError(t *testing.T) {
	tr := transform.New(transform.Options{Keys: row.NewKeys()})
	want := errors.New("disk full")
	f, err := applyOne(tr, &row.Record{Data: []byte(`{}`)}, func(*row.Row) error { return want })
	if f != nil || !errors.Is(err, want) {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		data   string
		stage  row.Stage
		reason string
	}{
		{"", row.StageDecode, "empty payload"},
		{" \r\n\t", row.StageDecode, "payload of white space only"},
		{`{"customer":"secret",}`, row.StageDecode, "not JSON: invalid character '}' at byte 21, where a key in quotes should be"},
		{"{\"a\":\"\xff\"}", row.StageDecode, "not JSON: invalid UTF-8 at byte 6"},
		{"\xef\xbb\xbf{}", row.StageDecode, "not JSON: a UTF-8 byte order mark at byte 0, which JSON does not allow"},
		{"\x28\xb5\x2f\xfd\x04\x00", row.StageDecode, `not JSON: invalid character '(' at byte 0, where a value should be; the payload looks like zstd, see transform.decode.compression`},
		{"\x1f\x8b\x08\x00", row.StageDecode, `not JSON: invalid character '\x1f' at byte 0, where a value should be; the payload looks like gzip, see transform.decode.compression`},
		{"\xf3\x89\x9a\xc2\x0a", row.StageDecode, `not JSON: invalid UTF-8 at byte 0; the payload looks like a damaged KPL aggregate`},
		{strings.Repeat(`{"a":`, 600), row.StageDecode, "nested deeper than 512 at byte 2560"},
		{`[{"a":1}]`, row.StageShape, "a JSON array, not an object"},
		{`"text"`, row.StageShape, "a JSON string, not an object"},
		{`null`, row.StageShape, "a JSON null, not an object"},
	} {
		tr := transform.New(transform.Options{Keys: row.NewKeys()})
		f, err := applyOne(tr, &row.Record{Data: []byte(c.data)}, func(*row.Row) error {
			t.Errorf("%.30q: a row came out", c.data)
			return nil
		})
		want := row.Failure{Stage: c.stage, Reason: c.reason}
		if err != nil || f == nil || *f != want {
			t.Errorf("%.30q: got %+v, %v; want %+v", c.data, f, err, want)
		}
	}
}

// What the source found unreadable fails as it says, though its bytes would make a row.
func TestTheSourcesFailureStands(t *testing.T) {
	tr := transform.New(transform.Options{Keys: row.NewKeys()})
	want := &row.Failure{Stage: row.StageDecode, Reason: "no partition key"}
	f, err := applyOne(tr, &row.Record{Data: []byte(`{"a":1}`), Failure: want}, func(*row.Row) error {
		t.Error("a row came out")
		return nil
	})
	if f != want || err != nil {
		t.Errorf("got %+v, %v", f, err)
	}
}

// Whatever came before, each field's Key is that of its name.
func TestKeysMatchNames(t *testing.T) {
	full := row.NewKeys()
	full.Intern([]byte("a"))
	full.Intern([]byte("b"))
	for i := range row.MaxKeys - full.Len() {
		full.Intern(fmt.Appendf(nil, "filler%d", i))
	}
	rapid.Check(t, func(t *rapid.T) {
		keys := row.NewKeys()
		if rapid.Bool().Draw(t, "full") {
			keys = full
		}
		trs := []*transform.Transformer{transform.New(transform.Options{Keys: keys}), transform.New(transform.Options{Keys: keys})}
		name := rapid.SampledFrom([]string{"", "a", "b", "c", "d", `\u0061`, `\ud800`, `\\ud800`, "filler0", "filler1"})
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			names := rapid.SliceOfN(name, 0, 8).Draw(t, "names")
			var members []string
			for _, n := range names {
				members = append(members, `"`+n+`":0`)
			}
			tr := rapid.SampledFrom(trs).Draw(t, "transformer")
			f, err := applyOne(tr, &row.Record{Data: []byte("{" + strings.Join(members, ",") + "}")}, func(r *row.Row) error {
				if len(r.Fields) != len(names) {
					t.Fatalf("%d fields, want %d", len(r.Fields), len(names))
				}
				for i, f := range r.Fields {
					if want := map[string]string{`\u0061`: "a", `\\ud800`: `\ud800`}[names[i]]; want != "" && string(f.Name) != want {
						t.Fatalf("%s became %q", names[i], f.Name)
					}
					switch {
					case names[i] == `\ud800`:
						if f.Key != row.NoKey || f.Flags != row.HostileKey || string(f.Name) != names[i] {
							t.Fatalf("a hostile key became %+v", f)
						}
					case f.Key == row.NoKey:
						if keys.Len() < row.MaxKeys || keys.Intern(f.Name) != row.NoKey {
							t.Fatalf("%q has no key", f.Name)
						}
					case keys.Name(f.Key) != string(f.Name):
						t.Fatalf("%q has the key of %q", f.Name, keys.Name(f.Key))
					}
				}
				return nil
			})
			if f != nil || err != nil {
				t.Fatal(f, err)
			}
		}
	})
}

func TestApplyDoesNotAllocate(t *testing.T) {
	var recs []row.Record
	for _, shape := range sample.Shapes() {
		for _, data := range sample.Records(shape, 10) {
			recs = append(recs, row.Record{Data: data})
		}
	}
	tr := transform.New(transform.Options{Keys: row.NewKeys()})
	fields := 0
	emit := func(r *row.Row) error {
		fields += len(r.Fields)
		return nil
	}
	fail := func(_ uint32, f *row.Failure) { t.Fatal(f) }
	allocs := testing.AllocsPerRun(100, func() {
		for i := range recs {
			if err := tr.Apply(&recs[i], emit, fail); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 || fields == 0 {
		t.Errorf("%v allocations in %d records with %d fields, want none", allocs, len(recs), fields)
	}
}

// A record of very many fields must pass, must not change what comes after it, and must not hold its memory for good.
func TestManyFields(t *testing.T) {
	const n = 200_000
	tr := transform.New(transform.Options{Keys: row.NewKeys()})
	var got []int
	emit := func(r *row.Row) error {
		got = append(got, len(r.Fields))
		return nil
	}
	huge := []byte("{" + strings.Repeat(`"":0,`, n-1) + `"":0}`)
	before := heap()
	for _, data := range [][]byte{[]byte(`{"a":1}`), huge, []byte(`{"a":1,"b":2}`)} {
		apply(t, tr, &row.Record{Data: data}, emit)
	}
	if grown := heap() - before; grown > 5<<20 {
		t.Errorf("%d bytes are held after a record of %d fields", grown, n)
	}
	runtime.KeepAlive(tr)
	runtime.KeepAlive(huge)
	if diff := cmp.Diff([]int{1, n, 2}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkApply(b *testing.B) {
	for _, shape := range sample.Shapes() {
		b.Run(shape, func(b *testing.B) {
			var recs []row.Record
			size := 0
			for _, data := range sample.Records(shape, 1000) {
				recs = append(recs, row.Record{Data: data})
				size += len(data)
			}
			tr := transform.New(transform.Options{Keys: row.NewKeys()})
			emit := func(*row.Row) error { return nil }
			fail := func(_ uint32, f *row.Failure) { b.Fatal(f) }
			b.SetBytes(int64(size / len(recs)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := tr.Apply(&recs[i], emit, fail); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(recs) {
					i = 0
				}
			}
		})
	}
}
