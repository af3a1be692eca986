package config

import (
	"os"
	"reflect"
	"testing"
	"time"

	"kinesis-snowflake/sink/table"
	"kinesis-snowflake/transform/step"
)

func TestMinimalFileGetsTheDefaults(t *testing.T) {
	got := mustParse(t, minimal, vars())
	want := Default()
	want.File = "p.yaml"
	want.Source.Stream, want.Source.Region, want.Source.Application = "orders", "eu-central-1", "orders-to-snowflake"
	want.Sink.Account, want.Sink.User, want.Sink.Password = "myorg-myaccount", "LOADER", NewSecret("hunter2")
	want.Sink.Warehouse, want.Sink.Database, want.Sink.Schema, want.Sink.Table = "LOAD_XS", "RAW", "KINESIS", "ORDERS"
	got.places = nil
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestEveryKeyReachesItsField(t *testing.T) {
	dir := folder(t, map[string]string{"key.p8": somePrivateKey(t) + "\n", "id": "AKIA\n", "secret": "shh\r\n", "phrase": "phrase\n"})
	file := `source:
  stream: arn:aws-cn:kinesis:cn-north-1:123456789012:stream/Orders.v2
  application: app
  start: 2026-01-31T01:00:00+01:00
  consumer: fan-out
  consumer_name: reader
  hash_range_filter: kcl
  access_key_id_file: id
  secret_access_key_file: ` + dir + `/secret
  session_token: "tok#en"
  kinesis_endpoint: http://127.0.0.1:4567
  dynamodb_endpoint: https://dynamo.example/
  poll_interval: 200ms
  lease_duration: 30s
  worker_id: worker-1
transform:
  decode: {compression: gzip, framing: lines, envelope: cloudwatch-logs, max_decoded: 1MiB}
  json_schema: id
  schema_mode: warn
  steps:
    - drop: a
  columns: {a: DATE}
  evolution: freeze
  table_mode: columns
  max_columns: 7
  detect_timestamps: true
sink:
  account: xy12345.eu-central-1
  user: u
  private_key_file: key.p8
  private_key_passphrase_file: phrase
  role: r
  warehouse: w
  database: "my db"
  schema: s
  table: t
  key: [a]
  url: https://sf.example:8443
  batch: {interval: 12h30m, max_bytes: 1GB, max_rows: 7}
  spool_dir: /spool
memory: 1GiB
shutdown_timeout: 1m30s
failed_messages: {payload: none, max_bytes: 1}
telemetry:
  listen: off
  log: {format: snowflake, level: debug}
`
	got, err := Parse(dir+"/p.yaml", []byte(file), vars())
	if err != nil {
		t.Fatal(err)
	}
	want := Pipeline{
		File: dir + "/p.yaml",
		Source: Source{
			Stream: "Orders.v2", StreamARN: "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/Orders.v2", Region: "cn-north-1",
			Application: "app", Start: Start{AtTimestamp, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}, Consumer: FanOut, ConsumerName: "reader", HashRangeFilter: FilterKCL,
			AccessKeyID: NewSecret("AKIA"), SecretAccessKey: NewSecret("shh"), SessionToken: NewSecret("tok#en"),
			KinesisEndpoint: "http://127.0.0.1:4567", DynamoDBEndpoint: "https://dynamo.example/",
			PollInterval: 200 * time.Millisecond, LeaseDuration: 30 * time.Second, WorkerID: "worker-1",
		},
		Transform: Transform{
			Decode: Decode{CompressionGzip, FramingLines, EnvelopeCloudWatchLogs, 1 << 20}, JSONSchema: dir + "/id", SchemaMode: SchemaWarn,
			Steps:   []step.Config{{Name: "drop", At: step.Text{Value: "drop", Line: 21, Column: 7}, Paths: []step.Text{{Value: "a", Line: 21, Column: 13}}}},
			Columns: []table.Spec{{Key: "a", Type: table.ParseType("DATE")}}, Evolution: EvolutionFreeze, TableMode: TableColumns, MaxColumns: 7, DetectTimestamps: true,
		},
		Sink: Sink{
			Account: "xy12345.eu-central-1", User: "u", PrivateKey: NewSecret(somePrivateKey(t)), PrivateKeyPassphrase: NewSecret("phrase"),
			Role: "r", Warehouse: "w", Database: "my db", Schema: "s", Table: "t", Key: []string{"a"}, URL: "https://sf.example:8443",
			Batch: Batch{Interval: 750 * time.Minute, MaxBytes: 1e9, MaxRows: 7}, SpoolDir: "/spool",
		},
		Memory: 1 << 30, ShutdownTimeout: 90 * time.Second,
		FailedMessages: FailedMessages{PayloadNone, 1},
		Telemetry:      Telemetry{Log: Log{LogSnowflake, LevelDebug}},
	}
	got.places = nil
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if got.Sink.PrivateKey != want.Sink.PrivateKey || got.Source.SecretAccessKey.Reveal() != "shh" {
		t.Error("a secret is not the text of its file without the newline at its end")
	}
}

func TestValuesAreReadAsTheyAreWritten(t *testing.T) {
	for written, want := range map[string]string{
		`007`: "007", `0x10`: "0x10", `true`: "true", `1_000`: "1_000", `"null"`: "null", `'a: b'`: "a: b", `1.50`: "1.50",
	} {
		if got := mustParse(t, with(t, "hunter2", written), vars()).Sink.Password.Reveal(); got != want {
			t.Errorf("%s is read as %q", written, got)
		}
	}
}

func TestEmptyIsLeftOut(t *testing.T) {
	for _, empty := range []string{"", "~", "null", `""`, "${EMPTY}"} {
		p := mustParse(t, minimal+"  table: "+empty+"\n  batch:\n    interval: "+empty+"\n", vars("EMPTY", ""))
		if p.Sink.Table != "ORDERS" || p.Sink.Batch.Interval != time.Minute {
			t.Errorf("with %q the table is %q and the interval %s", empty, p.Sink.Table, p.Sink.Batch.Interval)
		}
	}
}

func TestEnvironmentIsExpandedAfterParsing(t *testing.T) {
	file := with(t,
		"password: hunter2", "password: 'a$${b}${PW}$$'",
		"eu-central-1", "${AWS_REGION}") + "  batch: {max_rows: \"${ROWS}\", interval: \"${N}s\"}\n"
	p := mustParse(t, file, vars("PW", "x: {y # ${ROWS}", "ROWS", "12", "N", "90", "AWS_REGION", "us-east-1"))
	if got, want := p.Sink.Password.Reveal(), "a${b}x: {y # ${ROWS}$$"; got != want {
		t.Errorf("password is %q, want %q", got, want)
	}
	if p.Sink.Batch.MaxRows != 12 || p.Sink.Batch.Interval != 90*time.Second || p.Source.Region != "us-east-1" {
		t.Errorf("got %+v in %s", p.Sink.Batch, p.Source.Region)
	}
}

func TestExampleLoads(t *testing.T) {
	data, err := os.ReadFile("../examples/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("../examples/pipeline.yaml", data, vars("AWS_REGION", "eu-central-1", "SNOWFLAKE_PRIVATE_KEY", somePrivateKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.File = p.File
	want.Source.Stream, want.Source.Region, want.Source.Application = "orders", "eu-central-1", "orders-to-snowflake"
	want.Sink.Account, want.Sink.User, want.Sink.Role, want.Sink.PrivateKey = "myorg-myaccount", "KINESIS_LOADER", "KINESIS_LOADER", NewSecret(somePrivateKey(t))
	want.Sink.Warehouse, want.Sink.Database, want.Sink.Schema, want.Sink.Table = "LOAD_XS", "RAW", "KINESIS", "ORDERS"
	p.places = nil
	if !reflect.DeepEqual(*p, want) {
		t.Errorf("the example says other than the defaults:\ngot  %+v\nwant %+v", *p, want)
	}
}
