package kinesis_test

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"pgregory.net/rapid"

	"kinesis-snowflake/internal/standin/kinesis"
)

func bigOf(t rapid.TB, s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatalf("%q is not a number", s)
	}
	return n
}

// tiles checks that the open shards cover the hash range once.
func tiles(t rapid.TB, shards []kinesis.Shard) {
	open := slices.DeleteFunc(slices.Clone(shards), func(s kinesis.Shard) bool { return !s.Open })
	slices.SortFunc(open, func(a, b kinesis.Shard) int { return bigOf(t, a.Start).Cmp(bigOf(t, b.Start)) })
	next := new(big.Int)
	for _, s := range open {
		if bigOf(t, s.Start).Cmp(next) != 0 {
			t.Fatalf("shard %s starts at %s, want %v", s.ID, s.Start, next)
		}
		next.Add(bigOf(t, s.End), big.NewInt(1))
	}
	if next.Cmp(new(big.Int).Lsh(big.NewInt(1), 128)) != 0 {
		t.Fatalf("the open shards end before %v", next)
	}
}

// readAll reads a stream as a consumer does: from the shards at the trim horizon, then children once all of their
// parents are at their end. It returns the data by partition key, in the order in which it came.
func readAll(t *rapid.T, c *awskinesis.Client, stream string, limit int32) map[string][]int {
	ctx := t.Context()
	out, err := c.ListShards(ctx, &awskinesis.ListShardsInput{StreamName: &stream, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}})
	if err != nil {
		t.Fatal(err)
	}
	var queue []string
	for _, s := range out.Shards {
		queue = append(queue, *s.ShardId)
	}
	got, ended, last := map[string][]int{}, map[string]bool{}, map[string]*big.Int{}
	for len(queue) > 0 {
		shard := queue[0]
		queue = queue[1:]
		it, err := c.GetShardIterator(ctx, &awskinesis.GetShardIteratorInput{StreamName: &stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		for next := it.ShardIterator; next != nil; {
			out, err := c.GetRecords(ctx, &awskinesis.GetRecordsInput{ShardIterator: next, Limit: &limit})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Records {
				n, err := strconv.Atoi(string(r.Data))
				if err != nil {
					t.Fatal(err)
				}
				got[*r.PartitionKey] = append(got[*r.PartitionKey], n)
				seq := bigOf(t, *r.SequenceNumber)
				if before := last[*r.PartitionKey]; before != nil && before.Cmp(seq) >= 0 {
					t.Fatalf("sequence number %v of key %s follows %v", seq, *r.PartitionKey, before)
				}
				last[*r.PartitionKey] = seq
			}
			if next = out.NextShardIterator; next != nil && len(out.Records) == 0 && *out.MillisBehindLatest == 0 {
				break // at the tip of an open shard
			}
			if next == nil {
				ended[shard] = true
			}
			for _, child := range out.ChildShards {
				ready := !slices.ContainsFunc(child.ParentShards, func(p string) bool { return !ended[p] })
				if ready {
					queue = append(queue, *child.ShardId)
				}
			}
		}
	}
	return got
}

// TestReshardKeepsEveryRecord puts, splits, merges and scales at random. The open shards tile the hash range after each
// step, and a consumer that follows parents, then children, reads every record once and each key's in order.
func TestReshardKeepsEveryRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clk := newClock()
		s := kinesis.New(kinesis.Options{Clock: clk.Now, Limits: &kinesis.Limits{}, LateEnd: rapid.Bool().Draw(t, "late end")})
		if err := s.CreateStream("s", rapid.IntRange(1, 4).Draw(t, "shards")); err != nil {
			t.Fatal(err)
		}
		want, n := map[string][]int{}, 0
		open := func() []kinesis.Shard {
			o := slices.DeleteFunc(s.Shards("s"), func(h kinesis.Shard) bool { return !h.Open })
			slices.SortFunc(o, func(a, b kinesis.Shard) int { return bigOf(t, a.Start).Cmp(bigOf(t, b.Start)) })
			return o
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"put", "put", "put", "split", "merge", "scale", "wait"}).Draw(t, "step") {
			case "put":
				for range rapid.IntRange(1, 20).Draw(t, "records") {
					key := strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "key"))
					if _, _, err := s.Put("s", key, []byte(strconv.Itoa(n))); err != nil {
						t.Fatal(err)
					}
					want[key] = append(want[key], n)
					n++
				}
			case "split":
				if _, _, err := s.Split("s", rapid.SampledFrom(open()).Draw(t, "shard").ID); err != nil {
					t.Fatal(err)
				}
			case "merge":
				if o := open(); len(o) > 1 {
					i := rapid.IntRange(1, len(o)-1).Draw(t, "place")
					pair := []string{o[i-1].ID, o[i].ID}
					if rapid.Bool().Draw(t, "the other way round") {
						slices.Reverse(pair)
					}
					if _, err := s.Merge("s", pair[0], pair[1]); err != nil {
						t.Fatal(err)
					}
				}
			case "scale":
				to := rapid.IntRange(1, 7).Draw(t, "to")
				if err := s.UpdateShardCount("s", to); err != nil {
					t.Fatal(err)
				}
				if got := len(open()); got != to {
					t.Fatalf("%d shards are open after scaling to %d", got, to)
				}
			case "wait":
				clk.Advance(time.Duration(rapid.IntRange(0, 100_000).Draw(t, "ms")) * time.Millisecond)
			}
			tiles(t, s.Shards("s"))
		}
		c := awskinesis.New(awskinesis.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://kinesis.test"), Retryer: aws.NopRetryer{},
			Credentials: credentialsForTest, HTTPClient: clientOf(s)})
		got := readAll(t, c, "s", int32(rapid.IntRange(1, 50).Draw(t, "limit")))
		for key, w := range want {
			if !slices.Equal(got[key], w) {
				t.Fatalf("key %s reads %v, want %v", key, got[key], w)
			}
			delete(got, key)
		}
		if len(got) != 0 {
			t.Fatalf("reads what was not put: %v", got)
		}
		put, seen := 0, 0
		for _, h := range s.Shards("s") {
			put += h.Put
		}
		for r := range s.Records("s") {
			seen += cmp.Compare(len(r.Data), 0)
		}
		if put != n || seen != n {
			t.Fatalf("snapshots count %d records and Records %d, want %d", put, seen, n)
		}
	})
}
