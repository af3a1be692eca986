package config

import (
	"slices"
	"strings"
	"testing"
)

// rich are files that between them have every key, one a line.
func rich() []string {
	files := []string{
		strings.Replace(minimal, "source:\n", `source:
  start: LATEST
  consumer: polling
  consumer_name: c
  hash_range_filter: none
  access_key_id: a
  secret_access_key: b
  session_token: c
  role_arn: arn:aws:iam::123456789012:role/r
  external_id: ee
  kinesis_endpoint: http://localhost:1
  dynamodb_endpoint: http://localhost:1
  poll_interval: 1s
  lease_duration: 10s
  worker_id: w
`, 1),
		minimal + `  private_key_passphrase:
  private_key:
  workload_identity:
  workload_identity_impersonation_path:
  workload_identity_entra_resource:
  spcs:
  pat:
  role: r
  table: T
  key: [a]
  url: http://localhost:1
  spool_dir: /tmp
  batch:
    interval: 1s
    max_bytes: 1MiB
    max_rows: 10
memory: 64MiB
shutdown_timeout: 1s
failed_messages:
  payload: cut
  max_bytes: 1KiB
telemetry:
  listen: off
  log:
    format: json
    level: info
`,
		minimal + `transform:
  schema_mode: warn
  evolution: add
  table_mode: columns
  max_columns: 10
  detect_timestamps: true
  decode:
    compression: auto
    framing: auto
    envelope: none
    max_decoded: 1MiB
  columns:
    amount: NUMBER(10,2)
    id:
      type: VARCHAR(3)
      name: Id
      not_null: true
      comment: c
      order: 1
`,
	}
	for _, s := range []string{
		"filter: a > 1\n      on_error: keep", "keep: a", "drop: b", "rename:\n        a: b", "flatten: a", "flatten:\n        paths: a\n        separator: _\n        depth: 1",
		"unnest: a", "unnest:\n        path: a\n        as: b\n        index: c\n        empty: none", "cast:\n        a: DATE\n        b:\n          type: DATE\n          from: epoch_s",
		"set:\n        a: b", "default:\n        a: 1", "parse_json: a", "hash: a", "hash:\n        paths: a\n        secret: 0123456789abcdef",
	} {
		files = append(files, minimal+"transform:\n  steps:\n    - "+s+"\n")
	}
	return files
}

// Whatever stands in place of any one value: an editor takes every file that the program takes, so a red line in an editor is
// always right.
func TestSchemaTakesWhateverIsTaken(t *testing.T) {
	values := []string{
		"", "~", "''", "0", "1", "-1", "1.5", "1e3", "0x10", "1_000", "007", "true", "'true'", "TRUE", "a", "'a b'", "LATEST", "2026-01-31T00:00:00Z", "1s", "1.5h", "2d",
		"1MiB", "64 MiB", "67108864", "NUMBER", "'NUMBER(3,1)'", "number ( 3 )", "double precision", "keep", "none", "off", "json", "${V}", "x${V}", "$${x", "[]", "[a, 1]", "[[a]]",
		"[~, '']", "['${V}']", "{}", "{a: b}", "{a: 1}", "{a: null}", "{type: DATE}", "{path: a}", "{paths: [a]}", "|\n      text", "'0123456789abcdef'", "😀",
	}
	same := map[string]bool{} // lines of the minimal file are tried in one file
	for _, file := range rich() {
		if _, err := Parse("p.yaml", []byte(file), vars()); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
		for i, line := range lines {
			if same[line] {
				continue
			}
			same[line] = strings.Contains(minimal, line+"\n")
			end := i + 1 // what stands deeper goes with its key
			for end < len(lines) && indent(lines[end]) > indent(line) {
				end++
			}
			key, _, _ := strings.Cut(line, ":")
			taken := 0
			for _, v := range values {
				one := strings.Join(slices.Concat(lines[:i], []string{key + ": " + v}, lines[end:]), "\n") + "\n"
				if _, err := Parse("p.yaml", []byte(one), vars("V", "1")); err != nil {
					continue
				}
				taken++
				if err := bySchema(t, one); err != nil {
					t.Errorf("%s: %s: the program takes it, the schema says %#v", key, v, err)
				}
			}
			if taken == 0 && !strings.HasSuffix(line, ":") && !slices.Contains(unlike, strings.TrimSpace(key)) {
				t.Errorf("%s: no value was taken", key)
			}
		}
	}
}

// unlike are the keys whose values are like no other's.
var unlike = []string{"role_arn", "type", "region", "from"}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }
