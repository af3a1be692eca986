package transform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform"
	"kinesis-snowflake/transform/decode"
	"kinesis-snowflake/transform/internal/sample"
	"kinesis-snowflake/transform/jsonscan"
	"kinesis-snowflake/transform/step"
	"kinesis-snowflake/transform/validate"
)

// fuzzSchema asks for a little of everything that a validator does.
const fuzzSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "$defs": {"n": {"type": "number", "multipleOf": 0.01, "minimum": -1e9}},
	"properties": {"id": {"type": ["integer", "string"], "maxLength": 20}, "amount": {"$ref": "#/$defs/n"}, "at": {"type": "string", "format": "date-time"},
		"tags": {"type": "array", "uniqueItems": true, "maxItems": 50}, "user": {"type": "object", "additionalProperties": {"type": ["string", "number", "object", "array"]}},
		"mail": {"type": "string", "pattern": "^[^@]+@.+$"}},
	"patternProperties": {"^x": {"enum": [1, "a", null, {"b": [1.0]}]}}, "maxProperties": 40}`

// fuzzSteps are steps of every kind, each with a chance to find something.
func fuzzSteps() []step.Config {
	text := func(s string) step.Text { return step.Text{Value: s} }
	pair := func(path, to string) step.Pair { return step.Pair{Path: text(path), To: text(to)} }
	return []step.Config{
		{Name: step.NameParseJSON, Paths: []step.Text{text("body")}, OnError: step.Keep},
		{Name: step.NameFilter, Expression: text(`(kind ?? "") != "heartbeat"`), OnError: step.Keep},
		{Name: step.NameUnnest, Paths: []step.Text{text("items")}, As: text("item"), Index: text("n")},
		{Name: step.NameRename, Pairs: []step.Pair{pair("user.name", "name")}},
		{Name: step.NameFlatten, Paths: []step.Text{text("user")}},
		{Name: step.NameCast, Pairs: []step.Pair{pair("id", "VARCHAR(10)"), pair("amount", "NUMBER(12,2)"), pair("at", "TIMESTAMP_TZ"), {Path: text("ms"), To: text("DATE"), From: text("epoch_ms")}}, OnError: step.Null},
		{Name: step.NameSet, Pairs: []step.Pair{pair("size", `len(string(tags ?? ""))`), pair("double", `(amount ?? 0) * 2`)}, OnError: step.Keep},
		{Name: step.NameDefault, Pairs: []step.Pair{pair("kind", `"none"`)}},
		{Name: step.NameHash, Paths: []step.Text{text("mail")}, OnError: step.Null},
		{Name: step.NameDrop, Paths: []step.Text{text("debug"), text("tags[0]")}},
	}
}

// fuzzed makes Transformers with everything on. The Transformers share what pipelines share.
func fuzzed(t testing.TB) func(compression decode.Compression, framing decode.Framing, envelope decode.Envelope, keys *row.Keys) *transform.Transformer {
	t.Helper()
	schema, err := validate.Compile([]byte(fuzzSchema), validate.Options{Mode: validate.Reject})
	if err != nil {
		t.Fatal(err)
	}
	program, err := step.Compile(fuzzSteps())
	if err != nil {
		t.Fatal(err)
	}
	return func(compression decode.Compression, framing decode.Framing, envelope decode.Envelope, keys *row.Keys) *transform.Transformer {
		d, err := decode.New(decode.Options{Compression: compression, Framing: framing, Envelope: envelope, MaxDecoded: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return transform.New(transform.Options{Keys: keys, Decoder: d, Validator: schema.Validator(), Steps: program.Runner()})
	}
}

// told is what a Transformer made of a record.
func told(t *testing.T, tr *transform.Transformer, keys *row.Keys, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	var rows []row.Row
	seen := map[uint32]bool{}
	once := func(index uint32) {
		if seen[index] {
			t.Fatalf("two parts of the record have the number %d", index)
		}
		seen[index] = true
	}
	var st table.Stats
	var o table.Observation
	err := tr.Apply(&row.Record{Sequence: []byte("1"), PartitionKey: []byte("p"), Data: data}, func(r *row.Row) error {
		once(r.Index)
		fmt.Fprintf(&b, "row %d\n", r.Index)
		for _, f := range r.Fields {
			if !json.Valid(f.Value) || jsonscan.KindOf(f.Value) != f.Kind {
				t.Fatalf("key %q has the value %q of kind %d", f.Name, f.Value, f.Kind)
			}
			if f.Key != row.NoKey && keys.Name(f.Key) != string(f.Name) {
				t.Fatalf("key %q has the Key of %q", f.Name, keys.Name(f.Key))
			}
			fmt.Fprintf(&b, "%q %d %d %s\n", f.Name, f.Kind, f.Flags, f.Value)
		}
		o.Add(r)
		rows = append(rows, copied(r))
		return nil
	}, func(index uint32, f *row.Failure) {
		once(index)
		if f.Reason == "" || len(f.Reason) > 4096 {
			t.Fatalf("reason of %d bytes: %.300q", len(f.Reason), f.Reason)
		}
		fmt.Fprintf(&b, "failed %d %s %s\n", index, f.Stage, f.Reason)
	})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := table.NewPlan(table.Config{Keys: keys}, nil, &o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan, err = table.NewPlan(table.Config{Keys: keys}, plan.Extend(&o).Add, &o, nil); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if line := table.AppendRow(nil, plan, "shardId-0", &rows[i], &st); !json.Valid(line) {
			t.Fatalf("the line of a row is no JSON: %.300q", line)
		}
	}
	return b.String()
}

func copied(r *row.Row) row.Row {
	c := *r
	c.Fields = nil
	for _, f := range r.Fields {
		f.Name, f.Value = bytes.Clone(f.Name), bytes.Clone(f.Value)
		c.Fields = append(c.Fields, f)
	}
	return c
}

// FuzzTransform: whatever a record's bytes, with decoding, schema and steps on: nothing panics, each part of the record is
// numbered once, rows are sound and can be encoded, and a second look by a Transformer that has seen other records tells the same.
func FuzzTransform(f *testing.F) {
	make := fuzzed(f)
	for _, s := range []string{
		`{"id":1,"amount":12.50,"at":"2026-04-13T10:00:00Z","user":{"name":"Ann","o":{"p":[1]}},"items":[{"a":1},2,null],"tags":["a"],"mail":"a@b.c","ms":1517966773840}`,
		"{\"id\":1}\n{\"id\":\n[]\n", `[{"id":1},2,{"items":[]}]`, `{"body":"{\"a\":[1]}","kind":"heartbeat"}`, `{"xa":{"b":[1]}}`, `{"amount":1e999999999}`, `{"user":{"name":null},"name":1}`,
		"\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "\xef\xbb\xbf{}", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"{}"}]}`, `{"":1,"":2,"\ud800":"\u0000"}`,
	} {
		f.Add([]byte(s), uint8(len(s)))
	}
	for _, shape := range sample.Shapes() {
		f.Add(sample.Records(shape, 1)[0], uint8(0))
	}
	compressions := []decode.Compression{decode.None, decode.Auto}
	framings := []decode.Framing{decode.Single, decode.Lines, decode.Array, decode.AnyFrames}
	envelopes := []decode.Envelope{decode.NoEnvelope, decode.CloudWatchLogs}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		c, fr, e := compressions[how%2], framings[how/2%4], envelopes[how/8%2]
		keys := row.NewKeys()
		given := bytes.Clone(data)
		tr := make(c, fr, e, keys)
		first := told(t, tr, keys, data)
		if !bytes.Equal(given, data) {
			t.Fatal("the record's bytes were changed")
		}
		told(t, tr, keys, []byte(`{"id":"other","items":[{"id":7},{"id":8}],"amount":3}`))
		if second := told(t, tr, keys, data); second != first {
			t.Fatalf("another look tells\n%s\nthe first\n%s", second, first)
		}
	})
}
