package pipeline

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"kinesis-snowflake/config"
	"kinesis-snowflake/source/kpl"
)

// Customers are spread over all hash keys, and the aggregates go to shards in turn, as those of a producer do that does not
// know the shards.
func TestUserRecordsOutsideOfTheirShard(t *testing.T) {
	for _, filter := range []config.HashRangeFilter{config.FilterNone, config.FilterRecord, config.FilterKCL} {
		for _, auto := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/auto=%t", filter, auto), func(t *testing.T) {
				inStack(t, 2, func(t *testing.T, s *stack) {
					if auto {
						s.distributed()
					}
					c := newCrowd(s)
					c.put(120)
					cfg := s.config("worker")
					cfg.Source.HashRangeFilter = filter
					r := s.start(cfg, true)
					r.end(t)
					all, _ := c.want()
					want := all
					if !auto {
						want = c.inRange(all, filter)
					}
					c.account(want)
					if none := len(want) == len(all); none != (auto || filter == config.FilterNone) {
						t.Errorf("%d of %d user records are to be loaded: this shows nothing of the filter", len(want), len(all))
					}
					if said := strings.Count(r.log.String(), "behind a reshard"); said != 1 && !auto || said != 0 && auto {
						t.Errorf("%d lines about the producer's shard map", said)
					}
				})
			})
		}
	}
}

// inRange is what a filter leaves.
func (c *crowd) inRange(all map[place]string, filter config.HashRangeFilter) map[place]string {
	shards := map[string]kpl.Range{}
	for _, s := range c.kinesis.Shards(stream) {
		r, err := kpl.ParseRange(s.Start, s.End)
		if err != nil {
			c.t.Fatal(err)
		}
		shards[s.ID] = r
	}
	outside := map[place]bool{} // also of the whole record, with sub -1
	for rec := range c.kinesis.Records(stream) {
		for sub, u := range c.made[string(rec.Data)] {
			if !shards[rec.Shard].Holds(kpl.HashOf([]byte(u.PartitionKey))) {
				outside[place{rec.Shard, rec.Sequence, sub}], outside[place{rec.Shard, rec.Sequence, -1}] = true, true
			}
		}
	}
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(p place, _ string) bool {
		return filter == config.FilterRecord && outside[p] || filter == config.FilterKCL && outside[place{p.shard, p.sequence, -1}]
	})
	return left
}

// distributed makes the stream anew as one whose records the service distributes.
func (s *stack) distributed() {
	s.t.Helper()
	if err := s.kinesis.DeleteStream(stream); err != nil {
		s.t.Fatal(err)
	}
	client := s.kinesisClient()
	if err := sdk.NewStreamNotExistsWaiter(client).Wait(s.t.Context(), &sdk.DescribeStreamInput{StreamName: aws.String(stream)}, time.Minute); err != nil {
		s.t.Fatal(err)
	}
	if _, err := client.CreateStream(s.t.Context(), &sdk.CreateStreamInput{
		StreamName: aws.String(stream), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
		RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	}); err != nil {
		s.t.Fatal(err)
	}
	if err := sdk.NewStreamExistsWaiter(client).Wait(s.t.Context(), &sdk.DescribeStreamInput{StreamName: aws.String(stream)}, time.Minute); err != nil {
		s.t.Fatal(err)
	}
}
