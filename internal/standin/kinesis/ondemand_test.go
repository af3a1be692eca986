package kinesis_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/kinesis/kinesistest"
)

// TestAutoSplit loads the shards of an on-demand stream beyond their bound: they split, within one request too, up to the
// bound of their number, and no record is lost. A provisioned stream's shards stay as they are.
func TestAutoSplit(t *testing.T) {
	for _, mode := range []types.StreamMode{types.StreamModeOnDemand, types.StreamModeProvisioned} {
		clk := newClock()
		s := kinesis.New(kinesis.Options{Clock: clk.Now, Limits: &kinesis.Limits{}, AutoSplit: kinesis.AutoSplit{Records: 100, Shards: 7}})
		c := kinesistest.Target{HTTP: s.RoundTripper()}.Client()
		in := &awskinesis.CreateStreamInput{StreamName: aws.String("s"), StreamModeDetails: &types.StreamModeDetails{StreamMode: mode}}
		want := []int{4, 4, 7, 7}
		if mode == types.StreamModeProvisioned {
			in.ShardCount, want = aws.Int32(4), []int{4, 4, 4, 4}
		}
		if _, err := c.CreateStream(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		put := 0
		for step, n := range []int{300, 60, 3000, 3000} { // some 75 and 15 a shard within a second, then far more
			for range n / 60 {
				entries := make([]types.PutRecordsRequestEntry, 60)
				for i := range entries {
					put++
					entries[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint(put)), Data: []byte(fmt.Sprint(put))}
				}
				if _, err := c.PutRecords(t.Context(), &awskinesis.PutRecordsInput{StreamName: aws.String("s"), Records: entries}); err != nil {
					t.Fatal(err)
				}
			}
			open := 0
			for _, h := range s.Shards("s") {
				if h.Open {
					open++
				}
			}
			if open != want[step] {
				t.Errorf("%s: after step %d %d shards are open, want %d", mode, step, open, want[step])
			}
			clk.Advance(time.Second)
		}
		var got []string
		for r := range s.Records("s") {
			got = append(got, string(r.Data))
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != put {
			t.Errorf("%s: %d of %d records are there", mode, len(got), put)
		}
	}
}
