package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

// bubble is the three services where waiting costs nothing, with one stream and one pipeline file.
type bubble struct {
	t         *testing.T
	kinesis   *kinesis.Server
	dynamodb  *dynamodb.Server
	snowflake *snowflake.Server
	file      string
	sent      int
	cable     *cable // of the command to the services; nil is a good one
}

const (
	ordersStream = "orders"
	ordersApp    = "orders-to-snowflake"
)

func inBubble(t *testing.T, shards int, f func(t *testing.T, b *bubble)) {
	t.Helper()
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, kinesis: kinesis.New(kinesis.Options{}), dynamodb: dynamodb.New(dynamodb.Options{}), snowflake: snowflake.New(snowflake.Options{}),
			file: filepath.Join(dir, "pipeline.yaml")}
		defer b.snowflake.Close()
		b.snowflake.AddUser("LOADER", "hunter2", nil)
		b.snowflake.CreateSchema("RAW", "KINESIS")
		if err := b.kinesis.CreateStream(ordersStream, shards); err != nil {
			t.Fatal(err)
		}
		b.configure("TRIM_HORIZON")
		f(t, b)
		<-time.After(10 * time.Minute) // what the clients still had under way ends
	})
}

// configure writes the pipeline file.
func (b *bubble) configure(start string) {
	b.t.Helper()
	text := fmt.Sprintf(`
source: {stream: orders, region: us-east-1, application: orders-to-snowflake, access_key_id: AKID, secret_access_key: hunter2, start: "%s"}
sink: {account: testaccount, user: loader, password: hunter2, warehouse: WH, database: RAW, schema: KINESIS, url: "http://snowflake.test", spool_dir: "%s", batch: {interval: 2s}}
telemetry: {listen: off}
`, start, filepath.Dir(b.file))
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bubble) put(n int) {
	b.t.Helper()
	for range n {
		if _, _, err := b.kinesis.Put(ordersStream, fmt.Sprint("key-", b.sent), fmt.Appendf(nil, `{"n": %d}`, b.sent)); err != nil {
			b.t.Fatal(err)
		}
		b.sent++
	}
}

// leases runs the command and returns its exit code and what it printed.
func (b *bubble) leases(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	return b.answering("", append([]string{"leases"}, args...)...)
}

// answering runs the program before somebody who types an answer; nobody sits there when that is empty.
func (b *bubble) answering(answer string, args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	p, out := setup(notRun)
	p.transports = transports{kinesis: b.cable.to("kinesis", b.kinesis.RoundTripper()), dynamodb: b.cable.to("dynamodb", b.dynamodb.RoundTripper()),
		snowflake: b.cable.to("snowflake", b.snowflake.RoundTripper())}
	p.stdin, p.interactive = strings.NewReader(answer), answer != ""
	code = p.execute(args)
	if all := out.stdout.String() + out.stderr.String(); strings.Contains(all, "hunter2") {
		b.t.Errorf("a secret is told: %s", all)
	}
	return code, out.stdout.String(), out.stderr.String()
}

// start runs the pipeline as a worker, until the function that it returns is called: gracefully, or cut off and left to die.
func (b *bubble) start(worker string, until bool) (end func()) {
	b.t.Helper()
	pipelines, err := config.Load(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := pipelines[0]
	cfg.Source.WorkerID = worker
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- pipeline.Run(ctx, cfg, pipeline.RunOptions{UntilCaughtUp: until, Logger: slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			KinesisTransport: b.kinesis.RoundTripper(), DynamoDBTransport: b.dynamodb.RoundTripper(), SnowflakeTransport: b.snowflake.RoundTripper()})
	}()
	return func() {
		if !until {
			stop()
		}
		if err := <-done; err != nil {
			b.t.Errorf("worker %s: %v", worker, err)
		}
		stop()
	}
}

// load runs the pipeline until it has caught up.
func (b *bubble) load() { b.start("loader", true)() }

// count runs a query of one number.
func (b *bubble) count(query string) string {
	b.t.Helper()
	rows, err := b.snowflake.Exec(b.t.Context(), query)
	if err != nil {
		b.t.Fatal(query, err)
	}
	return rows.Rows[0][0].Text
}

const ordersTable = `"RAW"."KINESIS"."ORDERS"`

// rows checks how many rows the table has, and of how many different records.
func (b *bubble) rows(want, different int) {
	b.t.Helper()
	if got := b.count(`SELECT COUNT(*) FROM ` + ordersTable); got != fmt.Sprint(want) {
		b.t.Errorf("%s rows, want %d", got, want)
	}
	if got := b.count(`SELECT COUNT(DISTINCT "N") FROM ` + ordersTable); got != fmt.Sprint(different) {
		b.t.Errorf("%s different rows, want %d", got, different)
	}
}

// item returns a row of the lease table.
func (b *bubble) item(shard string) dynamodb.Item {
	b.t.Helper()
	for _, it := range b.dynamodb.Items(ordersApp) {
		if it["leaseKey"].Text == shard {
			return it
		}
	}
	b.t.Fatalf("no lease of %s", shard)
	return nil
}

// has checks parts of an output.
func has(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("lacks %q:\n%s", part, out)
		}
	}
}

// wants checks an exit code.
func wants(t *testing.T, want, code int, stderr string) {
	t.Helper()
	if code != want {
		t.Errorf("exit code %d, want %d: %s", code, want, stderr)
	}
}

// client speaks to the DynamoDB of the bubble, as another program would.
func (b *bubble) client() *awsdynamodb.Client {
	return awsdynamodb.New(awsdynamodb.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""), HTTPClient: &http.Client{Transport: b.dynamodb.RoundTripper()},
	})
}

// drop deletes a table.
func (b *bubble) drop(table string) {
	b.t.Helper()
	if _, err := b.client().DeleteTable(b.t.Context(), &awsdynamodb.DeleteTableInput{TableName: &table}); err != nil {
		b.t.Fatal(err)
	}
}

// meanwhile does something right before the first lease is written.
func (b *bubble) meanwhile(do func()) {
	done := false
	b.dynamodb.SetHooks(dynamodb.Hooks{Before: func(_ context.Context, c dynamodb.Call) *dynamodb.Fault {
		if c.Op == "UpdateItem" && !done {
			done = true
			do()
		}
		return nil
	}})
}

// own writes an owner into a lease, as a worker's take does; holder is who still has it during a hand-over.
func (b *bubble) own(shard, owner, holder string) {
	b.t.Helper()
	expression, values := "SET leaseOwner = :o, leaseCounter = leaseCounter + :one", map[string]types.AttributeValue{
		":o": &types.AttributeValueMemberS{Value: owner}, ":one": &types.AttributeValueMemberN{Value: "1"},
	}
	if holder != "" {
		expression += ", checkpointOwner = :h"
		values[":h"] = &types.AttributeValueMemberS{Value: holder}
	}
	if _, err := b.client().UpdateItem(b.t.Context(), &awsdynamodb.UpdateItemInput{
		TableName: aws.String(ordersApp), Key: map[string]types.AttributeValue{"leaseKey": &types.AttributeValueMemberS{Value: shard}},
		UpdateExpression: &expression, ExpressionAttributeValues: values,
	}); err != nil {
		b.t.Fatal(err)
	}
}

const (
	shard0 = "shardId-000000000000"
	shard1 = "shardId-000000000001"
	shard2 = "shardId-000000000002"
	shard3 = "shardId-000000000003"
)
