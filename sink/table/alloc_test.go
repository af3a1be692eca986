package table

import (
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/internal/sample"
)

func planFor(t testing.TB, keys *row.Keys, rows []row.Row) *Plan {
	return planWith(t, Config{Keys: keys}, rows)
}

func planWith(t testing.TB, c Config, rows []row.Row) *Plan {
	seen := c.Observation()
	for i := range rows {
		seen.Add(&rows[i])
	}
	p, _ := evolve(t, c, nil, &seen, nil)
	return p
}

// shapes are the ways in which a pipeline file may have the rows of sample.Clicks.
func shapes() map[string]Config {
	must := Spec{Key: "received_at", Name: "AT", Type: numberType, NotNull: true}
	return map[string]Config{
		"inferred": {},
		"pinned":   {Pins: []Spec{must, {Key: "ip", Type: ParseType("VARCHAR(50)")}}, Timestamps: true},
		"record":   {Variant: true},
	}
}

func TestNoAllocationsPerRow(t *testing.T) {
	for name, c := range shapes() {
		t.Run(name, func(t *testing.T) { noAllocationsPerRow(t, c) })
	}
}

func noAllocationsPerRow(t *testing.T, c Config) {
	keys := row.NewKeys()
	rows, _ := sample.Clicks(keys, 200)
	c.Keys = keys
	p := planWith(t, c, rows)
	// Values that need a closer look, and some that are rescued.
	number, float, text, flag, object := keys.Intern([]byte("received_at")), keys.Intern([]byte("revenue")), keys.Intern([]byte("ip")), keys.Intern([]byte("is_mobile")), keys.Intern([]byte("geo"))
	for i, f := range []row.Field{
		{Key: number, Kind: row.Float, Value: []byte("1.50")},
		{Key: number, Kind: row.String, Flags: row.Escaped, Value: []byte(`"\u0031"`)},
		{Key: number, Kind: row.Int, Value: []byte("12345678901234567890")},
		{Key: float, Kind: row.Float, Value: []byte("0.1234567890123456")},
		{Key: float, Kind: row.Float, Value: []byte("-1.7976931348623157e308")},
		{Key: text, Kind: row.Float, Value: []byte("1.50")},
		{Key: text, Kind: row.String, Flags: row.Hostile, Value: []byte(`"\u0000"`)},
		{Key: flag, Kind: row.String, Value: []byte(`"true"`)},
		{Key: object, Kind: row.Object, Flags: row.WideNumber, Value: []byte(`{"a": [1e400, 1.5e3, 0.12345678901234567890]}`)},
		{Key: row.NoKey, Kind: row.Int, Value: []byte("1"), Name: []byte("unknown key")},
	} {
		if f.Name == nil {
			f.Name = []byte(keys.Name(f.Key))
		}
		for _, r := range []*row.Row{&rows[i], &rows[i+20]} { // replaced in one, twice in the other
			if r == &rows[i] {
				for j := range r.Fields {
					if r.Fields[j].Key == f.Key {
						r.Fields[j] = f
					}
				}
			} else {
				r.Fields = append(r.Fields, f)
			}
		}
	}
	var st Stats
	var seen Observation
	var line []byte
	encode := func() {
		for i := range rows {
			if !p.Covers(&rows[i]) {
				t.Fatal("not covered")
			}
			seen.Add(&rows[i])
			line = AppendRow(line[:0], p, "shardId-000000000012", &rows[i], &st)
		}
	}
	encode()
	if st.RescuedTotal() == 0 || st.NumbersAsText == 0 {
		t.Fatalf("%+v", st)
	}
	if n := testing.AllocsPerRun(20, encode); n != 0 {
		t.Errorf("%v allocations for %d rows", n, len(rows))
	}
}

// TestFullPlanDecidesUnknownKeysWithoutAllocation: keys that are data must not cost more than they have to.
func TestFullPlanDecidesUnknownKeysWithoutAllocation(t *testing.T) {
	keys := row.NewKeys()
	p, err := NewPlan(Config{Keys: keys, Limit: -1}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &row.Row{Fields: []row.Field{{Key: keys.Intern([]byte("younger")), Kind: row.True, Name: []byte("younger"), Value: []byte("true")}}}
	if n := testing.AllocsPerRun(20, func() {
		if !p.Covers(r) {
			t.Fatal("not covered")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendRow(b *testing.B) {
	keys := row.NewKeys()
	rows, bytes := sample.Clicks(keys, 1000)
	p := planFor(b, keys, rows)
	var st Stats
	line := make([]byte, 0, 4096)
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		for i := range rows {
			line = AppendRow(line[:0], p, "shardId-000000000012", &rows[i], &st)
		}
	}
}

func BenchmarkAppendRowByShape(b *testing.B) {
	for name, c := range shapes() {
		b.Run(name, func(b *testing.B) {
			c.Keys = row.NewKeys()
			rows, bytes := sample.Clicks(c.Keys, 1000)
			p := planWith(b, c, rows)
			var st Stats
			line := make([]byte, 0, 4096)
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				for i := range rows {
					line = AppendRow(line[:0], p, "shardId-000000000012", &rows[i], &st)
				}
			}
		})
	}
}

func BenchmarkCoversAndObserve(b *testing.B) {
	keys := row.NewKeys()
	rows, bytes := sample.Clicks(keys, 1000)
	p := planFor(b, keys, rows)
	var seen Observation
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		for i := range rows {
			if !p.Covers(&rows[i]) {
				b.Fatal("not covered")
			}
			seen.Add(&rows[i])
		}
	}
}
