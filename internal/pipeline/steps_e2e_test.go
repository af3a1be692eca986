package pipeline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

// shaped is a file's transform.
func shaped(t *testing.T, transform string) config.Transform {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "schema.json"), []byte(`{"type":"object","required":["id"],"properties":{"id":{"type":"integer","description":"the order"},"bad":false}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := "source: {stream: s, region: r, application: app}\nsink: {account: a, user: u, password: p, warehouse: w, database: d, schema: s}\n" + transform
	p, err := config.Parse(filepath.Join(dir, "p.yaml"), []byte(file), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return p.Transform
}

// table reads a table, each value as its text, and its columns' names and types.
func (s *stack) table(columns ...string) (rows []string, types map[string]string) {
	s.t.Helper()
	quoted := `"` + strings.Join(columns, `", "`) + `"`
	res, err := s.snowflake.Exec(s.t.Context(), `SELECT `+quoted+` FROM "RAW"."KINESIS"."ORDERS"`)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range res.Rows {
		var texts []string
		for _, v := range r {
			switch v.Kind {
			case snowflake.KindNull:
				texts = append(texts, "NULL")
			case snowflake.KindTimestampNTZ:
				texts = append(texts, v.Time().Format("2006-01-02T15:04:05.000"))
			default:
				texts = append(texts, v.Text)
			}
		}
		rows = append(rows, strings.Join(texts, " "))
	}
	slices.Sort(rows)
	types = map[string]string{}
	for _, c := range res.Columns {
		types[c.Name] = c.Type.String()
	}
	return rows, types
}

// Every step there is, behind gzip, lines and a schema, up to the table: what fails fails alone, and each row bears its number.
func TestEveryStepReachesTheTable(t *testing.T) {
	transform := shaped(t, `
transform:
  decode: {framing: lines}
  json_schema: schema.json
  steps:
    - filter: kind != "test"
    - parse_json: payload
    - rename: {payload.at: at, payload.lines: line}
    - drop: payload.noise
    - flatten: payload
    - default: {payload_country: CH}
    - unnest: {path: line, index: n, empty: none}
    - set: {total: line.price * line.quantity}
    - cast:
        total: NUMBER(22,3)
        at: {type: TIMESTAMP_NTZ, from: epoch_ms}
    - hash: {paths: mail, secret: 0123456789abcdef}
    - keep: [id, mail, at, n, total, payload_country, line.sku]
`)
	good := `{"id":1,"kind":"sale","mail":"a@b.c","payload":"{\"at\":1782907200123,\"noise\":1,\"lines\":[{\"sku\":\"x\",\"price\":0.1,\"quantity\":3},{\"sku\":\"y\",\"price\":1,\"quantity\":\"z\"},{\"sku\":\"w\",\"price\":9007199254740993,\"quantity\":1}]}"}`
	docs := []string{good, `{"id":2,"kind":"test"}`, `{"id":"three","kind":"sale"}`, `{"id":4,"kind":"sale","payload":"{"}`, `{`, `{"id":6,"kind":"sale","payload":"{\"country\":\"DE\",\"lines\":[{\"sku\":\"v\",\"price\":1,\"quantity\":1}]}"}`,
		`{"id":7,"kind":"sale","payload":"{\"lines\":[]}"}`}
	inStack(t, 1, func(t *testing.T, s *stack) {
		if err := s.kinesis.PutMany(stream, []kinesis.Entry{{PartitionKey: "k", Data: []byte(strings.Join(docs, "\n"))}}); err != nil {
			t.Fatal(err)
		}
		cfg := s.config("worker")
		cfg.Transform = transform
		run := s.start(cfg, true)
		run.end(t)
		rows, types := s.table("ID", "MAIL", "AT", "N", "TOTAL", "PAYLOAD_COUNTRY", "LINE")
		hash := hmac.New(sha256.New, []byte("0123456789abcdef"))
		hash.Write([]byte("a@b.c"))
		mac := hex.EncodeToString(hash.Sum(nil))
		want := []string{
			`1 ` + mac + ` 2026-07-01T12:00:00.123 0 0.300 CH {"sku":"x"}`,
			`1 ` + mac + ` 2026-07-01T12:00:00.123 2 9007199254740993.000 CH {"sku":"w"}`,
			`6 NULL NULL 0 1.000 DE {"sku":"v"}`,
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		wantTypes := map[string]string{"ID": "NUMBER(38,0)", "MAIL": "VARCHAR(16777216)", "AT": "TIMESTAMP_NTZ(9)", "N": "NUMBER(38,0)", "TOTAL": "NUMBER(22,3)",
			"PAYLOAD_COUNTRY": "VARCHAR(16777216)", "LINE": "VARIANT"}
		if diff := cmp.Diff(wantTypes, types); diff != "" {
			t.Errorf("types (-want +got):\n%s", diff)
		}
		var failed []string
		for line := range strings.Lines(run.log.String()) {
			var l struct {
				Msg, Stage, Reason string
				Row                int
			}
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "message failed" {
				failed = append(failed, l.Stage+" "+l.Reason)
			}
		}
		for i, want := range []string{"transform step 8, set: total has a text where * needs a number", "validate ", "transform step 2, parse_json: payload holds no JSON", "decode "} {
			if i >= len(failed) || !strings.HasPrefix(failed[i], want) {
				t.Fatalf("failed %q, want %q in place %d", failed, want, i)
			}
		}
		if len(failed) != 4 {
			t.Errorf("failed %q", failed)
		}
	})
}

// A table of pipelines without a transform is what it was, and its rows have no number.
func TestNoTransformNumbersNoRow(t *testing.T) {
	inStack(t, 1, func(t *testing.T, s *stack) {
		s.put(3)
		s.catchUp()
		for _, r := range s.rows() {
			if _, numbered := r.metadata["row"]; numbered {
				t.Errorf("a row is numbered: %v", r.metadata)
			}
		}
	})
}
