package stack

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Pipeline is what differs between the pipeline files of one stack.
type Pipeline struct {
	Stream        string
	Table         string        // empty: the stream's name in upper case
	Interval      time.Duration // of batches; zero is 1 s
	LeaseDuration time.Duration // zero is 10 s
	PollInterval  time.Duration // zero is 200 ms
	Listen        string        // for probes; empty is none
	LogLevel      string        // empty is warn
	WorkerID      string        // empty: the program makes one
	Name          string        // of the file, without its end; empty: the stream's name
}

// WritePipeline writes the pipeline file <name>.yaml and returns its name. Its application, which names the lease
// table, is <stream>-to-snowflake.
func (s *Stack) WritePipeline(p Pipeline) (file string, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, `source:
  stream: %s
  region: %s
  application: %s-to-snowflake
  start: TRIM_HORIZON
  access_key_id: %s
  secret_access_key: %s
  kinesis_endpoint: %s
  dynamodb_endpoint: %s
  poll_interval: %s
  lease_duration: %s
  worker_id: %q
sink:
  account: %s
  user: %s
  private_key_file: %q
  role: %s
  warehouse: %s
  database: %s
  schema: %s
`, p.Stream, Region, p.Stream, AccessKey, SecretKey, s.KinesisURL, s.DynamoDBURL, cmp.Or(p.PollInterval, 200*time.Millisecond),
		cmp.Or(p.LeaseDuration, 10*time.Second), p.WorkerID, Account, Loader, s.key, Loader, Warehouse, Database, Schema)
	if p.Table != "" {
		fmt.Fprintf(&b, "  table: %q\n", p.Table)
	}
	spool := filepath.Join(s.dir, "spool-"+p.Stream)
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return "", fmt.Errorf("make the spool folder: %w", err)
	}
	fmt.Fprintf(&b, `  url: %s
  spool_dir: %q
  batch:
    interval: %s
failed_messages:
  payload: cut
telemetry:
  listen: %q
  log:
    format: text
    level: %s
`, s.SnowflakeURL, spool, cmp.Or(p.Interval, time.Second), cmp.Or(p.Listen, "off"), cmp.Or(p.LogLevel, "warn"))
	file = filepath.Join(s.dir, cmp.Or(p.Name, p.Stream)+".yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return "", fmt.Errorf("write pipeline file: %w", err)
	}
	return file, nil
}
