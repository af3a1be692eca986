package step_test

import (
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/internal/sample"
	"kinesis-snowflake/transform/step"
)

// ten are steps over a click, as a user would write them.
func ten() []step.Config {
	cast := step.Pair{Path: t("received_at"), To: t("TIMESTAMP_NTZ"), From: t("epoch_ms")}
	return []step.Config{
		{Name: "filter", Expression: t(`event_type != "heartbeat"`)},
		{Name: "drop", Paths: texts("user_agent", "geo.lat")},
		{Name: "rename", Pairs: pairs("event_ts", "occurred_at")},
		{Name: "flatten", Paths: texts("geo")},
		{Name: "default", Pairs: pairs("referrer", `"none"`)},
		{Name: "cast", Pairs: []step.Pair{cast, {Path: t("revenue"), To: t("NUMBER(12,2)")}}},
		{Name: "set", Pairs: pairs("slow", "load_ms > 1000")},
		{Name: "set", Pairs: pairs("net", "round(revenue * 0.81, 2)")},
		{Name: "hash", Paths: texts("ip")},
		{Name: "drop", Paths: texts("session_id")},
	}
}

func BenchmarkClick(b *testing.B) {
	recs := sample.Records("click", 1000)
	run := func(name string, steps []step.Config) {
		b.Run(name, func(b *testing.B) {
			o := transform.Options{Keys: row.NewKeys()}
			if p := compile(b, steps...); p != nil {
				o.Steps = p.Runner()
			}
			tr := transform.New(o)
			emit := func(*row.Row) error { return nil }
			fail := func(_ uint32, f *row.Failure) { b.Fatal(f.Reason) }
			rec := row.Record{}
			b.SetBytes(int64(len(recs[0])))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				rec.Data = recs[i]
				if err := tr.Apply(&rec, emit, fail); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(recs) {
					i = 0
				}
			}
		})
	}
	run("none", nil)
	run("ten", ten())
	for _, s := range ten() {
		name := s.Name
		if s.Name == "set" {
			name += " " + s.Pairs[0].Path.Value
		}
		run(name, []step.Config{s})
	}
}
