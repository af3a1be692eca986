package pipeline_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"kinesis-snowflake/config"
	"kinesis-snowflake/internal/pipeline"
	"kinesis-snowflake/internal/standin/dynamodb"
	streams "kinesis-snowflake/internal/standin/kinesis"
)

const typesRegion = "us-east-1"

// typesRun is what a whole pipeline made of records.
type typesRun struct {
	*typesRows
	sequences []string                     // of the records, in their order
	failures  map[string]map[string]string // log lines, by sequence number
	tally     pipeline.Tally
}

// runTypes puts records into a stream whose records may have 10 MiB, and runs a pipeline over the stand-ins until it
// has caught up. It does so in a bubble, since a record of 10 MiB takes all that may be read of a shard in five seconds.
func runTypes(t *testing.T, records [][]byte) (r typesRun) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { r = runTypesNow(t, records) })
	return r
}

func runTypesNow(t *testing.T, records [][]byte) typesRun {
	t.Helper()
	account := newTypesAccount(t)
	kds, leases := streams.New(streams.Options{}), dynamodb.New(dynamodb.Options{})
	client := kinesis.New(kinesis.Options{Region: typesRegion, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient: typesHTTP{kds.RoundTripper()}})
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(typesStream), ShardCount: aws.Int32(1),
		MaxRecordSizeInKiB: aws.Int32(10 << 10)}); err != nil {
		t.Fatal(err)
	}
	var r typesRun
	for _, data := range records {
		_, sequence, err := kds.Put(typesStream, "p", data)
		if err != nil {
			t.Fatal(err)
		}
		r.sequences = append(r.sequences, sequence)
	}

	cfg := config.Default()
	cfg.Source.Stream, cfg.Source.Region, cfg.Source.Application = typesStream, typesRegion, "app"
	cfg.Source.AccessKeyID, cfg.Source.SecretAccessKey = config.NewSecret("key"), config.NewSecret("secret")
	login := account.login()
	cfg.Sink.Account, cfg.Sink.User, cfg.Sink.Password, cfg.Sink.URL = login.Account, login.User, config.NewSecret(login.Password), login.URL
	cfg.Sink.Warehouse, cfg.Sink.Database, cfg.Sink.Schema, cfg.Sink.Table = login.Warehouse, login.Database, login.Schema, strings.ToUpper(typesStream)
	cfg.Sink.SpoolDir = account.spool
	cfg.FailedMessages.Payload = config.PayloadFull
	logs := newTypesLog()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := pipeline.Run(ctx, &cfg, pipeline.RunOptions{
		UntilCaughtUp: true, Logger: slog.New(logs), Progress: func(p pipeline.Progress) { r.tally = p.Tally },
		KinesisTransport: kds.RoundTripper(), DynamoDBTransport: leases.RoundTripper(), SnowflakeTransport: account.RoundTripper(),
	})
	if err != nil || ctx.Err() != nil {
		t.Fatalf("run: %v, %v", err, ctx.Err())
	}
	r.failures = map[string]map[string]string{}
	for _, line := range logs.with("message failed") {
		if r.failures[line["sequence"]] != nil {
			t.Errorf("two lines for one record: %v", line)
		}
		r.failures[line["sequence"]] = line
	}
	r.typesRows = readTypesTable(t, account.Server, cfg.Sink.Table)
	if n := len(r.rows) + len(r.failures); n != len(records) || int(r.tally.Loaded) != len(r.rows) || int(r.tally.Failed) != len(r.failures) {
		t.Fatalf("%d rows and %d failures for %d records: %+v", len(r.rows), len(r.failures), len(records), r.tally)
	}
	return r
}

// typesHTTP sends each request to a stand-in.
type typesHTTP struct{ http.RoundTripper }

func (c typesHTTP) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }
