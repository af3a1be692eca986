package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/dynamodb"
	streams "kinesis-snowflake/internal/standin/kinesis"
	service "kinesis-snowflake/internal/standin/snowflake"
)

// nastyPlans are transforms that move values about and must lose none: pins that most values do not fit, steps that lift,
// rename, turn and add, and whole records.
var nastyPlans = map[string]string{
	"plain": "",
	"pins": `
  columns:
    id: {type: "NUMBER(38,0)", name: The Id}
    a: "NUMBER(10,2)"
    b: FLOAT
    c: BOOLEAN
    d: VARCHAR(5)
    e: OBJECT
    t: VARCHAR(3)
    u: ARRAY
    v: BINARY(4)
    properties: VARCHAR
    action: VARIANT
    workflow: {type: FLOAT, name: workflow}
`,
	"frozen pins": `
  evolution: freeze
  columns: {id: "NUMBER(4,0)", a: "NUMBER(38,10)", d: VARCHAR, event: VARCHAR(12), type: VARCHAR}
`,
	"steps": `
  steps:
    - flatten: {separator: "."}
    - rename: {id: "the id", a: A2}
    - cast: {b: VARCHAR}
      on_error: keep
    - default: {added: [1, {x: "y"}]}
    - set: {twice: string(len(string("the id" ?? "")))}
  columns: {"the id": VARCHAR, A2: FLOAT}
`,
	"few columns":   "  max_columns: 2\n",
	"whole records": "  table_mode: variant\n",
}

// TestEveryScalarIsInTheTable: whatever a pipeline's transform, each number, text, true and false of each record of each set is
// in the row of that record, as it was.
func TestEveryScalarIsInTheTable(t *testing.T) {
	for _, set := range nastySets {
		records := set.records(t)
		for name, text := range nastyPlans {
			t.Run(set.name+"/"+name, func(t *testing.T) {
				rows := runNasty(t, records, text)
				for i, rec := range records {
					if lost := lostScalars(t, rec, rows[i]); len(lost) > 0 {
						t.Errorf("record %d: lost %v\n%.1500s\nrow %v\n_RESCUED %.1500s", i, lost, rec, rows[i].values, rows[i].rescued.Text)
					}
				}
			})
		}
	}
}

// runNasty loads the records by a pipeline with a transform, half of them before the other half has come, and returns the row
// of each.
func runNasty(t *testing.T, records []string, transform string) (rows []typesRow) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		account := newTypesAccount(t)
		file := "source: {stream: records, region: us-east-1, application: app, access_key_id: k, secret_access_key: s}\n" +
			"sink: {account: testaccount, user: loader, password: secret, warehouse: WH, database: RAW, schema: KINESIS, url: 'http://snowflake.test', spool_dir: '" + account.spool + "'}\n"
		if transform != "" {
			file += "transform:\n" + transform
		}
		cfg, err := config.Parse("nasty.yaml", []byte(file), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		kds, leases := streams.New(streams.Options{}), dynamodb.New(dynamodb.Options{})
		client := kinesis.New(kinesis.Options{Region: typesRegion, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""), HTTPClient: typesHTTP{kds.RoundTripper()}})
		if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(typesStream), ShardCount: aws.Int32(1), MaxRecordSizeInKiB: aws.Int32(10 << 10)}); err != nil {
			t.Fatal(err)
		}
		var sequences []string
		for _, part := range [][]string{records[:len(records)/2], records[len(records)/2:]} {
			for _, rec := range part {
				_, sequence, err := kds.Put(typesStream, "p", []byte(rec))
				if err != nil {
					t.Fatal(err)
				}
				sequences = append(sequences, sequence)
			}
			logs := newTypesLog()
			err := pipeline.Run(t.Context(), cfg, pipeline.RunOptions{UntilCaughtUp: true, Logger: slog.New(logs),
				KinesisTransport: kds.RoundTripper(), DynamoDBTransport: leases.RoundTripper(), SnowflakeTransport: account.RoundTripper()})
			if err != nil {
				t.Fatal(err)
			}
			if failed := logs.with("message failed"); len(failed) > 0 {
				t.Fatalf("%d messages failed, the first: %v", len(failed), failed[0])
			}
		}
		got := readTypesTable(t, account.Server, strings.ToUpper(typesStream))
		if len(got.rows) != len(records) {
			t.Fatalf("%d rows for %d records", len(got.rows), len(records))
		}
		for _, s := range sequences {
			rows = append(rows, got.rows[s])
		}
	})
	return rows
}

// scalar is a number, a text, true or false. The JSON text of a text that no Snowflake text can hold is its raw.
type scalar struct {
	kind rune // n, s or b
	text string
	raw  string
}

func (s scalar) String() string { return s.raw }

// lostScalars are those of a record that its row has not. What the row has it can give once.
func lostScalars(t *testing.T, record string, r typesRow) []scalar {
	t.Helper()
	var have []scalar
	for _, v := range r.values {
		have = append(have, scalarsOf(t, v)...)
	}
	if !r.rescued.IsNull() {
		have = append(have, scalarsOf(t, r.rescued)...)
	}
	index := map[string]int{}
	for _, s := range have {
		index[s.key()]++
	}
	// A text that stands for a number and a number that stands for a text are taken only when their like is gone.
	var rest, lost []scalar
	for _, s := range scalarsIn(t, record) {
		if key := s.key(); index[key] > 0 {
			index[key]--
		} else {
			rest = append(rest, s)
		}
	}
	for _, s := range rest {
		if !slices.ContainsFunc(s.accepts(), func(key string) bool {
			index[key]--
			return index[key] >= 0
		}) {
			lost = append(lost, s)
		}
	}
	return lost
}

// key is the same for equal values.
func (s scalar) key() string {
	if s.kind == 'n' {
		return "n" + canonical(s.text)
	}
	return string(s.kind) + s.text
}

// accepts are the keys of what else a value may have become: a number or a boolean its JSON text, a text the value of its column's
// type that it is the canonical text of, and what no text can hold its JSON text.
func (s scalar) accepts() []string {
	switch s.kind {
	case 's':
		if plainDecimal.MatchString(s.text) {
			return []string{"n" + canonical(s.text), "s" + s.raw}
		}
		return []string{"b" + s.text, "s" + s.raw}
	default:
		return []string{"s" + s.raw}
	}
}

// plainDecimal is a text that a column of numbers takes for its number.
var plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// canonical is the same for equal numbers.
func canonical(text string) string {
	if r := exactly(text); r != nil {
		return r.RatString()
	}
	return text
}

// scalarsIn returns the values of a JSON text.
func scalarsIn(t *testing.T, text string) (all []scalar) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	type level struct {
		object bool
		key    bool
	}
	var open []level
	for {
		start := d.InputOffset()
		token, err := d.Token()
		if token == nil && err != nil {
			return all
		}
		top := len(open) - 1
		isKey := top >= 0 && open[top].object && open[top].key
		raw := strings.TrimLeft(text[start:d.InputOffset()], " \t\r\n,:")
		switch v := token.(type) {
		case json.Delim:
			switch v {
			case '{', '[':
				if top >= 0 {
					open[top].key = true
				}
				open = append(open, level{v == '{', true})
			default:
				open = open[:top]
			}
			continue
		case json.Number:
			all = append(all, scalar{'n', v.String(), raw})
		case bool:
			all = append(all, scalar{'b', raw, raw})
		case string:
			if !isKey {
				s := scalar{'s', v, raw}
				if typesHostile(raw) {
					s.text = raw
				}
				all = append(all, s)
			}
		}
		if top >= 0 {
			open[top].key = !isKey
		}
	}
}

// scalarsOf returns the values in a column.
func scalarsOf(t *testing.T, v service.Value) []scalar {
	t.Helper()
	switch v.Kind {
	case service.KindNumber:
		return []scalar{{'n', v.Text, v.Text}}
	case service.KindFloat:
		text := typesEncode(v.Float())
		return []scalar{{'n', text, text}}
	case service.KindBoolean:
		text := fmt.Sprint(v.Bool())
		return []scalar{{'b', text, text}}
	case service.KindVarchar:
		return inText(t, scalar{'s', v.Text, v.Text})
	case service.KindVariant, service.KindObject, service.KindArray:
		var all []scalar
		for _, s := range scalarsIn(t, v.Text) {
			all = append(all, inText(t, s)...)
		}
		return all
	default:
		t.Fatalf("a value of kind %s", v.Kind)
		return nil
	}
}

// inText is a value of the table and, where that is the JSON text of an object, of a list or of what no text can hold, what that
// says.
func inText(t *testing.T, s scalar) []scalar {
	t.Helper()
	if s.kind != 's' || s.text == "" || !strings.ContainsRune("{[\"", rune(s.text[0])) || !json.Valid([]byte(s.text)) {
		return []scalar{s}
	}
	return append(scalarsIn(t, s.text), s)
}
