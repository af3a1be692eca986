package kinesis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// still is a server whose clock stands at a whole second, the hardest case for what must come in order.
func still() (*kinesis.Server, *clock, *awskinesis.Client) {
	c := newClock()
	c.now = c.now.Truncate(time.Second)
	s := kinesis.New(kinesis.Options{Clock: c.Now})
	return s, c, kinesistest.Target{HTTP: s.RoundTripper()}.Client()
}

func atHorizon(t *testing.T, c *awskinesis.Client) []string {
	t.Helper()
	out, err := c.ListShards(t.Context(), &awskinesis.ListShardsInput{StreamName: aws.String("s"), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range out.Shards {
		ids = append(ids, *s.ShardId)
	}
	return ids
}

// TestSplitInTheSecondOfCreation splits twice before the clock moves: the shards open at the horizon are still one
// generation, which tiles the hash range.
func TestSplitInTheSecondOfCreation(t *testing.T) {
	s, _, c := still()
	newStream(t, s, 1)
	for _, id := range []string{"shardId-000000000000", "shardId-000000000001"} {
		if _, _, err := s.Split("s", id); err != nil {
			t.Fatal(err)
		}
	}
	if got := atHorizon(t, c); !slices.Equal(got, []string{"shardId-000000000000"}) {
		t.Errorf("open at the horizon are %v", got)
	}
}

// TestLongerRetentionBringsNothingBack splits, lets the parent expire and then lengthens the retention.
func TestLongerRetentionBringsNothingBack(t *testing.T) {
	s, clk, c := still()
	newStream(t, s, 1)
	clk.Advance(time.Hour)
	if _, _, err := s.Split("s", "shardId-000000000000"); err != nil {
		t.Fatal(err)
	}
	clk.Advance(26 * time.Hour)
	if _, err := c.IncreaseStreamRetentionPeriod(t.Context(), &awskinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("s"), RetentionPeriodHours: aws.Int32(72)}); err != nil {
		t.Fatal(err)
	}
	if got := atHorizon(t, c); !slices.Equal(got, []string{"shardId-000000000001", "shardId-000000000002"}) {
		t.Errorf("open at the horizon are %v", got)
	}
}

// TestIncarnationsDiffer makes a stream anew in the same second: its creation time and its sequence numbers are others.
func TestIncarnationsDiffer(t *testing.T) {
	s, _, c := still()
	seen := map[time.Time]bool{}
	var old string
	for range 3 {
		newStream(t, s, 1)
		out, err := c.DescribeStreamSummary(t.Context(), &awskinesis.DescribeStreamSummaryInput{StreamName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if at := *out.StreamDescriptionSummary.StreamCreationTimestamp; seen[at] {
			t.Errorf("two incarnations were created at %v", at)
		} else {
			seen[at] = true
		}
		_, seq, err := s.Put("s", "k", []byte("d"))
		if err != nil {
			t.Fatal(err)
		}
		if seq <= old {
			t.Errorf("sequence number %s of a new incarnation is not after %s", seq, old)
		}
		old = seq
		if err := s.DeleteStream("s"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAutoDistribution puts without partition keys where the service places the records.
func TestAutoDistribution(t *testing.T) {
	s, _, c := still()
	if _, err := c.CreateStream(t.Context(), &awskinesis.CreateStreamInput{StreamName: aws.String("s"), RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}}); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := c.PutRecord(t.Context(), &awskinesis.PutRecordInput{StreamName: aws.String("s"), Data: []byte("d")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range s.Shards("s") {
		if h.Put != 2 {
			t.Errorf("shard %s has %d of 8 records", h.ID, h.Put)
		}
	}
	it, err := c.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetRecords(t.Context(), &awskinesis.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.Records {
		if r.PartitionKey != nil {
			t.Errorf("a record without partition key comes back with %q", *r.PartitionKey)
		}
	}
}

// TestDryRun asks whether calls would succeed: they have no effect, and say so by their exception.
func TestDryRun(t *testing.T) {
	s, _, c := still()
	newStream(t, s, 1)
	_, err := c.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeLatest, DryRun: aws.Bool(true)})
	if code(err) != "DryRunOperationException" {
		t.Errorf("dry run says %v", err)
	}
	_, err = c.GetShardIterator(t.Context(), &awskinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000001"), ShardIteratorType: types.ShardIteratorTypeLatest, DryRun: aws.Bool(true)})
	if code(err) != "ResourceNotFoundException" {
		t.Errorf("dry run of what fails says %v", err)
	}
}

// TestDelays watches a stream be created, resharded and deleted by a service that takes its time.
func TestDelays(t *testing.T) {
	clk := newClock()
	s := kinesis.New(kinesis.Options{Clock: clk.Now, CreateDelay: 10 * time.Second, UpdateDelay: 5 * time.Second})
	c := kinesistest.Target{HTTP: s.RoundTripper()}.Client()
	if _, err := c.CreateStream(t.Context(), &awskinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	status := func(want types.StreamStatus, shards int32) {
		t.Helper()
		out, err := c.DescribeStreamSummary(t.Context(), &awskinesis.DescribeStreamSummaryInput{StreamName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		if d := out.StreamDescriptionSummary; d.StreamStatus != want || *d.OpenShardCount != shards {
			t.Errorf("stream is %s with %d open shards, want %s with %d", d.StreamStatus, *d.OpenShardCount, want, shards)
		}
	}
	status("CREATING", 0)
	if err := putOne(t.Context(), c); code(err) != "ResourceNotFoundException" {
		t.Errorf("put before the stream is ACTIVE: %v", err)
	}
	if _, err := c.ListShards(t.Context(), &awskinesis.ListShardsInput{StreamName: aws.String("s")}); code(err) != "ResourceInUseException" {
		t.Errorf("list before the stream is ACTIVE: %v", err)
	}
	clk.Advance(10 * time.Second)
	status("ACTIVE", 1)
	scale := func() error {
		_, err := c.UpdateShardCount(t.Context(), &awskinesis.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: aws.Int32(2), ScalingType: types.ScalingTypeUniformScaling})
		return err
	}
	if err := scale(); err != nil {
		t.Fatal(err)
	}
	status("UPDATING", 1)
	if err := scale(); code(err) != "ResourceInUseException" {
		t.Errorf("scale while UPDATING: %v", err)
	}
	if err := putOne(t.Context(), c); err != nil {
		t.Errorf("put while UPDATING: %v", err)
	}
	clk.Advance(5 * time.Second)
	status("ACTIVE", 2)
	if _, err := c.DeleteStream(t.Context(), &awskinesis.DeleteStreamInput{StreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	status("DELETING", 2)
	clk.Advance(10 * time.Second)
	if err := putOne(t.Context(), c); code(err) != "ResourceNotFoundException" {
		t.Errorf("put after the stream is gone: %v", err)
	}
}
