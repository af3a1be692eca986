package admin_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kcl"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/source"
)

const (
	stream, application = "orders", "orders-app"

	shard0 = "shardId-000000000000"
	shard1 = "shardId-000000000001"
	shard2 = "shardId-000000000002"
	shard3 = "shardId-000000000003"
	shard4 = "shardId-000000000004"
)

// reading notes what a worker is handed, by shard, and commits it at once.
type reading struct {
	mu     sync.Mutex
	seen   map[string][]string
	starts map[string]row.Position
	order  []string
}

func (r *reading) Open(_ context.Context, s *source.Shard) (source.ShardConsumer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts[s.ID()] = s.Start()
	r.order = append(r.order, s.ID())
	return &shardReading{r, s, false}, nil
}

type shardReading struct {
	*reading
	shard *source.Shard
	ended bool
}

func (s *shardReading) Handle(_ context.Context, r *row.Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range r.Records {
		s.seen[r.Shard] = append(s.seen[r.Shard], string(rec.Sequence))
	}
	if r.Last.IsNumber() {
		s.shard.Checkpoint(r.Last)
	}
	if r.End && !s.ended {
		s.ended = true
		s.shard.Finish()
	}
	return nil
}

func (*shardReading) Drain(context.Context) error { return nil }
func (*shardReading) Close()                      {}

// Rows as KCL 1.x, 2.x, 3.0 and 3.5 leave them are taken over where they stand, by a worker that has never heard of it: no
// import, and nothing else configured. What belongs to KCL alone stays in the table as it is.
func TestTakeoverOfATableOfKCL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, d := kinesis.New(kinesis.Options{}), dynamodb.New(dynamodb.Options{})
		if err := k.CreateStream(stream, 1); err != nil {
			t.Fatal(err)
		}
		put := func(n int) {
			t.Helper()
			for i := range n {
				if _, _, err := k.Put(stream, strconv.Itoa(i), []byte("{}")); err != nil {
					t.Fatal(err)
				}
			}
		}
		of := func(shard string) (all []string) {
			for r := range k.Records(stream) {
				if r.Shard == shard {
					all = append(all, r.Sequence)
				}
			}
			return all
		}
		split := func(shard string) {
			t.Helper()
			if _, _, err := k.Split(stream, shard); err != nil {
				t.Fatal(err)
			}
		}
		put(20)
		split(shard0)
		put(60)
		split(shard1)
		put(40)

		client := awsdynamodb.New(awsdynamodb.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
			HTTPClient: &http.Client{Transport: d.RoundTripper()}})
		if err := kcl.CreateTable(t.Context(), client, application, "leaseKey"); err != nil {
			t.Fatal(err)
		}
		one, two := of(shard1), of(shard2)
		if err := kcl.Write(t.Context(), client, application, []kcl.Row{
			// 1.x: a finished parent, without children and hash keys.
			{"leaseKey": shard0, "leaseOwner": "java-0", "leaseCounter": 81, "checkpoint": "SHARD_END", "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 0},
			// 2.x: a checkpoint in two steps, the second still to come; only the first counts.
			{"leaseKey": shard1, "leaseOwner": "java-1", "leaseCounter": 7, "checkpoint": one[4], "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 2,
				"parentShardId": []string{shard0}, "pendingCheckpoint": one[9], "pendingCheckpointSubSequenceNumber": 0, "pendingCheckpointState": []byte("state")},
			// 3.0: it stopped in the middle of a hand-over.
			{"leaseKey": shard2, "leaseOwner": "java-2", "checkpointOwner": "java-1", "leaseCounter": 9, "checkpoint": two[0], "checkpointSubSequenceNumber": 0,
				"ownerSwitchesSinceCheckpoint": 0, "parentShardId": []string{shard0}, "throughputKBps": 12.75},
			// 3.5: an entity type, and other rows in the same table. Never begun.
			{"leaseKey": shard3, "leaseCounter": 0, "checkpoint": "TRIM_HORIZON", "checkpointSubSequenceNumber": 0, "ownerSwitchesSinceCheckpoint": 0,
				"parentShardId": []string{shard1}, "entityType": "LEASE"},
			{"leaseKey": "Leader", "entityType": "LEADER", "ownerName": "java-1", "leaseDuration": "120000", "recordVersionNumber": "f3"},
			{"leaseKey": "java-1", "entityType": "WORKER_METRIC_STATS", "lut": 1763800000},
		}...); err != nil {
			t.Fatal(err)
		}

		src, err := source.New(source.Options{Stream: stream, Region: "us-east-1", Application: application, WorkerID: "ours", AccessKeyID: "AKID", SecretAccessKey: "secret",
			KinesisTransport: k.RoundTripper(), DynamoDBTransport: d.RoundTripper(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r := &reading{seen: map[string][]string{}, starts: map[string]row.Position{}}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- src.Run(ctx, r) }()
		<-time.After(5 * time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}

		for shard, want := range map[string][]string{shard0: nil, shard1: one[5:], shard2: two[1:], shard3: of(shard3), shard4: of(shard4)} {
			if !slices.Equal(r.seen[shard], want) {
				t.Errorf("%s: read %d records, want %d from %v on", shard, len(r.seen[shard]), len(want), r.starts[shard])
			}
			if len(want) == 0 && shard != shard0 {
				t.Errorf("%s proves nothing: it has no records", shard)
			}
		}
		if slices.Index(r.order, shard1) > slices.Index(r.order, shard3) || slices.Index(r.order, shard1) > slices.Index(r.order, shard4) {
			t.Errorf("a child was opened before its parent: %v", r.order)
		}
		rows := map[string]dynamodb.Item{}
		for _, it := range d.Items(application) {
			rows[it["leaseKey"].Text] = it
		}
		if rows[shard2]["throughputKBps"].Text != "12.75" || rows["Leader"]["ownerName"].Text != "java-1" || rows["java-1"]["lut"].Text != "1763800000" {
			t.Errorf("what is KCL's alone was changed: %v", rows)
		}
		for _, attr := range []string{"checkpointOwner", "leaseOwner", "pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"} {
			for _, shard := range []string{shard1, shard2} {
				if _, there := rows[shard][attr]; there {
					t.Errorf("%s still has %s", shard, attr)
				}
			}
		}
		if rows[shard1]["checkpoint"].Text != row.ShardEnd || rows[shard1]["leaseCounter"].Kind != "N" {
			t.Errorf("%v", rows[shard1])
		}
	})
}
