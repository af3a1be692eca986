package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"

	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/spf13/cobra"

	"kinesis-snowflake/cmd/sandbox/internal/produce"
	"kinesis-snowflake/cmd/sandbox/internal/stack"
)

type reshardOptions struct {
	address, stream, split string
	merge                  bool
	count                  int32
}

func reshardCommand() *cobra.Command {
	var o reshardOptions
	c := &cobra.Command{
		Use:   "reshard --kinesis ADDR --stream NAME {--split SHARD | --merge A B | --count N}",
		Short: "Split, merge or scale the shards of a running Kinesis's stream",
		Args: func(_ *cobra.Command, args []string) error {
			ways := 0
			for _, set := range []bool{o.split != "", o.merge, o.count != 0} {
				if set {
					ways++
				}
			}
			switch {
			case ways != 1:
				return errors.New("one of --split, --merge and --count is needed")
			case o.merge && len(args) != 2:
				return errors.New("--merge takes two shards")
			case !o.merge && len(args) > 0:
				return fmt.Errorf("unexpected %q", args[0])
			}
			return nil
		},
		RunE: running(func(c *cobra.Command, args []string) error { return reshard(c.Context(), o, args, c.OutOrStdout()) }),
	}
	f := c.Flags()
	f.StringVar(&o.address, "kinesis", "", "`ADDR` of Kinesis")
	f.StringVar(&o.stream, "stream", "", "`NAME` of the stream")
	f.StringVar(&o.split, "split", "", "split `SHARD` in the middle")
	f.BoolVar(&o.merge, "merge", false, "merge two adjacent shards, given as arguments")
	f.Int32Var(&o.count, "count", 0, "scale to `N` equal shards")
	required(c, "kinesis", "stream")
	return c
}

func reshard(ctx context.Context, o reshardOptions, shards []string, out io.Writer) error {
	remote := produce.Dial(o.address, stack.Region, stack.AccessKey, stack.SecretKey)
	client := remote.Client
	var err error
	switch {
	case o.split != "":
		var middle string
		if middle, err = middleOf(ctx, client, o.stream, o.split); err == nil {
			_, err = client.SplitShard(ctx, &sdk.SplitShardInput{StreamName: &o.stream, ShardToSplit: &o.split, NewStartingHashKey: &middle})
		}
	case o.merge:
		_, err = client.MergeShards(ctx, &sdk.MergeShardsInput{StreamName: &o.stream, ShardToMerge: &shards[0], AdjacentShardToMerge: &shards[1]})
	default:
		_, err = client.UpdateShardCount(ctx, &sdk.UpdateShardCountInput{StreamName: &o.stream, TargetShardCount: &o.count, ScalingType: types.ScalingTypeUniformScaling})
	}
	if err != nil {
		return fmt.Errorf("reshard %s: %w", o.stream, err)
	}
	if err := remote.WaitActive(ctx, o.stream); err != nil {
		return err
	}
	all, err := listShards(ctx, client, o.stream)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.SequenceNumberRange.EndingSequenceNumber == nil {
			fmt.Fprintln(out, *s.ShardId)
		}
	}
	return nil
}

// middleOf is the hash key that cuts a shard in two halves.
func middleOf(ctx context.Context, client *sdk.Client, stream, shard string) (string, error) {
	all, err := listShards(ctx, client, stream)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if *s.ShardId != shard {
			continue
		}
		start, ok1 := new(big.Int).SetString(*s.HashKeyRange.StartingHashKey, 10)
		end, ok2 := new(big.Int).SetString(*s.HashKeyRange.EndingHashKey, 10)
		if !ok1 || !ok2 {
			return "", fmt.Errorf("shard %s has the hash range %s to %s", shard, *s.HashKeyRange.StartingHashKey, *s.HashKeyRange.EndingHashKey)
		}
		sum := start.Add(start, end)
		return sum.Rsh(sum.Add(sum, big.NewInt(1)), 1).String(), nil
	}
	return "", fmt.Errorf("there is no shard %s", shard)
}

func listShards(ctx context.Context, client *sdk.Client, stream string) ([]types.Shard, error) {
	var all []types.Shard
	in := &sdk.ListShardsInput{StreamName: &stream}
	for {
		out, err := client.ListShards(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list shards: %w", err)
		}
		all = append(all, out.Shards...)
		if out.NextToken == nil {
			return all, nil
		}
		in = &sdk.ListShardsInput{NextToken: out.NextToken}
	}
}
